package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// FlatMap applies table functions. A row becomes as many rows as the longest result has elements; shorter results are padded
// with NULL. Rows with a null value, and rows of which no function yields anything, vanish.
type FlatMap struct {
	node  *plan.FlatMap
	env   *Env
	next  Operator
	calls []tableCall
	out   vector.Batch

	accept admission
}

type tableCall struct {
	f    *udf.Table
	args []Evaluator
	vecs []*vector.Vector
	row  []any // the arguments of one row
	got  []any
}

// NewFlatMap returns the operator of a FlatMap node.
func NewFlatMap(n *plan.FlatMap, env *Env, next Operator) (*FlatMap, error) {
	m := &FlatMap{node: n, env: env, next: next, calls: make([]tableCall, len(n.Calls))}
	for i := range n.Calls {
		c := &m.calls[i]
		var err error
		if c.f, err = env.Functions.Table(&n.Calls[i], env.UDF); err != nil {
			return nil, fmt.Errorf("find table function %s: %w", n.Calls[i].Name, err)
		}
		if c.args, err = env.compileAll(n, n.Calls[i].Args); err != nil {
			return nil, err
		}
		c.vecs, c.row = make([]*vector.Vector, len(c.args)), make([]any, len(c.args))
	}
	m.out.Cols = newVectors(n.Out)
	return m, nil
}

// Process implements Operator.
func (m *FlatMap) Process(b *vector.Batch) error {
	for i := range m.calls {
		c := &m.calls[i]
		for k, e := range c.args {
			v, err := e.Eval(b)
			if err != nil {
				return err
			}
			c.vecs[k] = v
		}
	}
	if b = m.accept.accepted(m.env, b); b == nil {
		return nil
	}
	reset(&m.out)
	m.out.Ops, m.out.Partition = nil, b.Partition
	for i := range b.Rows() {
		if r := b.Row(i); !b.NullValue.Has(r) {
			m.explode(b, r)
		}
	}
	if m.out.N == 0 {
		return nil
	}
	return m.next.Process(&m.out)
}

// explode adds the rows that row r becomes.
func (m *FlatMap) explode(b *vector.Batch, r int) {
	rows := 0
	for i := range m.calls {
		c := &m.calls[i]
		for k, v := range c.vecs {
			c.row[k] = v.Value(r)
		}
		var err error
		if c.got, err = c.f.Eval(c.row); err != nil {
			m.env.logRow(m.node.ID, b, r, RecordProcessing, "table function "+m.node.Calls[i].Name+" failed", err)
			m.env.Count.BadRows++
			return
		}
		rows = max(rows, len(c.got))
	}
	out := &m.out
	for i := range rows {
		for k, v := range b.Cols {
			out.Cols[k].AppendFrom(v, r)
		}
		for k := range m.calls {
			v := out.Cols[len(b.Cols)+k]
			if i < len(m.calls[k].got) {
				v.Append(m.calls[k].got[i])
			} else {
				v.AppendNull()
			}
		}
		if b.NullKey.Has(r) {
			out.NullKey = out.NullKey.Set(out.N)
		}
		if b.Headers != nil {
			out.Headers = append(out.Headers, b.Headers[r])
		}
		out.Time = append(out.Time, b.Time[r])
		out.N++
	}
}
