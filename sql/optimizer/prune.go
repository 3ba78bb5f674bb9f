package optimizer

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
)

// pruneColumns drops columns that nobody reads, from the root down to the sources, whose decoders then skip them. Keys and
// window bounds stay everywhere.
//
// A table that is filtered and nothing more keeps all its columns: such a query can be replaced by one that reads others of
// them, and finds them in the rows that are stored.
func pruneColumns(n plan.Node, _ Options) plan.Node {
	if replaceableTable(n) {
		return n
	}
	p, _ := prune(n, all(n))
	return p
}

func replaceableTable(n plan.Node) bool {
	found := false
	plan.Walk(n, func(n plan.Node) bool {
		switch x := n.(type) {
		case *plan.Source:
			found = x.Materialized
		case *plan.Join, *plan.ForeignKeyJoin, *plan.Aggregate:
			return false
		}
		return true
	})
	return found
}

// need says, for each column of a node, whether it is read. moved maps the old positions to new ones, -1 for what is gone.
type (
	need  []bool
	moved []int
)

func all(n plan.Node) need {
	out := make(need, len(n.Columns()))
	for i := range out {
		out[i] = true
	}
	return out
}

// fixed is what a node gives whether it is read or not.
func fixed(n plan.Node) need {
	out := make(need, len(n.Columns()))
	for i, c := range n.Columns() {
		out[i] = c.Role == plan.Key || c.Role == plan.WindowBound
	}
	return out
}

func (d need) or(o need) need {
	for i, v := range o {
		d[i] = d[i] || v
	}
	return d
}

func (d need) read(list ...plan.Expr) need {
	for _, e := range list {
		for i := range plan.Columns(e) {
			d[i] = true
		}
	}
	return d
}

// remap rewrites positions. It is asked for columns that were kept alone.
func (m moved) remap(e plan.Expr) plan.Expr {
	return plan.RewriteExpr(e, func(x plan.Expr) plan.Expr {
		if c, ok := x.(*plan.Column); ok {
			return &plan.Column{Index: m[c.Index], Name: c.Name, T: c.T}
		}
		return x
	})
}

// keep lists the columns that are needed, and where they went.
func keep(cols []plan.OutColumn, d need) ([]plan.OutColumn, moved) {
	var out []plan.OutColumn
	m := make(moved, len(cols))
	for i, c := range cols {
		m[i] = -1
		if d[i] {
			m[i] = len(out)
			out = append(out, c)
		}
	}
	return out, m
}

// prune rewrites n so that it gives the columns in d, its keys and its window bounds.
func prune(n plan.Node, d need) (plan.Node, moved) {
	d = append(need{}, d...).or(fixed(n))
	switch x := n.(type) {
	case *plan.Source:
		c := *x
		var m moved
		c.Out, m = keep(x.Out, d)
		return &c, m
	case *plan.Project:
		return pruneProject(x, d)
	case *plan.Filter:
		in, m := prune(x.Input, d.read(x.Predicate))
		return &plan.Filter{Base: base(x.Base, in.Columns()), Input: in, Predicate: m.remap(x.Predicate)}, m
	case *plan.Repartition:
		in, m := prune(x.Input, d)
		c := *x
		c.Base, c.Input = base(x.Base, in.Columns()), in
		return &c, m
	case *plan.FlatMap:
		return pruneFlatMap(x, d)
	case *plan.Rekey:
		return pruneRekey(x, d)
	case *plan.Aggregate:
		return pruneAggregate(x)
	case *plan.Join:
		return pruneJoin(x, d)
	case *plan.ForeignKeyJoin:
		return pruneForeign(x, d)
	case *plan.Sink, *plan.Result:
		in, _ := prune(n.Inputs()[0], all(n.Inputs()[0]))
		return plan.WithInputs(n, in), identity(len(n.Columns()))
	}
	panic(fmt.Sprintf("optimizer: unknown node %T", n))
}

