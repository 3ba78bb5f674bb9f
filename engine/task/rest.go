package task

import (
	"fmt"

	"github.com/millrace/millrace/sql/vector"
)

// Rest gives back the memory that the task keeps for more rows: what operators hold of their stores, outputs' and inputs' buffers. Call it where
// everything is committed and no more has come for a while; the task goes on as if it had not been called.
func (t *Task) Rest() error {
	if err := t.Release(); err != nil {
		return fmt.Errorf("rest: %w", err)
	}
	t.out.Rest()
	for _, in := range t.inputs {
		in.rest()
	}
	return nil
}

// rest gives back the buffers of an input that has no records waiting.
func (in *input) rest() {
	if in.batch != nil || len(in.chunks) > 0 {
		return
	}
	in.chunks, in.recs, in.letters, in.sel, in.part = nil, nil, nil, nil, vector.Batch{}
}
