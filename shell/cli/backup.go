package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/backup"
)

func backupCommand(std streams) *cobra.Command {
	var o serverOptions
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a service's definitions and models into a file",
		Long: `Write the definitions of a service (streams, tables, queries, types, models) and the bytes of its models into a file, as they stand in Kafka.
Servers may be running, unless the broker is the one inside: that one is read from --data while its server is down.

Records, positions and state are Kafka's own topics, and are not in the file.`,
		Example: `  millrace backup --bootstrap kafka-1:9092 --service shop_ shop.backup
  millrace backup --config server.properties shop.backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd, std, func(ctx context.Context) error { return writeBackup(ctx, std, o.engine, args[0]) })
		},
	}
	o.connection(cmd.Flags())
	o.log.flags(cmd.Flags())
	return cmd
}

func restoreCommand(std streams) *cobra.Command {
	var o serverOptions
	var check bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Define a service anew from a backup",
		Long: `Write a backup into a service that has no definitions: a new cluster, or one that lost the topic of commands. No server of the service may be
running; the next one that starts has the definitions, and its queries go on from the positions that Kafka still has, or begin anew.

The file is read to its end before anything is written; --check does no more than that.`,
		Example: `  millrace restore --check shop.backup
  millrace restore --bootstrap kafka-1:9092 --service shop_ shop.backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd, std, func(ctx context.Context) error { return readBackup(ctx, std, o.engine, args[0], check) })
		},
	}
	o.connection(cmd.Flags())
	o.log.flags(cmd.Flags())
	cmd.Flags().BoolVar(&check, "check", false, "read the file, say what it holds, and write nothing")
	return cmd
}

// run reads the settings and calls f, which Ctrl-C ends.
func (o *serverOptions) run(cmd *cobra.Command, std streams, f func(context.Context) error) error {
	if err := o.readConfig(cmd.Flags()); err != nil {
		return err
	}
	log, err := o.log.logger(std.err)
	if err != nil {
		return err
	}
	o.engine.Logger = log
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return f(ctx)
}

// writeBackup writes beside the file and renames: what has the name is whole.
func writeBackup(ctx context.Context, std streams, o engine.Options, name string) (err error) {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	s, err := engine.Backup(ctx, o, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return told(std.out, "written", s)
}

func readBackup(ctx context.Context, std streams, o engine.Options, name string, check bool) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if check {
		s, err := backup.Check(f)
		if err != nil {
			return err
		}
		return told(std.out, "whole", s)
	}
	s, err := engine.Restore(ctx, o, f)
	if err != nil {
		return err
	}
	return told(std.out, "restored", s)
}

func told(w io.Writer, what string, s backup.Summary) error {
	_, err := fmt.Fprintf(w, "%s: service %s as of %s, %d commands, %d chunks of models\n",
		what, s.Service, s.Taken.Format("2006-01-02 15:04:05 MST"), s.Commands, s.Chunks)
	return err
}
