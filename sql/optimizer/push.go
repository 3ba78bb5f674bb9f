package optimizer

import "github.com/millrace/millrace/sql/plan"

// pushFilters moves the parts of a WHERE over a stream-table join that read the stream alone below the join, and below the repartition
// in front of it: rows that fall out need not be partitioned nor looked up. The join neither keeps state about the stream nor looks at its
// time, and it drops rows without value as the filter does, so the result is the same.
func pushFilters(n plan.Node, o Options) plan.Node {
	return plan.Rewrite(n, func(n plan.Node) plan.Node {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n
		}
		j, ok := f.Input.(*plan.Join)
		if !ok || j.Within != nil || j.Left.IsTable() || !j.Right.IsTable() {
			return n
		}
		return pushFilter(f, j, o)
	})
}

func pushFilter(f *plan.Filter, j *plan.Join, o Options) plan.Node {
	first := len(j.Out) - len(j.Left.Columns()) - len(j.Right.Columns())
	last := first + len(j.Left.Columns())
	var below, above plan.Expr
	for _, c := range conjuncts(f.Predicate) {
		if !isVolatile(c, o) && within(c, first, last) {
			below = and(below, shift(c, -first))
		} else {
			above = and(above, c)
		}
	}
	if below == nil {
		return f
	}
	id := f.ID
	if above != nil {
		id += "-below"
	}
	join := *j
	join.Left = sink(j.Left, below, id, o)
	if above == nil {
		return &join
	}
	return &plan.Filter{Base: f.Base, Input: &join, Predicate: above}
}

// sink puts a filter over n, or deeper: below repartitions, and below projections whose columns it can compute itself.
func sink(n plan.Node, p plan.Expr, id string, o Options) plan.Node {
	switch x := n.(type) {
	case *plan.Repartition:
		c := *x
		c.Input = sink(x.Input, p, id, o)
		return &c
	case *plan.Project:
		steady := true
		for i := range plan.Columns(p) {
			steady = steady && !isVolatile(x.Items[i].Expr, o)
		}
		if steady {
			c := *x
			c.Input = sink(x.Input, substitute(p, x.Items), id, o)
			return &c
		}
	}
	return &plan.Filter{Base: plan.Base{ID: id, Out: n.Columns()}, Input: n, Predicate: p}
}

// conjuncts takes a AND b AND c apart.
func conjuncts(e plan.Expr) []plan.Expr {
	if a, ok := e.(*plan.And); ok {
		return append(conjuncts(a.Left), conjuncts(a.Right)...)
	}
	return []plan.Expr{e}
}

func and(a, b plan.Expr) plan.Expr {
	if a == nil {
		return b
	}
	return &plan.And{Left: a, Right: b}
}

// within says whether e reads columns, all of them in [first, last).
func within(e plan.Expr, first, last int) bool {
	cols := plan.Columns(e)
	for i := range cols {
		if i < first || i >= last {
			return false
		}
	}
	return len(cols) > 0
}

func shift(e plan.Expr, by int) plan.Expr {
	return plan.RewriteExpr(e, func(x plan.Expr) plan.Expr {
		if c, ok := x.(*plan.Column); ok {
			return &plan.Column{Index: c.Index + by, Name: c.Name, T: c.T}
		}
		return x
	})
}

// substitute replaces columns by the expressions that compute them.
func substitute(e plan.Expr, items []plan.Item) plan.Expr {
	return plan.RewriteExpr(e, func(x plan.Expr) plan.Expr {
		if c, ok := x.(*plan.Column); ok {
			return items[c.Index].Expr
		}
		return x
	})
}
