package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// command is a word that the shell answers itself. It needs no semicolon.
type command struct {
	names []string // the first one is shown by help
	usage string
	help  string
	bare  bool // takes no arguments: with any it is no such command, but a statement
	run   func(ctx context.Context, s *Shell, args string) error
}

// commands is filled by init, since help reads it.
var commands []command

func init() {
	commands = []command{
		{[]string{"help", `\?`, "?"}, "help", "show this", true, help},
		{[]string{"exit", "quit", `\q`}, "exit", "leave the shell (or Ctrl-D)", true, func(context.Context, *Shell, string) error { return errExit }},
		{[]string{"output", `\o`}, "output [" + strings.Join(formatNames(), "|") + "]", "choose or show how results are shown", false, output},
		{[]string{`\x`}, `\x`, "switch between table and vertical", true, toggleVertical},
		{[]string{`\d`}, `\d [NAME]`, "SHOW STREAMS and SHOW TABLES, or DESCRIBE NAME", false, describe},
		{[]string{"history"}, "history", "show the statements so far", true, history},
		{[]string{"clear"}, "clear", "clear the screen", true, clearScreen},
		{[]string{`\i`}, `\i FILE`, "run a script, as RUN SCRIPT 'FILE'; does", false, include},
		{[]string{"spool"}, "spool 'FILE' | spool off", "write results to a file too", false, spool},
		{[]string{"server"}, "server", "show which server this is", true, server},
	}
}

// findCommand recognizes a local command and its arguments.
func findCommand(text string) (*command, string) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), ";"))
	if strings.Contains(text, "\n") {
		return nil, ""
	}
	word, args, _ := strings.Cut(text, " ")
	args = strings.TrimSpace(args)
	for i := range commands {
		c := &commands[i]
		for _, n := range c.names {
			if strings.EqualFold(n, word) && (!c.bare || args == "") {
				return c, args
			}
		}
	}
	return nil, ""
}

func help(_ context.Context, s *Shell, _ string) error {
	s.printf("%s", "Statements end with a semicolon and may have several lines:\n\n"+
		"  SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW MODELS; SHOW TOPICS; SHOW FUNCTIONS;\n"+
		"  CREATE STREAM s (id INT KEY, v DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\n"+
		"  INSERT INTO s (id, v) VALUES (1, 2.5);\n"+
		"  SELECT * FROM s EMIT CHANGES;            Ctrl-C ends a query that runs\n"+
		"  SET 'auto.offset.reset' = 'earliest';    for this session\n"+
		"  DEFINE topic = 'orders';                 then ${topic} stands for orders\n\n"+
		"Commands of the shell:\n\n")
	for _, c := range commands {
		usage := c.usage
		if len(c.names) > 1 {
			usage += " (" + strings.Join(c.names[1:], ", ") + ")"
		}
		s.printf("  %-40s %s\n", usage, c.help)
	}
	return nil
}

func output(_ context.Context, s *Shell, args string) error {
	if args == "" {
		for _, f := range formats {
			mark := " "
			if f.name == s.output {
				mark = "*"
			}
			s.printf("%s %-9s %s\n", mark, f.name, f.help)
		}
		return nil
	}
	return s.setOutput(strings.Trim(args, "'"))
}

func toggleVertical(_ context.Context, s *Shell, _ string) error {
	if s.output == "vertical" {
		return s.setOutput("table")
	}
	return s.setOutput("vertical")
}

func describe(ctx context.Context, s *Shell, args string) error {
	if args != "" {
		return s.statement(ctx, "DESCRIBE "+args)
	}
	return errors.Join(s.statement(ctx, "SHOW STREAMS"), s.statement(ctx, "SHOW TABLES"))
}

func history(_ context.Context, s *Shell, _ string) error {
	if s.lines == nil {
		return nil
	}
	for i, h := range s.lines.History() {
		s.printf("%4d  %s\n", i+1, h)
	}
	return nil
}

func clearScreen(_ context.Context, s *Shell, _ string) error {
	if s.screen.Size != nil {
		s.printf("\x1b[H\x1b[2J")
	}
	return nil
}

func include(ctx context.Context, s *Shell, args string) error {
	if args == "" {
		return errors.New(`name the script: \i FILE`)
	}
	return s.runFile(ctx, strings.Trim(args, "'"))
}

func server(ctx context.Context, s *Shell, _ string) error {
	info, err := s.client.Info(ctx)
	if err != nil {
		return err
	}
	s.printf("%s, version %s, service %s, Kafka cluster %s, %s\n", s.client.Server(), info.Version, info.ServiceID,
		info.ClusterID, info.Status)
	return nil
}

func spool(_ context.Context, s *Shell, args string) error {
	path := strings.Trim(args, "'")
	switch {
	case path == "":
		return errors.New("name a file, or say spool off")
	case strings.EqualFold(args, "off"):
		if s.spool == nil {
			return errors.New("nothing is spooled")
		}
		return s.stopSpool()
	case s.spool != nil:
		return fmt.Errorf("results go to %s already; say spool off first", s.spool.Name())
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // results may be private
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if err := s.out.Flush(); err != nil {
		return errors.Join(err, f.Close())
	}
	s.spool = f
	s.out.Reset(io.MultiWriter(s.dest, f))
	return nil
}

func (s *Shell) stopSpool() error {
	err := s.out.Flush()
	f := s.spool
	s.spool = nil
	s.out.Reset(s.dest)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}
