package workbench

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/model"
)

// ScoreOptions say what is scored and how it is shown.
type ScoreOptions struct {
	Input    string // a CSV file; "-" is the standard input
	NoHeader bool   // its first line is a row
	Output   string // csv or json
}

// scoreBatch is the number of rows that are scored together.
const scoreBatch = 1024

// Score prints what PREDICT gives for each row of a CSV file.
func (l Loader) Score(ctx context.Context, path string, o ScoreOptions, in io.Reader, out io.Writer) error {
	if o.Output != "csv" && o.Output != "json" {
		return fmt.Errorf("no output format %q; there are csv and json", o.Output)
	}
	v, err := l.open(ctx, path)
	if err != nil {
		return err
	}
	rows, closeRows, err := openRows(v, o, in)
	if err != nil {
		return err
	}
	defer closeRows()
	p, err := newPrinter(o.Output, v.Scorer.Signature(), rows.binding.Result, out)
	if err != nil {
		return err
	}
	result := vector.New(rows.binding.Result)
	for {
		n, err := rows.next()
		if err != nil {
			return fmt.Errorf("read %s: %w", o.Input, err)
		}
		if n == 0 {
			return p.flush()
		}
		result.Reset()
		if err := rows.binding.Score(ctx, rows.args, n, nil, result); err != nil {
			return err
		}
		for i := range n {
			if err := p.row(result.Value(i)); err != nil {
				return err
			}
		}
	}
}

// rowReader turns lines of CSV into the arguments of a PREDICT.
type rowReader struct {
	csv     *csv.Reader
	binding *model.Binding
	args    []*vector.Vector
	field   []int // by argument: its field in a line
	width   int   // fields of a line
	pending []string
}

func openRows(v *model.Version, o ScoreOptions, in io.Reader) (*rowReader, func(), error) {
	done := func() {}
	if o.Input != "-" {
		f, err := os.Open(o.Input)
		if err != nil {
			return nil, nil, fmt.Errorf("read rows: %w", err)
		}
		in, done = f, func() { _ = f.Close() } // it was only read
	}
	r, err := newRowReader(v, o, in)
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("read %s: %w", o.Input, err)
	}
	return r, done, nil
}

func newRowReader(v *model.Version, o ScoreOptions, in io.Reader) (*rowReader, error) {
	sig := v.Scorer.Signature()
	kinds := sig.ArgTypes()
	b, err := model.Bind(v.Artifact.Name, v.Scorer, kinds)
	if err != nil {
		return nil, err
	}
	r := &rowReader{csv: csv.NewReader(in), binding: b}
	r.csv.ReuseRecord = true
	for i, k := range kinds {
		r.args = append(r.args, vector.New(k))
		r.field = append(r.field, i)
	}
	first, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	r.width = len(first)
	if !o.NoHeader && r.byName(first, argumentNames(sig)) {
		return r, nil
	}
	if r.width != len(kinds) {
		return nil, fmt.Errorf("the model takes %d arguments (%s) and the file has %d columns, whose names do not tell which",
			len(kinds), strings.Join(argumentNames(sig), ", "), r.width)
	}
	if !o.NoHeader && isRow(first, kinds) {
		return nil, errors.New("the first line is no header but a row: say --no-header, or name the columns")
	}
	if o.NoHeader {
		r.pending = append(r.pending, first...)
	}
	return r, nil
}

// isRow says whether a line has a number wherever the model wants one, which a header has not.
func isRow(line []string, kinds []*types.Type) bool {
	numbers := false
	for i, k := range kinds {
		if k.Kind == types.KindString {
			continue
		}
		numbers = true
		if appendText(vector.New(k), line[i]) != nil {
			return false
		}
	}
	return numbers
}

// byName finds the columns of all arguments in a header; false if one is not there.
func (r *rowReader) byName(header, names []string) bool {
	at := map[string]int{}
	for i, h := range header {
		at[strings.TrimSpace(h)] = i
	}
	field := make([]int, len(names))
	for i, name := range names {
		k, ok := at[name]
		if !ok {
			return false
		}
		field[i] = k
	}
	r.field = field
	return true
}

// next fills the arguments with the rows of a batch and returns their number; 0 at the end.
func (r *rowReader) next() (int, error) {
	for _, a := range r.args {
		a.Reset()
	}
	for n := 0; ; n++ {
		if n == scoreBatch {
			return n, nil
		}
		line := r.pending
		if r.pending = nil; line == nil {
			var err error
			if line, err = r.csv.Read(); errors.Is(err, io.EOF) {
				return n, nil
			} else if err != nil {
				return 0, err
			}
		}
		for i, a := range r.args {
			if err := appendText(a, line[r.field[i]]); err != nil {
				number, column := r.csv.FieldPos(r.field[i])
				return 0, fmt.Errorf("line %d, column %d: %w", number, column, err)
			}
		}
	}
}

// appendText appends the value that a field writes; an empty one is NULL.
func appendText(v *vector.Vector, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || strings.EqualFold(text, "null") {
		v.AppendNull()
		return nil
	}
	var value any
	var err error
	switch v.Type.Kind {
	case types.KindDouble:
		value, err = strconv.ParseFloat(text, 64)
	case types.KindBigint:
		value, err = strconv.ParseInt(text, 10, 64)
	case types.KindInt:
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		value = int32(n)
	case types.KindBoolean:
		value, err = strconv.ParseBool(text)
	default:
		value = text
	}
	if err != nil {
		return fmt.Errorf("%q is no %s", text, v.Type)
	}
	v.Append(value)
	return nil
}

// printer shows results: a line of CSV with a header, or a line of JSON, each.
type printer struct {
	names []string // of the fields of a result
	many  bool     // a result is a STRUCT
	out   io.Writer
	csv   *csv.Writer // nil: JSON
}

func newPrinter(output string, sig model.Signature, result *types.Type, out io.Writer) (*printer, error) {
	p := &printer{out: out, many: len(sig.Outputs) > 1}
	if p.many {
		for _, f := range result.Fields {
			p.names = append(p.names, f.Name)
		}
	} else {
		p.names = []string{strings.ToUpper(sig.Outputs[0].Name)}
	}
	if output == "json" {
		return p, nil
	}
	p.csv = csv.NewWriter(out)
	return p, p.csv.Write(p.names)
}

func (p *printer) row(value any) error {
	values := []any{value}
	if fields, ok := value.([]any); ok && p.many {
		values = fields
	} else if p.many {
		values = make([]any, len(p.names)) // a row that was not scored
	}
	if p.csv != nil {
		line := make([]string, len(values))
		for i, v := range values {
			if s, ok := v.(string); ok {
				line[i] = s
			} else if v != nil {
				line[i] = string(appendJSON(nil, v))
			}
		}
		return p.csv.Write(line)
	}
	b := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, p.names[i]), ':')
		b = appendJSON(b, v)
	}
	_, err := p.out.Write(append(b, '}', '\n'))
	return err
}

func (p *printer) flush() error {
	if p.csv == nil {
		return nil
	}
	p.csv.Flush()
	return p.csv.Error()
}

// appendJSON writes a boxed SQL value as models return them.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.AppendQuote(b, strconv.FormatFloat(v, 'g', -1, 64))
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		quoted, _ := json.Marshal(v) // a string always can be
		return append(b, quoted...)
	case types.Map:
		b = append(b, '{')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, e.Key), ':')
			b = appendJSON(b, e.Value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}