func base(b plan.Base, out []plan.OutColumn) plan.Base { return plan.Base{ID: b.ID, Out: out} }

func identity(n int) moved {
	m := make(moved, n)
	for i := range m {
		m[i] = i
	}
	return m
}

func pruneProject(x *plan.Project, d need) (plan.Node, moved) {
	below := fixed(x.Input)
	for i, it := range x.Items {
		if d[i] {
			below.read(it.Expr)
		}
	}
	in, m := prune(x.Input, below)
	out, where := keep(x.Out, d)
	c := &plan.Project{Base: base(x.Base, out), Input: in}
	for i, it := range x.Items {
		if d[i] {
			it.Expr = m.remap(it.Expr)
			c.Items = append(c.Items, it)
		}
	}
	return c, where
}

func pruneFlatMap(x *plan.FlatMap, d need) (plan.Node, moved) {
	n := len(x.Input.Columns())
	in, m := prune(x.Input, append(need{}, d[:n]...).read(plan.Exprs(x)...))
	c := plan.MapExprs(x, m.remap).(*plan.FlatMap)
	c.Base, c.Input = base(x.Base, append(append([]plan.OutColumn{}, in.Columns()...), x.Out[n:]...)), in
	where := append(moved{}, m...)
	for i := range x.Calls {
		where = append(where, len(in.Columns())+i)
	}
	return c, where
}

func pruneRekey(x *plan.Rekey, d need) (plan.Node, moved) {
	k := len(x.Keys)
	in, m := prune(x.Input, append(need{}, d[k:]...).read(plan.Exprs(x)...))
	c := plan.MapExprs(x, m.remap).(*plan.Rekey)
	c.Input = in
	out := append([]plan.OutColumn{}, x.Out[:k]...)
	where := identity(k)
	for i, to := range m {
		where = append(where, -1)
		if to >= 0 {
			where[k+i] = k + to
			out = append(out, x.Out[k+i])
		}
	}
	c.Base = base(x.Base, out)
	return c, where
}

// pruneAggregate keeps all calls: what nobody reads was not written down.
func pruneAggregate(x *plan.Aggregate) (plan.Node, moved) {
	in, m := prune(x.Input, fixed(x.Input).read(plan.Exprs(x)...))
	c := plan.MapExprs(x, m.remap).(*plan.Aggregate)
	c.Input = in
	return c, identity(len(x.Out))
}

// sides prunes the inputs of a join, whose columns follow each other behind the first ones of out.
func sides(left, right plan.Node, out []plan.OutColumn, d need, more need) (l, r plan.Node, lm moved, kept []plan.OutColumn, where moved) {
	nl, nr := len(left.Columns()), len(right.Columns())
	first := len(out) - nl - nr
	l, lm = prune(left, append(need{}, d[first:first+nl]...).or(more))
	r, rm := prune(right, d[first+nl:])
	kept = append(kept, out[:first]...)
	where = identity(first)
	for i, to := range append(append(moved{}, lm...), rm...) {
		where = append(where, -1)
		if to >= 0 {
			where[first+i] = len(kept)
			kept = append(kept, out[first+i])
		}
	}
	return l, r, lm, kept, where
}

func pruneJoin(x *plan.Join, d need) (plan.Node, moved) {
	l, r, _, out, where := sides(x.Left, x.Right, x.Out, d, nil)
	c := *x
	c.Base, c.Left, c.Right = base(x.Base, out), l, r
	return &c, where
}

func pruneForeign(x *plan.ForeignKeyJoin, d need) (plan.Node, moved) {
	l, r, m, out, where := sides(x.Left, x.Right, x.Out, d, fixed(x.Left).read(x.ForeignKey))
	c := *x
	c.Base, c.Left, c.Right, c.ForeignKey = base(x.Base, out), l, r, m.remap(x.ForeignKey)
	return &c, where
}
