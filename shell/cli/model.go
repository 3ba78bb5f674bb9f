package cli

import (
	"github.com/spf13/cobra"

	"github.com/millrace/millrace/shell/workbench"
)

func modelCommand(std streams) *cobra.Command {
	var l workbench.Loader
	cmd := &cobra.Command{
		Use:   "model",
		Short: "See, try and time a model file before it meets a stream",
		Long: `Look at a model file without a server: what it is and takes (inspect), what it gives for rows of a CSV file (score), how long that takes
(bench). Files are ONNX, XGBoost (JSON or UBJ) or LightGBM (text); which, their bytes tell. They are loaded as CREATE MODEL loads them,
so what works here works in SQL: natively if that covers the file, else by ONNX Runtime where its library is present, or as --backend says.`,
		Example: `  millrace model inspect fraud.onnx
  millrace model score fraud.onnx --input payments.csv
  millrace model bench fraud.onnx --batch 1,256
  millrace model bench fraud.onnx --backend ort --onnxruntime /usr/lib/libonnxruntime.so`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&l.Backend, "backend", "", "`NAME` of who scores, native or ort (default: the first that covers the file)")
	runtimeFlag(cmd.PersistentFlags(), &l.Runtime)
	cmd.AddCommand(inspectCommand(std, &l), scoreCommand(std, &l), benchModelCommand(std, &l))
	return cmd
}

func inspectCommand(std streams, l *workbench.Loader) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a model is, what PREDICT takes and what it returns",
		Long: `Show a model file: its format, size and sha256, what it holds (operator sets and operators, or trees and their objective), the backend
that would score it, its inputs with the names of their columns where the file has them, its outputs, and the PREDICT call with the SQL type
that it returns. A model that cannot be scored is shown as far as it is known; then the operators that are missing are named, and the exit
code is 1.`,
		Example: `  millrace model inspect fraud.onnx`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.Inspect(cmd.Context(), args[0], std.out)
		},
	}
}

func scoreCommand(std streams, l *workbench.Loader) *cobra.Command {
	var o workbench.ScoreOptions
	cmd := &cobra.Command{
		Use:   "score FILE --input ROWS.csv",
		Short: "Print what PREDICT gives for the rows of a CSV file",
		Long: `Score the rows of a CSV file and print a line for each, in their order. The first line of the file names its columns: if all columns of the
model (see inspect) are among them, they are found by name, and others are passed over; else the columns must be as many as PREDICT takes
arguments, in that order. An empty field is NULL: a missing value to a model that knows such.

MAPs and ARRAYs are written as JSON.`,
		Example: `  millrace model score fraud.onnx --input payments.csv
  tail -n +2 payments.csv | millrace model score fraud.onnx --input - --no-header --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.Score(cmd.Context(), args[0], o, std.in, std.out)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Input, "input", "i", "-", "CSV `FILE` with the rows; - is the standard input")
	f.BoolVar(&o.NoHeader, "no-header", false, "the first line is a row, too")
	f.StringVarP(&o.Output, "output", "o", "csv", "how results are shown: csv or json")
	return cmd
}

func benchModelCommand(std streams, l *workbench.Loader) *cobra.Command {
	var batches []int
	cmd := &cobra.Command{
		Use:   "bench FILE",
		Short: "Time a model: nanoseconds per row, allocations per batch",
		Long: `Time the model alone, in one goroutine, on random rows in batches of each size: nanoseconds per row of wall time, rows per second, and
allocations per batch. A query adds what it takes to read, decode and write records.`,
		Example: `  millrace model bench fraud.onnx
  millrace model bench fraud.onnx --batch 1,64,1024`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.Bench(cmd.Context(), args[0], batches, std.out)
		},
	}
	cmd.Flags().IntSliceVar(&batches, "batch", []int{1, 16, 256}, "`ROWS` of the batches")
	return cmd
}
