package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Column is a column of a query's result.
type Column struct {
	Name string
	Type string // SQL type
	Key  bool
}

// Row is one row. Values are JSON as the server wrote it, so that numbers keep their digits and structs their order.
type Row struct {
	Values    []json.RawMessage
	Tombstone bool // the row of this key was deleted from the table
}

// Rows is the result of a running query. One goroutine reads it; the context of Query ends it from another.
type Rows struct {
	ctx  context.Context
	c    *Client
	body io.ReadCloser

	json  *json.Decoder
	lines *bufio.Scanner // of PRINT, which has no columns; else nil

	id      string
	columns []Column
	row     Row
	final   string
	err     error
	done    bool
}

// Query begins a SELECT or PRINT. It returns once the server has accepted it. The caller must Close the result.
func (c *Client) Query(ctx context.Context, r Request) (*Rows, error) {
	resp, err := c.send(ctx, http.MethodPost, "/query", r.body())
	if err != nil {
		return nil, err
	}
	rows := &Rows{ctx: ctx, c: c, body: resp.Body}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		rows.lines = bufio.NewScanner(resp.Body)
		rows.lines.Buffer(nil, maxAnswer)
		return rows, nil
	}
	rows.json = json.NewDecoder(resp.Body)
	if err := rows.begin(); err != nil {
		closeBody(resp)
		return nil, err
	}
	return rows, nil
}

// streamedRow is one element of the answer; one field is set.
type streamedRow struct {
	Header *struct {
		QueryID string `json:"queryId"`
		Schema  string `json:"schema"`
	} `json:"header"`
	Row *struct {
		Columns   []json.RawMessage `json:"columns"`
		Tombstone bool              `json:"tombstone"`
	} `json:"row"`
	ErrorMessage *errorObject `json:"errorMessage"`
	FinalMessage string       `json:"finalMessage"`
}

// begin reads up to the header.
func (r *Rows) begin() error {
	if _, err := r.json.Token(); err != nil { // [
		return r.broken(err)
	}
	var first streamedRow
	if err := r.json.Decode(&first); err != nil {
		return r.broken(err)
	}
	switch {
	case first.ErrorMessage != nil:
		return first.ErrorMessage.toError()
	case first.Header == nil:
		return errors.New("read the server's answer: it does not begin with a header")
	}
	r.id = first.Header.QueryID
	var err error
	r.columns, err = parseSchema(first.Header.Schema)
	return err
}

// QueryID is the id of the query; "" for PRINT.
func (r *Rows) QueryID() string { return r.id }

// Columns are the columns of every row; nil for PRINT, the rows of which are one JSON string each.
func (r *Rows) Columns() []Column { return r.columns }

// Print says whether this is the result of PRINT.
func (r *Rows) Print() bool { return r.lines != nil }

// Row is the row that the last Next found. It stays valid.
func (r *Rows) Row() Row { return r.row }

// Final is the server's last word, "Limit Reached" or "Query Completed"; "" before the end or if there was none.
func (r *Rows) Final() string { return r.final }

// Err is why Next returned false: nil at a proper end, the context's error if that was canceled, *Error if the query failed.
func (r *Rows) Err() error { return r.err }

// Close ends the query.
func (r *Rows) Close() error {
	r.done = true
	if err := r.body.Close(); err != nil {
		return fmt.Errorf("close the query: %w", err)
	}
	return nil
}

// Next waits for a row.
func (r *Rows) Next() bool {
	if r.done {
		return false
	}
	ok, err := r.next()
	if !ok {
		r.done = true
		r.err = err
	}
	return ok
}

func (r *Rows) next() (bool, error) {
	if r.lines != nil {
		return r.nextLine()
	}
	for {
		if !r.json.More() {
			// The closing bracket tells an end from a connection that broke.
			if _, err := r.json.Token(); err != nil {
				return false, r.broken(err)
			}
			return false, nil
		}
		var s streamedRow
		if err := r.json.Decode(&s); err != nil {
			return false, r.broken(err)
		}
		switch {
		case s.Row != nil:
			r.row = Row{Values: s.Row.Columns, Tombstone: s.Row.Tombstone}
			return true, nil
		case s.ErrorMessage != nil:
			return false, s.ErrorMessage.toError()
		case s.FinalMessage != "":
			r.final = s.FinalMessage
		}
	}
}

func (r *Rows) nextLine() (bool, error) {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return false, r.broken(err)
		}
		return false, nil
	}
	line, err := json.Marshal(r.lines.Text())
	r.row = Row{Values: []json.RawMessage{line}}
	return err == nil, err
}

func (r *Rows) broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return r.c.broken(r.ctx, err)
}

// parseSchema reads the schema of a header: `ID` STRING KEY, `N` MAP<STRING, INTEGER>.
func parseSchema(text string) ([]Column, error) {
	var out []Column
	for rest := text; rest != ""; {
		name, after, ok := cutName(rest)
		if !ok {
			return nil, fmt.Errorf("read the server's answer: schema %q", text)
		}
		end := typeEnd(after)
		typ, key := strings.CutSuffix(strings.TrimSpace(after[:end]), " KEY")
		typ = strings.TrimSuffix(typ, " HEADERS")
		if i := strings.LastIndex(typ, " HEADER('"); i >= 0 && strings.HasSuffix(typ, "')") {
			typ = typ[:i]
		}
		out = append(out, Column{Name: name, Type: typ, Key: key})
		rest = strings.TrimLeft(after[end:], ", ")
	}
	return out, nil
}

// cutName takes a back-quoted name off the front.
func cutName(s string) (name, rest string, ok bool) {
	if s == "" || s[0] != '`' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '`':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '`':
			b.WriteByte('`')
			i++
		default:
			return b.String(), s[i+1:], true
		}
	}
	return "", "", false
}

// typeEnd is where the comma behind a type stands, or the end.
func typeEnd(s string) int {
	depth, quoted := 0, false
	for i, c := range s {
		switch {
		case c == '`':
			quoted = !quoted
		case quoted:
		case c == '<' || c == '(':
			depth++
		case c == '>' || c == ')':
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(s)
}
