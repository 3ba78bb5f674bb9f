package operator

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Project computes columns. Rows with a null value pass through it as such; a stream's row gets a null key where the
// projection makes a new key and it is NULL.
type Project struct {
	env    *Env
	items  []Evaluator
	next   Operator
	out    vector.Batch
	keys   []int // positions of key columns to derive the null-key set from; nil: the input's set stays
	values []int // positions of key columns that read value columns: NULL where the row's value is null
	nulls  vector.Bitmap
	masks  masks
	accept admission
}

// NewProject returns the operator of a Project node.
func NewProject(n *plan.Project, env *Env, next Operator) (*Project, error) {
	exprs := make([]plan.Expr, len(n.Items))
	for i := range n.Items {
		exprs[i] = n.Items[i].Expr
	}
	items, err := env.compileAll(n, exprs)
	if err != nil {
		return nil, err
	}
	p := &Project{env: env, items: items, next: next, out: vector.Batch{Cols: make([]*vector.Vector, len(items))}}
	if n.IsTable() || sameKeys(n.Items, n.Input.Columns()) {
		return p, nil
	}
	p.keys = []int{}
	for i := range n.Items {
		if n.Items[i].Role == plan.Key {
			p.keys = append(p.keys, i)
			if readsValues(n.Items[i].Expr, n.Input.Columns()) {
				p.values = append(p.values, i)
			}
		}
	}
	return p, nil
}

// Process implements Operator.
func (p *Project) Process(b *vector.Batch) error {
	out := &p.out
	cols := out.Cols
	for i, item := range p.items {
		v, err := item.Eval(b)
		if err != nil {
			return err
		}
		cols[i] = v
	}
	if b = p.accept.accepted(p.env, b); b == nil {
		return nil
	}
	*out = *b
	out.Cols = cols
	if p.keys != nil {
		p.masks.apply(cols, p.values, b.NullValue)
		p.out.NullKey, p.nulls = nullKeys(p.nulls, b, cols, p.keys)
	}
	return p.next.Process(out)
}

// masks makes columns NULL in some rows, on copies that share their elements.
type masks struct{ vecs []vector.Vector }

// apply replaces the columns at the positions by copies that are NULL in the rows too.
func (m *masks) apply(cols []*vector.Vector, at []int, rows vector.Bitmap) {
	if len(at) == 0 || !rows.Any() {
		return
	}
	if m.vecs == nil {
		m.vecs = make([]vector.Vector, len(at))
	}
	for i, c := range at {
		if cols[c].Const {
			continue
		}
		nulls := m.vecs[i].Nulls[:0]
		m.vecs[i] = *cols[c]
		nulls = append(nulls, cols[c].Nulls...)
		for len(nulls) < len(rows) {
			nulls = append(nulls, 0)
		}
		for w := range rows {
			nulls[w] |= rows[w]
		}
		m.vecs[i].Nulls = nulls
		cols[c] = &m.vecs[i]
	}
}

// nullKeys returns the rows without a key: whose only key column is NULL. A key of several columns is there even if all of them
// are NULL. The set is built in buf, which is returned for the next call.
func nullKeys(buf vector.Bitmap, b *vector.Batch, cols []*vector.Vector, keys []int) (set, keep vector.Bitmap) {
	clear(buf)
	any := false
	for i := range b.Rows() {
		r := b.Row(i)
		null := len(keys) == 0
		if len(keys) == 1 {
			null = cols[keys[0]].IsNull(r)
		}
		if null {
			buf, any = buf.Set(r), true
		}
	}
	if !any {
		return nil, buf
	}
	return buf, buf
}

// sameKeys says whether the projection keeps the input's key columns as they are, but for their names.
func sameKeys(items []plan.Item, in []plan.OutColumn) bool {
	kept := 0
	for i := range items {
		if items[i].Role != plan.Key {
			continue
		}
		c, ok := items[i].Expr.(*plan.Column)
		if !ok || in[c.Index].Role != plan.Key {
			return false
		}
		kept++
	}
	return kept == len(positions(in, plan.Key))
}

// readsValues says whether an expression reads a column that is not part of the key.
func readsValues(e plan.Expr, in []plan.OutColumn) bool {
	reads := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if c, ok := x.(*plan.Column); ok && in[c.Index].Role != plan.Key {
			reads = true
		}
		return !reads
	})
	return reads
}
