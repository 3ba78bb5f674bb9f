package cli

import (
	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine/testdriver/qtt"
	"github.com/millrace/millrace/engine/testdriver/rqtt"
)

func testCommand(std streams) *cobra.Command {
	o := qtt.Options{Server: rqtt.Open}
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run SQL test cases without Kafka",
		Long: `Run test cases: JSON files, or folders of them, in the form of ksqlDB's query translation tests. A case has statements, records that
go into topics, and records that must come out, or the refusal that is expected. Cases that say what a server answers run on one: it
is started on a port of the loopback interface, with the embedded broker, and removed at the end.

The first difference of each case that fails is shown, and last a line with the numbers. The exit code is 1 if a case failed.`,
		Example: `  millrace test cases/joins.json
  millrace test --summary cases`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			if code := qtt.Main(paths, o, std.out); code != 0 {
				return statusError(code)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.Summary, "summary", false, "end with a histogram of why cases failed")
	f.BoolVar(&o.Parse, "parse", false, "parse the statements and do no more")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "do not show the cases that fail")
	f.IntVar(&o.BatchSize, "batch-size", 1, "records that travel together")
	f.BoolVar(&o.NoOptimizer, "no-optimizer", false, "run plans as the analyzer made them")
	f.IntVar(&o.Commit, "commit", 0, "commit every `N` batches, and abort and repeat each transaction and restart behind it; 0: never")
	return cmd
}
