package cli

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/shell/bench"
)

func benchCommand(std streams) *cobra.Command {
	o := bench.Options{Out: std.out, Progress: std.err}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure throughput: Nexmark bids from Kafka to Kafka",
		Long: `Load bids of the Nexmark benchmark (JSON, about 243 bytes) into a broker of its own process, run a filter and a windowed count over
them in a server of its own process, and print for each how many records the server took per second of its CPU time, with its allocations
per record and peak memory. CPU time and not wall time, so that other work on the machine disturbs little.`,
		Example: `  millrace bench
  millrace bench --bootstrap 127.0.0.1:19092 --records 5000000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return bench.Throughput(ctx, o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Records, "records", 1_000_000, "how many bids")
	f.StringVar(&o.Bootstrap, "bootstrap", "", "running Kafka `BROKERS` to use; none: `millrace broker`")
	f.StringVar(&o.Guarantee, "guarantee", "", "processing `GUARANTEE` of the server; none: its default")
	return cmd
}
