package format

import (
	"fmt"
	"strconv"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// checkJSON: JSON holds every type, but the keys of its objects are strings. So it is with the formats that have schemas.
func checkJSON(cols []Column) error {
	for _, c := range cols {
		err := walk(c.Type, func(t *types.Type) error {
			switch {
			case t.Kind == types.KindMap && t.Key.Kind != types.KindString:
				return fmt.Errorf("column %s: the key of a MAP must be a STRING", types.QuoteName(c.Name))
			case t.Kind > types.KindStruct || t.Kind == types.KindNull:
				return fmt.Errorf("column %s: type '%s' cannot be written", types.QuoteName(c.Name), t.Kind)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// bare says whether a single column stands without an object around it.
func bare(f plan.Format, cols []Column, opts Options) bool {
	if len(cols) != 1 {
		return false
	}
	if f.Wrap != nil {
		return !*f.Wrap
	}
	return opts.Key
}

// jsonDecoder reads one JSON value a payload. It works in two steps: scan the text once, strictly, and note where the wanted
// members lie; then coerce each wanted member into its vector. So a member that comes twice counts once (the last), and a
// record that turns out to be broken has touched no vector.
type jsonDecoder struct {
	opts  Options
	bare  bool
	cols  []Column // the wanted ones
	keys  *keyTable
	spans []span // one a wanted column
	c     coercer
}

func newJSONDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	d := &jsonDecoder{opts: opts, bare: bare(f, cols, opts)}
	names, targets := make([]string, len(cols)), make([]int32, len(cols))
	for i, c := range cols {
		names[i], targets[i] = c.Name, -1
		if c.Target >= 0 {
			targets[i] = int32(len(d.cols))
			d.cols = append(d.cols, c)
		}
	}
	d.keys = newKeyTable(names, targets)
	d.spans = make([]span, len(d.cols))
	return d, nil
}

// Decode implements Decoder.
func (d *jsonDecoder) Decode(payload []byte, dest []*vector.Vector) error {
	if len(payload) > d.opts.MaxSize {
		return fmt.Errorf("JSON: %d bytes, at most %d are read", len(payload), d.opts.MaxSize)
	}
	scan := d.scanRecord
	if d.bare {
		scan = d.scanBare
	}
	if err := scan(payload); err != nil {
		return err
	}
	for i := range d.cols {
		c := &d.cols[i]
		if err := d.c.column(dest[c.Target], payload, &d.spans[i]); err != nil {
			for _, done := range d.cols[:i] {
				pop(dest[done.Target])
			}
			return fmt.Errorf("JSON: column %s: %w", types.QuoteName(c.Name), err)
		}
	}
	return nil
}

func (d *jsonDecoder) scanBare(b []byte) error {
	v, i, err := scanValue(b, skipSpace(b, 0), d.opts.MaxDepth)
	if err == nil {
		err = scanEnd(b, i)
	}
	if err == nil && v.kind == null {
		return ErrNull
	}
	if len(d.spans) > 0 {
		d.spans[0] = v
	}
	return err
}

// scanRecord notes the spans of the wanted members of an object.
func (d *jsonDecoder) scanRecord(b []byte) error {
	clear(d.spans)
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '{' {
		return notRecord(b, i, d.opts.MaxDepth)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return scanEnd(b, i+1)
	}
	for n := 0; ; n++ {
		m, next, err := d.keys.next(b, i, n)
		if err != nil {
			return err
		}
		v, next, err := scanValue(b, next, d.opts.MaxDepth-1)
		if err != nil {
			return err
		}
		if m.wanted() {
			d.note(m, v)
		}
		if next < len(b) && b[next] == ',' { // nearly always
			i = skipSpace(b, next+1)
			continue
		}
		var more bool
		if i, more, err = scanComma(b, next, '}'); err != nil {
			return err
		}
		if !more {
			return scanEnd(b, i)
		}
	}
}

func (d *jsonDecoder) note(m match, v span) {
	if m.exact >= 0 {
		v.exact = true
		d.spans[m.exact] = v
	}
	if m.fold >= 0 && !d.spans[m.fold].exact {
		v.exact = false
		d.spans[m.fold] = v
	}
}

// notRecord says why a payload that is no object cannot be read.
func notRecord(b []byte, i, depth int) error {
	v, i, err := scanValue(b, i, depth)
	if err == nil {
		err = scanEnd(b, i)
	}
	switch {
	case err != nil:
		return err
	case v.kind == null:
		return ErrNull
	}
	return fmt.Errorf("JSON: expected an object, got %s", v.kind)
}

// mismatch is a value that cannot become the type.
func mismatch(k kind, t *types.Type) error { return fmt.Errorf("can't convert %s to %s", k, t) }

// at names the place inside a nested value where an error arose.
func at(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }
