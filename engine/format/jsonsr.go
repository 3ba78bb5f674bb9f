package format

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/engine/format/jsonsr"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// JSON_SR: the registry's header, and JSON. The text says itself what it is, so that reading needs no schema.

type jsonSRDecoder struct{ json Decoder }

func newJSONSRDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	d, err := newJSONDecoder(f, cols, opts)
	return jsonSRDecoder{d}, err
}

// Decode implements Decoder.
func (d jsonSRDecoder) Decode(payload []byte, dest []*vector.Vector) error {
	if _, err := headerID(payload); err != nil {
		return fmt.Errorf("JSON_SR: %w", err)
	}
	return d.json.Decode(payload[headerLen:], dest)
}

type jsonSREncoder struct {
	json Encoder
	id   int
}

func newJSONSREncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	id, _, err := written(f, opts, registry.JSON, func() (string, error) {
		return jsonsr.Derive(fieldsOf(cols), bare(f, cols, opts))
	})
	if err != nil {
		return nil, fmt.Errorf("JSON_SR: %w", err)
	}
	e, err := newJSONEncoder(f, cols, opts)
	return jsonSREncoder{e, id}, err
}

// Append implements Encoder.
func (e jsonSREncoder) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	start := len(dst)
	out, err := e.json.Append(appendHeader(slices.Grow(dst, headerLen), e.id), cols, row)
	if err != nil {
		return dst[:start], err
	}
	return out, nil
}
