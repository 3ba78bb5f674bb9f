package operator

import (
	"github.com/millrace/millrace/sql/vector"
)

// Filter keeps the rows of a stream for which its predicate is true. Rows with a null value never pass.
type Filter struct {
	env       *Env
	predicate Evaluator
	next      Operator
	sel       []int32
	accept    admission
}

// NewFilter returns the filter of a stream.
func NewFilter(predicate Evaluator, env *Env, next Operator) *Filter {
	return &Filter{env: env, predicate: predicate, next: next}
}

// Process implements Operator.
func (f *Filter) Process(b *vector.Batch) error {
	pass, err := f.predicate.Eval(b)
	if err != nil {
		return err
	}
	if b = f.accept.accepted(f.env, b); b == nil {
		return nil
	}
	f.sel = selectTrue(f.sel[:0], b, pass)
	if len(f.sel) == 0 {
		return nil
	}
	b.Sel = f.sel
	return f.next.Process(b)
}

// selectTrue appends the selected rows for which pass is true and whose value is not null.
func selectTrue(sel []int32, b *vector.Batch, pass *vector.Vector) []int32 {
	if b.Sel == nil && !pass.Const && len(pass.Nulls) == 0 && !b.NullValue.Any() {
		for i, ok := range pass.Bool[:b.N] {
			if ok {
				sel = append(sel, int32(i))
			}
		}
		return sel
	}
	n := b.Rows()
	for i := range n {
		r := b.Row(i)
		if isTrue(pass, r) && !b.NullValue.Has(r) {
			sel = append(sel, int32(r))
		}
	}
	return sel
}

// isTrue says whether a BOOLEAN row is neither NULL nor false.
func isTrue(v *vector.Vector, row int) bool { return !v.IsNull(row) && v.Bool[v.At(row)] }
