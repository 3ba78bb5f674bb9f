package operator

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Result hands the rows of a push query to whoever serves the client. Old rows of updates, and a stream's null values, are
// left out.
type Result struct {
	node *plan.Result
	env  *Env
	sel  []int32
}

// NewResult returns the operator of a Result node.
func NewResult(n *plan.Result, env *Env) *Result { return &Result{node: n, env: env} }

// Process implements Operator.
func (q *Result) Process(b *vector.Batch) error {
	table := q.node.IsTable()
	q.sel = q.sel[:0]
	for i := range b.Rows() {
		r := b.Row(i)
		if b.Op(r) == vector.UpdateBefore || !table && b.NullValue.Has(r) {
			continue
		}
		q.sel = append(q.sel, int32(r))
	}
	if len(q.sel) == 0 {
		return nil
	}
	b.Sel = q.sel
	q.env.Count.RowsOut += int64(len(q.sel))
	return q.env.Rows(b, q.node.Project)
}
