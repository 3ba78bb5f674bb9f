package operator

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Rekey is PARTITION BY: new key columns, then all of the input's columns as values.
type Rekey struct {
	env    *Env
	exprs  []Evaluator
	next   Operator
	out    vector.Batch
	keys   []int
	values []int // positions of keys that read value columns
	nulls  vector.Bitmap
	masks  masks
	accept admission
}

// NewRekey returns the operator of a Rekey node.
func NewRekey(n *plan.Rekey, env *Env, next Operator) (*Rekey, error) {
	r := &Rekey{env: env, next: next}
	exprs := make([]plan.Expr, len(n.Keys))
	for i := range n.Keys {
		exprs[i] = n.Keys[i].Expr
		r.keys = append(r.keys, i)
		if readsValues(exprs[i], n.Input.Columns()) {
			r.values = append(r.values, i)
		}
	}
	var err error
	r.exprs, err = env.compileAll(n, exprs)
	r.out.Cols = make([]*vector.Vector, 0, len(n.Out))
	return r, err
}

// Process implements Operator.
func (r *Rekey) Process(b *vector.Batch) error {
	out := &r.out
	cols := out.Cols[:0]
	for _, e := range r.exprs {
		v, err := e.Eval(b)
		if err != nil {
			return err
		}
		cols = append(cols, v)
	}
	if b = r.accept.accepted(r.env, b); b == nil {
		return nil
	}
	*out = *b
	r.masks.apply(cols, r.values, b.NullValue)
	out.Cols = append(cols, b.Cols...)
	out.NullKey, r.nulls = nullKeys(r.nulls, b, out.Cols, r.keys)
	return r.next.Process(out)
}
