package ort

import (
	"errors"

	"github.com/millrace/millrace/udf/model"
)

// Direct is ONNX Runtime as a C program would call it: one run of rows whose tensors were made before. It is there to be measured
// against; outputs are thrown away.
type Direct struct {
	call *call
	in   []model.Column // under the tensors
}

// ErrOneByOne says that a model does not take a batch at once.
var ErrOneByOne = errors.New("direct run: ONNX Runtime does not take these rows at once")

// NewDirect makes the tensors of rows for a scorer of this backend. Whoever calls it calls Close, before that of the scorer.
func NewDirect(s model.Scorer, in []model.Column, rows int) (*Direct, error) {
	of, ok := s.(*scorer)
	if !ok || !of.session.batched && rows > 1 {
		return nil, ErrOneByOne
	}
	d := &Direct{call: newCall(of.session), in: in}
	if err := d.call.fill(in, 0, rows); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Run runs the model over the rows.
func (d *Direct) Run() error {
	defer d.call.release()
	return d.call.invoke(nil)
}

// Close gives the tensors back.
func (d *Direct) Close() { d.call.drop(d.call.in) }
