package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/millrace/millrace/shell/client"
	"github.com/millrace/millrace/sql/parser"
)

// Config says what a Shell talks to and where it writes.
type Config struct {
	Client *client.Client
	Out    io.Writer // results
	Err    io.Writer // errors and notes
	Output string    // name of the output format; "" means table
	Screen Screen    // of Out
}

// Screen is what is known of the terminal that results go to. The zero value is no terminal: lines are as long as they need.
type Screen struct {
	Size  func() (width, height int) // nil: no terminal
	Color bool
}

// Shell runs statements for one session. It is not safe for concurrent use.
type Shell struct {
	client  *client.Client
	out     *bufio.Writer
	dest    io.Writer // where out goes when nothing is spooled
	spool   *os.File
	err     io.Writer
	screen  Screen
	output  string
	lines   LineReader // nil in scripts
	session session
	depth   int // of scripts that run scripts
}

// New returns a shell.
func New(cfg Config) (*Shell, error) {
	if cfg.Output == "" {
		cfg.Output = "table"
	}
	s := &Shell{
		client: cfg.Client, out: bufio.NewWriter(cfg.Out), dest: cfg.Out, err: cfg.Err, screen: cfg.Screen, session: newSession(),
	}
	return s, s.setOutput(cfg.Output)
}

// LineReader reads lines from a person.
type LineReader interface {
	// Line shows the prompt and reads a line. It returns ErrInterrupt if the person gave the line up, io.EOF to leave.
	Line(prompt string) (string, error)
	// Remember adds a statement to the history.
	Remember(statement string)
	// History is what was remembered, oldest first.
	History() []string
}

// ErrInterrupt is Ctrl-C at the prompt.
var ErrInterrupt = errors.New("interrupted")

// errExit is the exit command's.
var errExit = errors.New("exit")

const (
	prompt     = "millrace> "
	promptMore = "     ...> "
)

// Interact reads statements from a person until they leave. Errors of statements are shown, not returned.
func (s *Shell) Interact(ctx context.Context, lines LineReader) error {
	s.lines = lines
	defer func() { s.lines = nil }()
	s.greet(ctx)
	var buf strings.Builder
	for {
		p := prompt
		if buf.Len() > 0 {
			p = promptMore
		}
		line, err := lines.Line(p)
		switch {
		case errors.Is(err, ErrInterrupt):
			buf.Reset()
			continue
		case errors.Is(err, io.EOF):
			return s.leave()
		case err != nil:
			return fmt.Errorf("read a line: %w", err)
		}
		if buf.Len() == 0 && strings.TrimSpace(line) == "" {
			continue
		}
		if buf.Len() > 0 {
			buf.WriteByte('\n')
		}
		buf.WriteString(line)
		text := buf.String()
		if !s.ready(text) {
			continue
		}
		buf.Reset()
		lines.Remember(strings.TrimSpace(text))
		if err := s.interruptible(ctx, text); errors.Is(err, errExit) {
			return s.leave()
		}
	}
}

// ready says whether the text can run: it is a local command, or all its statements have their semicolons.
func (s *Shell) ready(text string) bool {
	pieces, complete := parser.Split(text)
	if complete || len(pieces) > 1 {
		return complete
	}
	c, _ := findCommand(text)
	return c != nil
}

// interruptible runs text and shows its errors. Ctrl-C ends what runs, not the shell.
func (s *Shell) interruptible(ctx context.Context, text string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	err := s.run(ctx, "", text)
	if err != nil && !errors.Is(err, errExit) {
		s.show(err)
	}
	return err
}

// Script runs statements and local commands until one fails, and returns that failure, with where it is if the script has a name.
func (s *Shell) Script(ctx context.Context, name, text string) error {
	err := s.run(ctx, name, text)
	if errors.Is(err, errExit) {
		err = nil
	}
	if flushErr := s.leave(); err == nil && flushErr != nil {
		err = fmt.Errorf("write results: %w", flushErr)
	}
	return err
}

// run runs one statement or local command after another. A script that lacks its last semicolon is whole all the same.
func (s *Shell) run(ctx context.Context, name, text string) error {
	pieces, _ := parser.Split(text)
	for _, p := range pieces {
		var err error
		if c, args := findCommand(p.Text); c != nil {
			err = c.run(ctx, s, args)
		} else {
			err = s.statement(ctx, p.Text)
		}
		if flushErr := s.out.Flush(); err == nil {
			err = flushErr
		}
		if err != nil && name != "" {
			err = fmt.Errorf("%s:%d: %w", name, 1+strings.Count(text[:p.Start], "\n"), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Shell) greet(ctx context.Context) {
	info, err := s.client.Info(ctx)
	if err != nil {
		s.show(err)
		s.note("hint: start a server with `millrace server`, or name another with --server")
		return
	}
	s.note(fmt.Sprintf("Millrace shell. Server %s, version %s, service %s, %s.", s.client.Host(), info.Version, info.ServiceID,
		strings.ToLower(info.Status)))
	s.note("Statements end with a semicolon. Type help for commands, exit or Ctrl-D to leave.")
}

// leave writes what is still held back and ends a spool.
func (s *Shell) leave() error {
	err := s.out.Flush()
	if s.spool != nil {
		err = errors.Join(err, s.stopSpool())
	}
	return err
}

// printf writes results. The writer keeps an error until Flush.
func (s *Shell) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }

// note tells the person something that is no result. If it cannot be shown there is nobody to tell.
func (s *Shell) note(text string) { _, _ = fmt.Fprintln(s.err, text) }

// show writes an error for a person.
func (s *Shell) show(err error) {
	_ = s.out.Flush() // what was shown comes first; if the screen is gone so is the error's place
	s.note(Describe(err, s.screen.Color))
}
