package format

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/millrace/millrace/engine/format/avro"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// AVRO: the registry's header and Avro binary.

// idSplit separates the header from the rest, for formats whose decoder depends on the schema's number alone.
func idSplit(ids *idText) func(payload []byte) (string, []byte, error) {
	return func(payload []byte) (string, []byte, error) {
		id, err := headerID(payload)
		if err != nil {
			return "", nil, err
		}
		return ids.of(id), payload[headerLen:], nil
	}
}

// idText remembers the text of the number that came last, so that a run of records of one schema allocates nothing.
type idText struct {
	id   int
	text string
}

func (t *idText) of(id int) string {
	if t.text == "" || t.id != id {
		t.id, t.text = id, strconv.Itoa(id)
	}
	return t.text
}

func newAvroDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	d := newRegisteredDecoder(f, cols, opts)
	d.split = idSplit(&idText{})
	wanted := avroColumns(cols)
	d.make = func(key string) (inner, error) {
		id, err := strconv.Atoi(key)
		if err != nil {
			return nil, err
		}
		s, err := fetch(opts, id, registry.Avro)
		if err != nil {
			return nil, err
		}
		schema, err := avro.Parse(s.Text)
		if err != nil {
			return nil, fmt.Errorf("schema %d: %w", id, err)
		}
		r, err := avro.NewReader(schema, wanted, d.bare, opts.MaxDepth)
		if err != nil {
			return nil, fmt.Errorf("schema %d: %w", id, err)
		}
		return r, nil
	}
	return d, nil
}

// avroColumns are the wanted columns.
func avroColumns(cols []Column) []avro.Column {
	var out []avro.Column
	for _, c := range cols {
		if c.Target >= 0 {
			out = append(out, avro.Column{Name: c.Name, Type: c.Type, Target: c.Target})
		}
	}
	return out
}

type avroEncoder struct {
	w  *avro.Writer
	id int
}

func newAvroEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	alone := bare(f, cols, opts)
	id, s, err := written(f, opts, registry.Avro, func() (string, error) {
		return avro.Derive(fieldsOf(cols), f.Props[propSchemaName], alone)
	})
	if err != nil {
		return nil, fmt.Errorf("AVRO: %w", err)
	}
	schema, err := avro.Parse(s.Text)
	if err != nil {
		return nil, err
	}
	w, err := avro.NewWriter(schema, avroColumns(cols), alone)
	if err != nil {
		return nil, fmt.Errorf("AVRO: schema %d: %w", id, err)
	}
	return &avroEncoder{w, id}, nil
}

// Append implements Encoder.
func (e *avroEncoder) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	if e.w.IsNull(cols, row) {
		return dst, ErrNull
	}
	start := len(dst)
	out, err := e.w.Append(appendHeader(slices.Grow(dst, headerLen), e.id), cols, row)
	if err != nil {
		return dst[:start], fmt.Errorf("AVRO: %w", err)
	}
	return out, nil
}
