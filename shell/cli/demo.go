package cli

import (
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/shell/demo"
)

func demoCommand(std streams) *cobra.Command {
	o := demo.Options{Out: std.out, Progress: std.err}
	logs := logOptions{level: "warn"}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Score real biopsies as a stream and compare with scikit-learn",
		Long: `Run the whole of Millrace on real data: 228 biopsies of the Breast Cancer Wisconsin (Diagnostic) data set are played as a stream, a
model that scikit-learn trained on the other 341 scores them inside SQL, a join with the diagnoses counts hits and misses in windows, and the
scores are compared with scikit-learn's own.

It brings its own broker and needs nothing else. Run again on the same directory it goes on where it was.`,
		Example: `  millrace demo          play, then stay so that you can look around
  millrace demo --once   play, print the results, exit`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logs.logger(std.err)
			if err != nil {
				return err
			}
			o.Logger = log
			if o.Once && !cmd.Flags().Changed("listen") {
				o.Listen = "127.0.0.1:0" // nobody will look for it
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return demo.Run(ctx, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.Once, "once", false, "exit when everything is scored")
	f.StringVar(&o.DataDir, "data", "data/demo", "`DIRECTORY` of the demo's broker and state")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8088", "`ADDRESS` of the demo's server")
	f.DurationVar(&o.Pace, "pace", 10*time.Millisecond, "time between two biopsies")
	f.StringVar(&logs.level, "log-level", "warn", "least `LEVEL` that is logged: debug, info, warn or error")
	f.StringVar(&logs.format, "log-format", "text", "`FORM` of log lines: text or json")
	return cmd
}
