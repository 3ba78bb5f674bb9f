package cli

import (
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine/kafka/embedded"
)

func brokerCommand(std streams) *cobra.Command {
	var data, listen string
	var syncWrites bool
	var logs logOptions
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the Kafka broker of the server alone",
		Long: `Run a single Kafka broker on a directory: what 'millrace server' has inside, for other programs.

It is made for development and small installations on one machine. It keeps everything across graceful restarts; after a crash it keeps
what was written, but transactions that ran at that moment may be seen twice or in part. It asks nobody who they are, and so opens
loopback addresses alone.`,
		Example: `  millrace broker
  millrace broker --data /var/lib/millrace --listen 127.0.0.1:19092`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			log, err := logs.logger(std.err)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			b, err := embedded.Open(data, embedded.Options{Listen: listen, SyncWrites: syncWrites, Logger: log})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			if _, err := fmt.Fprintf(std.out, "A Kafka broker answers at %s\n", b.Addr()); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "data", "`DIRECTORY` of its log")
	f.StringVar(&listen, "listen", "127.0.0.1:9092", "loopback `ADDRESS` to answer at")
	f.BoolVar(&syncWrites, "sync", false, "have every batch on the disk before it is acknowledged; slow")
	logs.flags(f)
	return cmd
}
