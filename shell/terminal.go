package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chzyer/readline"

	"github.com/millrace/millrace/shell/client"
)

// Terminal reads lines from the person at a terminal, with history, completion and colors.
type Terminal struct {
	rl      *readline.Instance
	keys    *keyFilter
	history *historyFile
	empty   bool // the line that is being typed is
	client  *client.Client
	names   atomic.Pointer[[]string]
}

// bracketed paste: the terminal marks what was pasted.
const (
	pasteOn  = "\x1b[?2004h"
	pasteOff = "\x1b[?2004l"
)

// OpenTerminal takes over standard input and output. The history file may be "".
func OpenTerminal(c *client.Client, historyPath string, color bool) (*Terminal, error) {
	history, err := openHistory(historyPath)
	if err != nil {
		return nil, err
	}
	t := &Terminal{history: history, empty: true, client: c, keys: &keyFilter{in: readline.NewCancelableStdin(os.Stdin)}}
	cfg := &readline.Config{
		Prompt:                 prompt,
		AutoComplete:           completer{names: t.known, width: readline.GetScreenWidth},
		HistorySearchFold:      true,
		DisableAutoSaveHistory: true,
		HistoryLimit:           maxHistory,
		InterruptPrompt:        "^C",
		EOFPrompt:              "exit",
		Stdin:                  t.keys,
		FuncFilterInputRune:    t.filter,
	}
	if color {
		cfg.Painter = painter{}
	}
	cfg.SetListener(func(line []rune, _ int, _ rune) ([]rune, int, bool) {
		t.empty = len(line) == 0
		return nil, 0, false
	})
	if t.rl, err = readline.NewEx(cfg); err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	for _, e := range history.entries {
		if err := t.rl.SaveHistory(e); err != nil {
			return nil, fmt.Errorf("open terminal: %w", err)
		}
	}
	fmt.Print(pasteOn)
	go t.learn()
	return t, nil
}

// filter turns Delete back into what readline deletes with, unless the line is empty, where it would mean the end.
func (t *Terminal) filter(r rune) (rune, bool) {
	if r != keyDelete {
		return r, true
	}
	return readline.CharDelete, !t.empty
}

// Line implements LineReader.
func (t *Terminal) Line(prompt string) (string, error) {
	t.rl.SetPrompt(prompt)
	t.empty = true
	line, err := t.rl.Readline()
	switch {
	case errors.Is(err, readline.ErrInterrupt):
		return "", ErrInterrupt
	case errors.Is(err, io.EOF):
		return "", io.EOF
	}
	return line, err
}

// Remember implements LineReader. A history that cannot be written is no reason to bother a person at each line.
func (t *Terminal) Remember(statement string) {
	if line, _ := t.history.add(statement); line != "" {
		_ = t.rl.SaveHistory(line)
	}
	switch firstWord(statement) {
	case "CREATE", "DROP", "ALTER", "RUN":
		go t.learn()
	}
}

// History implements LineReader.
func (t *Terminal) History() []string { return t.history.entries }

// Close gives the terminal back.
func (t *Terminal) Close() error {
	fmt.Print(pasteOff)
	// readline wraps its input and closes the wrapping alone; then it waits for a read of the input to end.
	if err := errors.Join(t.keys.Close(), t.rl.Close()); err != nil {
		return fmt.Errorf("close terminal: %w", err)
	}
	return nil
}

func (t *Terminal) known() []string {
	if names := t.names.Load(); names != nil {
		return *names
	}
	return nil
}

// learn asks the server for names to complete. It runs beside the prompt and prints nothing; without a server there are no names.
func (t *Terminal) learn() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var names []string
	for _, show := range []string{"SHOW STREAMS;", "SHOW TABLES;", "SHOW MODELS;", "SHOW FUNCTIONS;"} {
		entities, err := t.client.Execute(ctx, client.Request{SQL: show})
		if err != nil {
			continue
		}
		for _, e := range entities {
			names = append(names, entityNames(e.Body)...)
		}
	}
	t.names.Store(&names)
}

// entityNames are the names in the entity of a SHOW statement.
func entityNames(body json.RawMessage) []string {
	type named struct{ Name string }
	var v struct{ Streams, Tables, Models, Functions []named }
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	var out []string
	for _, list := range [][]named{v.Streams, v.Tables, v.Models, v.Functions} {
		for _, n := range list {
			if strings.IndexFunc(n.Name, func(r rune) bool { return !isWordRune(r) }) < 0 {
				out = append(out, n.Name)
			}
		}
	}
	return out
}

// TerminalScreen is the screen of standard output; the zero Screen if that is no terminal. NO_COLOR in the environment asks for no colors.
func TerminalScreen() Screen {
	fd := int(os.Stdout.Fd())
	if !readline.IsTerminal(fd) {
		return Screen{}
	}
	return Screen{
		Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Size: func() (int, int) {
			w, h, err := readline.GetSize(fd)
			if err != nil || w <= 0 || h <= 0 {
				return 80, 24
			}
			return w, h
		},
	}
}

// IsTerminal says whether standard input is one.
func IsTerminal() bool { return readline.IsTerminal(int(os.Stdin.Fd())) }
