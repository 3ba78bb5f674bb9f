// Millrace is a streaming SQL engine for Kafka: server, shell and tools in one program. `millrace --help` says how to use it.
package main

import (
	"context"
	"os"

	"github.com/millrace/millrace/shell/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
