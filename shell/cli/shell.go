package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/shell"
	"github.com/millrace/millrace/shell/client"
)

type shellOptions struct {
	server, output    string
	statements, files []string
}

// maxScript bounds a script, which is held in memory.
const maxScript = 64 << 20

// runShell runs what -e and -f say, or standard input, or a session with the person at the terminal.
func runShell(ctx context.Context, std streams, o shellOptions) (err error) {
	c, err := client.New(o.server)
	if err != nil {
		return err
	}
	defer c.Close()
	cfg := shell.Config{Client: c, Out: std.out, Err: std.err, Output: o.output}
	if std.out == os.Stdout {
		cfg.Screen = shell.TerminalScreen()
	}
	s, err := shell.New(cfg)
	if err != nil {
		return err
	}
	if len(o.statements)+len(o.files) > 0 {
		return runScripts(ctx, s, o)
	}
	if std.in != os.Stdin || !shell.IsTerminal() {
		text, err := readScript(std.in)
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		return runScript(ctx, s, "standard input", text)
	}
	term, err := shell.OpenTerminal(c, historyPath(), cfg.Screen.Color)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, term.Close()) }()
	return s.Interact(ctx, term)
}

func runScripts(ctx context.Context, s *shell.Shell, o shellOptions) error {
	for _, text := range o.statements {
		if err := runScript(ctx, s, "", text); err != nil {
			return err
		}
	}
	for _, path := range o.files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		text, err := readScript(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := runScript(ctx, s, path, text); err != nil {
			return err
		}
	}
	return nil
}

func runScript(ctx context.Context, s *shell.Shell, name, text string) error {
	if err := s.Script(ctx, name, text); err != nil {
		return scriptError{err}
	}
	return nil
}

func readScript(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxScript+1))
	if err == nil && len(b) > maxScript {
		err = fmt.Errorf("the script is longer than %d bytes", maxScript)
	}
	return string(b), err
}

// historyPath is where statements are remembered: MILLRACE_HISTORY, or in the user's state directory; "" if there is neither.
func historyPath() string {
	if p, ok := os.LookupEnv("MILLRACE_HISTORY"); ok {
		return p
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "millrace", "history")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "millrace", "history")
}
