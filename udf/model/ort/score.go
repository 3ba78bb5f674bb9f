package ort

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/udf/model"
)

// blockRows is the number of rows that a run has at most.
const blockRows = 1024

// scorer scores batches with a session, which all callers share.
type scorer struct {
	session   *session
	signature model.Signature
	calls     sync.Pool
}

func newScorer(s *session) *scorer {
	return &scorer{session: s, signature: s.signature(), calls: sync.Pool{New: func() any { return newCall(s) }}}
}

// Signature implements model.Scorer.
func (s *scorer) Signature() model.Signature { return s.signature }

// Close releases the session.
func (s *scorer) Close() error {
	s.session.close()
	return nil
}

// Score implements model.Scorer, but that the last bits of a row's outputs may depend on the batch it comes in, and that each run
// allocates a little, whatever its rows.
func (s *scorer) Score(ctx context.Context, in []model.Column, rows int, out []model.Column) error {
	sig := &s.signature
	if len(in) != len(sig.Inputs) || len(out) != len(sig.Outputs) {
		return fmt.Errorf("score: %d inputs and %d outputs, want %d and %d", len(in), len(out), len(sig.Inputs), len(sig.Outputs))
	}
	for i, p := range s.session.inputs {
		if got, want := in[i].Len(sig.Inputs[i].Type), rows*p.width; got != want {
			return fmt.Errorf("score: input %s has %d elements, want %d", p.name, got, want)
		}
	}
	for i, p := range s.session.outputs {
		out[i].Resize(sig.Outputs[i].Type, rows*p.width)
	}
	c := s.calls.Get().(*call)
	defer s.calls.Put(c)
	block := blockRows
	if !s.session.batched {
		block = 1
	}
	for first := 0; first < rows; first += block {
		if err := c.score(ctx, in, first, min(block, rows-first), out); err != nil {
			return fmt.Errorf("score: %w", err)
		}
	}
	return nil
}

// score runs one block.
func (c *call) score(ctx context.Context, in []model.Column, first, rows int, out []model.Column) error {
	defer c.release()
	if err := c.run(ctx, in, first, rows); err != nil {
		return err
	}
	for i, p := range c.session.outputs {
		if err := c.read(i, &out[i], first*p.width, rows); err != nil {
			return fmt.Errorf("output %s: %w", p.name, err)
		}
	}
	return nil
}
