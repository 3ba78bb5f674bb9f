package shell

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// column heads a column of a result. Typ is its SQL type, "" if it has none.
type column struct{ name, typ string }

// numeric says whether values are set to the right.
func (c column) numeric() bool {
	return c.typ == "INTEGER" || c.typ == "BIGINT" || c.typ == "DOUBLE" || strings.HasPrefix(c.typ, "DECIMAL")
}

// cell is one value of a row.
type cell struct {
	text string // for people
	null bool
	note string          // what people are told beside the value
	raw  json.RawMessage // nil: the text is the value
}

func (c cell) shown() string {
	text := c.text
	if c.note != "" {
		text += " " + c.note
	}
	return text
}

// printer shows one result in an output format. It may hold rows back until flush or end.
type printer interface {
	row(cells []cell) error
	flush() error
	end() error
}

// formats are the output formats by name.
var formats = []struct {
	name, help string
	make       func(s *Shell, cols []column, live bool) printer
}{
	{"table", "columns side by side", func(s *Shell, cols []column, live bool) printer { return newTable(s.out, s.screen, cols, live) }},
	{"vertical", "a line a column", func(s *Shell, cols []column, _ bool) printer { return newVertical(s.out, cols) }},
	{"csv", "comma separated, NULL is empty", func(s *Shell, cols []column, _ bool) printer { return newCSV(s.out, cols) }},
	{"json", "a JSON object a row", func(s *Shell, cols []column, _ bool) printer { return &jsonLines{w: s.out, cols: cols} }},
}

func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func (s *Shell) setOutput(name string) error {
	name = strings.ToLower(name)
	if name == "tabular" { // ksqlDB's word
		name = "table"
	}
	if !slices.Contains(formatNames(), name) {
		return fmt.Errorf("there is no output format %q; there are %s", name, strings.Join(formatNames(), ", "))
	}
	s.output = name
	return nil
}

// printer makes the printer of the chosen format. Live results may take long, so a table of them has its head at once.
func (s *Shell) printer(cols []column, live bool) printer {
	for _, f := range formats {
		if f.name == s.output {
			return f.make(s, cols, live)
		}
	}
	panic("shell: output format " + s.output) // setOutput takes only those of the list
}

// printable replaces control characters, which could take over a terminal: what a topic holds is not to be trusted.
func printable(s string) string {
	clean := func(r rune) bool { return r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) }
	if strings.IndexFunc(s, func(r rune) bool { return !clean(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case clean(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// vertical shows each row as a block of name and value lines.
type vertical struct {
	w     *bufio.Writer
	cols  []column
	width int
	n     int
}

func newVertical(w *bufio.Writer, cols []column) *vertical {
	v := &vertical{w: w, cols: cols}
	for _, c := range cols {
		v.width = max(v.width, runewidth.StringWidth(printable(c.name)))
	}
	return v
}

func (v *vertical) row(cells []cell) error {
	v.n++
	if _, err := fmt.Fprintf(v.w, "-[ row %d ]-\n", v.n); err != nil {
		return err
	}
	for i, c := range cells {
		if _, err := fmt.Fprintf(v.w, "%s : %s\n", runewidth.FillRight(printable(v.cols[i].name), v.width), printable(c.shown())); err != nil {
			return err
		}
	}
	return nil
}

func (v *vertical) flush() error { return nil }
func (v *vertical) end() error   { return nil }

// csvRows writes a header and comma separated rows.
type csvRows struct {
	w      *csv.Writer
	fields []string
}

func newCSV(w *bufio.Writer, cols []column) *csvRows {
	c := &csvRows{w: csv.NewWriter(w)}
	for _, col := range cols {
		c.fields = append(c.fields, col.name)
	}
	_ = c.w.Write(c.fields) // its error comes again from the first Flush
	return c
}

func (c *csvRows) row(cells []cell) error {
	c.fields = c.fields[:0]
	for _, v := range cells {
		if v.null {
			v.text = ""
		}
		c.fields = append(c.fields, v.text)
	}
	return c.w.Write(c.fields)
}

func (c *csvRows) flush() error { c.w.Flush(); return c.w.Error() }
func (c *csvRows) end() error   { return c.flush() }

// jsonLines writes a JSON object a row and line.
type jsonLines struct {
	w    *bufio.Writer
	cols []column
}

func (j *jsonLines) row(cells []cell) error {
	b := []byte{'{'}
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, j.cols[i].name), ':')
		switch {
		case c.null:
			b = append(b, "null"...)
		case c.raw != nil:
			b = append(b, c.raw...)
		default:
			b = appendQuoted(b, c.text)
		}
	}
	_, err := j.w.Write(append(b, '}', '\n'))
	return err
}

func appendQuoted(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return append(b, q...)
}

func (j *jsonLines) flush() error { return nil }
func (j *jsonLines) end() error   { return nil }

// lines shows what PRINT prints.
type lines struct{ w *bufio.Writer }

func (l lines) row(cells []cell) error {
	for _, c := range cells {
		if _, err := l.w.WriteString(printable(c.text) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func (l lines) flush() error { return nil }
func (l lines) end() error   { return nil }
