package shell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/shell/client"
)

// statement runs one statement, without its semicolon.
func (s *Shell) statement(ctx context.Context, text string) error {
	switch firstWord(text) {
	case "SELECT", "PRINT", "WITH", "(":
		return s.query(ctx, text)
	case "SET", "UNSET", "DEFINE", "UNDEFINE", "RUN":
		return s.change(ctx, text)
	}
	entities, err := s.client.Execute(ctx, s.session.request(text))
	var refused *client.Error
	if errors.As(err, &refused) {
		entities = refused.Entities
	}
	for _, e := range entities {
		if showErr := s.entity(e); showErr != nil {
			return errors.Join(err, showErr)
		}
	}
	return err
}

// firstWord is a statement's first word in upper case, or "(". Comments before it do not count.
func firstWord(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		switch {
		case strings.HasPrefix(text, "--"):
			_, text, _ = strings.Cut(text, "\n")
			continue
		case strings.HasPrefix(text, "/*"):
			_, text, _ = strings.Cut(text, "*/")
			continue
		case strings.HasPrefix(text, "("):
			return "("
		}
		end := strings.IndexFunc(text, func(r rune) bool { return !isWordRune(r) })
		if end < 0 {
			end = len(text)
		}
		return strings.ToUpper(text[:end])
	}
}

func isWordRune(r rune) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// latency is how long a row may wait for others before it is shown.
const latency = 100 * time.Millisecond

// query shows the rows of a query as they come.
func (s *Shell) query(ctx context.Context, text string) error {
	start := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.client.Query(ctx, s.session.request(text))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // stream has ended the request already
	var p printer = lines{s.out}
	if !rows.Print() {
		p = s.printer(resultColumns(rows.Columns()), pushes(text))
	}
	n, err := s.stream(ctx, cancel, rows, p)
	note := fmt.Sprintf("(%d rows, %s)", n, time.Since(start).Round(time.Millisecond))
	if rows.Final() != "" {
		note = fmt.Sprintf("%s (%d rows)", rows.Final(), n)
	}
	if s.lines != nil && err == nil {
		_ = s.out.Flush()
		s.note(note)
	}
	return err
}

// pushes says whether a query goes on until it is ended, as far as the shell needs to know.
func pushes(text string) bool { return strings.Contains(strings.ToUpper(text), "EMIT") }

// stream hands rows to the printer and sees to it that none waits longer than latency. When it returns nobody reads rows any more.
func (s *Shell) stream(ctx context.Context, stop func(), rows *client.Rows, p printer) (int, error) {
	found := make(chan client.Row)
	defer func() {
		stop()
		for range found { // until the reader has seen it
		}
	}()
	go func() {
		defer close(found)
		for rows.Next() {
			select {
			case found <- rows.Row():
			case <-ctx.Done():
				return
			}
		}
	}()
	n, waiting := 0, time.After(latency)
	for {
		select {
		case row, more := <-found:
			if !more {
				return n, errors.Join(p.end(), s.out.Flush(), rows.Err())
			}
			n++
			if err := p.row(rowCells(row)); err != nil {
				return n, err
			}
			if waiting == nil {
				waiting = time.After(latency)
			}
		case <-waiting:
			waiting = nil
			if err := errors.Join(p.flush(), s.out.Flush()); err != nil {
				return n, err
			}
		}
	}
}

func resultColumns(cols []client.Column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = column{name: c.Name, typ: c.Type}
	}
	return out
}

func rowCells(row client.Row) []cell {
	out := make([]cell, len(row.Values))
	for i, v := range row.Values {
		out[i] = jsonCell(v)
	}
	if row.Tombstone && len(out) > 0 {
		out[len(out)-1].note = "<deleted>"
	}
	return out
}

// jsonCell is a cell for a JSON value: strings without quotes, all else as it is.
func jsonCell(v json.RawMessage) cell {
	c := cell{raw: v, text: string(v)}
	switch {
	case len(v) == 0 || string(v) == "null":
		c.null, c.text = true, "null"
	case v[0] == '"':
		var text string
		if json.Unmarshal(v, &text) == nil {
			c.text = text
		}
	}
	return c
}
