package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// streams are the standard streams, so that tests can have their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commands build the sub-commands. A new command is a file and a line here.
var commands = []func(streams) *cobra.Command{
	serverCommand,
	brokerCommand,
	testCommand,
	demoCommand,
	benchCommand,
	modelCommand,
	backupCommand,
	restoreCommand,
	versionCommand,
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot(streams{in, out, errs})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if text := describe(err); text != "" {
		_, _ = fmt.Fprintln(errs, text) // there is nobody else to tell
	}
	return exitCode(err)
}

// defaultServer is where `millrace server` listens unless told otherwise.
const defaultServer = "http://127.0.0.1:8088"

func newRoot(std streams) *cobra.Command {
	var o shellOptions
	root := &cobra.Command{
		Use:   "millrace",
		Short: "Streaming SQL for Kafka, with machine-learning models in the query",
		Long: `Millrace is a streaming SQL engine for Kafka in one program. It speaks ksqlDB's language and REST API, keeps windowed
state on disk, and scores ONNX models inside SQL.

Without a command it is the shell: interactive at a terminal, else it runs the statements on its standard input.`,
		Example: `  millrace server                       start a server, with a Kafka broker inside
  millrace                              talk to it
  millrace -e 'SHOW STREAMS;'           run statements and exit
  millrace -f setup.sql --output json   run a script
  millrace server --bootstrap kafka-1:9092,kafka-2:9092`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.server = orEnv(cmd, "server", o.server, "MILLRACE_SERVER")
			return runShell(cmd.Context(), std, o)
		},
	}
	f := root.Flags()
	f.StringVar(&o.server, "server", defaultServer, "`URL` of the server; also MILLRACE_SERVER")
	f.StringArrayVarP(&o.statements, "execute", "e", nil, "run `SQL` and exit; may be repeated")
	f.StringArrayVarP(&o.files, "file", "f", nil, "run the statements of `FILE` and exit, after those of -e; may be repeated")
	f.StringVarP(&o.output, "output", "o", "table", "how results are shown: table, vertical, csv or json")
	root.SetFlagErrorFunc(usageError)
	for _, build := range commands {
		root.AddCommand(build(std))
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// usageError is a flag that cannot be: the error says which, and where help is.
func usageError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w\nhint: `%s --help` lists the flags", err, cmd.CommandPath())
}

// orEnv is the value of a flag, or of an environment variable if the flag was not given.
func orEnv(cmd *cobra.Command, flag, value, name string) string {
	if env := os.Getenv(name); env != "" && !cmd.Flags().Changed(flag) {
		return env
	}
	return value
}
