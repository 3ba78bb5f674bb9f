package analyzer

import (
	"slices"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// checkReplace verifies that a new source may have its name: it is free, or OR REPLACE and the new one can stand for the old.
func (s *statement) checkReplace(n *catalog.Source, replace bool, at ast.Span) error {
	old, ok := s.cat.Source(n.Name)
	if replace && (n.ReadOnly || ok && old.ReadOnly) {
		return fail("source.replace", at, "%s is a source %s: it cannot be replaced", n.Name, n.Kind)
	}
	if !ok {
		return nil
	}
	if !replace {
		return advise(fail("name.exists", at, "%s exists already as a %s", n.Name, old.Kind), "use CREATE OR REPLACE, or IF NOT EXISTS")
	}
	switch {
	case old.Kind != n.Kind:
		return fail("replace.not-allowed.kind", at, "%s is a %s and cannot become a %s", n.Name, old.Kind, n.Kind)
	case old.Topic != n.Topic || !sameFormat(old.KeyFormat, n.KeyFormat) || !sameFormat(old.ValueFormat, n.ValueFormat):
		return fail("replace.not-allowed.topic", at, "a replaced %s keeps its topic and formats", n.Name)
	case (old.Timestamp == nil) != (n.Timestamp == nil) || old.Timestamp != nil && *old.Timestamp != *n.Timestamp:
		return fail("replace.not-allowed.timestamp", at, "a replaced %s keeps its TIMESTAMP column", n.Name)
	}
	return replaceColumns(old, n, at)
}

// replaceColumns: keys stay as they are, values may only be added at the end.
func replaceColumns(old, n *catalog.Source, at ast.Span) error {
	same := func(a, b types.Column) bool { return a.Name == b.Name && types.Equal(a.Type, b.Type) }
	if !slices.EqualFunc(old.Schema.Keys(), n.Schema.Keys(), same) {
		return fail("replace.not-allowed.key", at, "the key of %s must stay %s", n.Name, types.Schema{Columns: old.Schema.Keys()})
	}
	was, is := old.Schema.Values(), n.Schema.Values()
	for i, c := range was {
		if i >= len(is) || !same(c, is[i]) {
			return advise(fail("replace.not-allowed.columns", at, "column %s of %s is changed, missing or moved", types.QuoteName(c.Name), n.Name),
				"columns can only be added at the end")
		}
	}
	return nil
}

func sameFormat(a, b plan.Format) bool { return a.Name == b.Name }

// checkUpgrade verifies that a query's state can be read by the one that replaces it: filters and projections may change,
// every other step must match; joins, windows and aggregates over tables cannot be replaced yet.
func checkUpgrade(old, n plan.Node, at ast.Span) error {
	a, b := steps(old), steps(n)
	if len(a) != len(b) {
		return fail("replace.not-allowed.steps", at, "the new query has other steps than the old one")
	}
	for i := range a {
		if msg := stepDiffers(a[i], b[i]); msg != "" {
			return fail("replace.not-allowed.step", at, "the new query cannot take over: %s", msg)
		}
	}
	return nil
}

// steps lists the nodes that matter for an upgrade.
func steps(n plan.Node) []plan.Node {
	var out []plan.Node
	plan.Walk(n, func(n plan.Node) bool {
		switch n.(type) {
		case *plan.Filter, *plan.Repartition:
		case *plan.Project:
		default:
			out = append(out, n)
		}
		return true
	})
	return out
}

func stepDiffers(a, b plan.Node) string {
	switch x := a.(type) {
	case *plan.Source:
		y, ok := b.(*plan.Source)
		if !ok || x.Topic != y.Topic || !sameFormat(x.KeyFormat, y.KeyFormat) || !sameFormat(x.ValueFormat, y.ValueFormat) {
			return "it reads another topic"
		}
		return ""
	case *plan.Sink:
		return ""
	case *plan.Rekey:
		y, ok := b.(*plan.Rekey)
		if !ok || !sameOrigins(x.Input, y.Input, itemExprs(x.Keys), itemExprs(y.Keys)) {
			return "it partitions otherwise"
		}
		return ""
	case *plan.Aggregate:
		return aggregateDiffers(x, b)
	}
	return "joins and table functions cannot be replaced yet"
}

func aggregateDiffers(x *plan.Aggregate, b plan.Node) string {
	y, ok := b.(*plan.Aggregate)
	switch {
	case !ok:
		return "it does not aggregate"
	case x.Window != nil || y.Window != nil:
		return "windowed aggregates cannot be replaced yet"
	case x.Input.IsTable() || y.Input.IsTable():
		return "aggregates over tables cannot be replaced yet"
	case len(x.Calls) != len(y.Calls):
		return "it has other aggregates"
	}
	for i, c := range x.Calls {
		d := y.Calls[i]
		if c.Name != d.Name || len(c.Init) != len(d.Init) || !sameOrigins(x.Input, y.Input, c.Args, d.Args) {
			return "it has other aggregates"
		}
		for j := range c.Init {
			if c.Init[j].String() != d.Init[j].String() {
				return "it has other aggregates"
			}
		}
	}
	if !sameOrigins(x.Input, y.Input, keyExprs(x.Input), keyExprs(y.Input)) {
		return "it groups otherwise"
	}
	return ""
}

func itemExprs(items []plan.Item) []plan.Expr {
	var out []plan.Expr
	for _, it := range items {
		out = append(out, it.Expr)
	}
	return out
}

// keyExprs reads the key columns of a node.
func keyExprs(n plan.Node) []plan.Expr {
	var out []plan.Expr
	for i, c := range n.Columns()[:plan.Keys(n.Columns())] {
		out = append(out, &plan.Column{Index: i, Name: c.Name, T: c.Type})
	}
	return out
}

// sameOrigins says whether expressions over two nodes compute the same of the source's columns, wherever projections lie.
func sameOrigins(a, b plan.Node, as, bs []plan.Expr) bool {
	return slices.EqualFunc(as, bs, func(x, y plan.Expr) bool {
		return types.Equal(x.Type(), y.Type()) && origin(a, x) == origin(b, y)
	})
}

// origin prints e over the columns of the nearest node below n that makes columns of its own.
func origin(n plan.Node, e plan.Expr) string {
	for {
		switch x := n.(type) {
		case *plan.Filter:
			n = x.Input
		case *plan.Repartition:
			n = x.Input
		case *plan.Project:
			e = plan.RewriteExpr(e, func(c plan.Expr) plan.Expr {
				if c, ok := c.(*plan.Column); ok {
					return x.Items[c.Index].Expr
				}
				return c
			})
			n = x.Input
		default:
			return e.String()
		}
	}
}
