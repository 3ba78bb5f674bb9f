package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

// partitionBy gives a stream a new key. The old key columns become values.
func (b *query) partitionBy() error {
	if len(b.partition) == 0 {
		return nil
	}
	if len(b.partition) == 1 && len(b.rel.keys) == 1 && b.rel.keys[0].is(b.partition[0]) {
		return nil
	}
	first := b.partition[0]
	switch {
	case b.isTable():
		return fail("partition.table", first.Span(), "PARTITION BY is for streams; this is a table")
	case b.sourceWindowed():
		return fail("join.repartition-windowed.partition-by", first.Span(), "a windowed stream cannot get another key")
	}
	n := &plan.Rekey{Base: b.id("rekey"), Input: b.rel.node}
	out := &relation{node: n}
	bind := b.binder(b.rel)
	for _, e := range b.partition {
		if _, null := e.(*ast.NullLit); null {
			if len(b.partition) > 1 {
				return fail("partition.null-multiple", e.Span(), "NULL must be the only expression of PARTITION BY")
			}
			continue
		}
		bound, err := bind.bind(e)
		if err != nil {
			return err
		}
		if isNull(bound) {
			return fail("partition.null-type", e.Span(), "%s has no type", e)
		}
		if hasMap(bound.Type()) {
			return fail("key.map", e.Span(), "%s is %s: a key cannot hold a MAP", e, bound.Type())
		}
		i := len(n.Keys)
		n.Keys = append(n.Keys, plan.Item{Name: b.keyName(e), Role: plan.Key, Expr: bound})
		out.keys = append(out.keys, keyOf(e, i))
		out.known = append(out.known, known{e, i})
	}
	for _, k := range n.Keys {
		n.Out = append(n.Out, plan.OutColumn{Name: k.Name, Type: k.Expr.Type(), Role: plan.Key})
		out.names = append(out.names, columnName{})
	}
	for i, c := range b.rel.cols() {
		c.Role = plan.Value
		n.Out = append(n.Out, c)
		out.names = append(out.names, b.rel.names[i])
	}
	b.rel = out
	return nil
}

func (b *query) sourceWindowed() bool { return len(roles(b.rel.cols(), plan.WindowBound)) > 0 }

// keyName names a key column made of e: as the projection calls it, else its own name, else a new one.
func (b *query) keyName(e ast.Expr) string {
	for _, it := range b.items {
		if it.expr != nil && !it.star && ast.Equal(it.expr, e) {
			return it.name
		}
	}
	if r, ok := e.(*ast.ColumnRef); ok {
		if b.sc.join() && r.Qualifier != nil {
			return r.Qualifier.Name + "_" + r.Name.Name
		}
		return r.Name.Name
	}
	return b.aliases.name(b.sc, e)
}

// tableCalls finds the calls of table functions in the items.
func (b *query) tableCalls() ([]*ast.Call, error) {
	var out []*ast.Call
	var failed error
	for _, e := range b.itemExprs() {
		ast.Inspect(e, func(n ast.Node) bool {
			if c, ok := n.(*ast.Case); ok && finds(c, b.isTableCall) && failed == nil {
				failed = fail("function.table-place", c.Span(), "a table function cannot stand inside CASE")
			}
			if !b.isTableCall(n) || failed != nil {
				return failed == nil
			}
			c := n.(*ast.Call)
			for _, a := range c.Args {
				if finds(a, b.isTableCall) {
					failed = fail("function.table-nested", c.Span(), "table functions cannot be nested")
				}
			}
			if !b.hasCall(out, c) {
				out = append(out, c)
			}
			return false
		})
	}
	return out, failed
}

func (b *query) hasCall(list []*ast.Call, c *ast.Call) bool {
	for _, o := range list {
		if ast.Equal(o, c) {
			return true
		}
	}
	return false
}

func (b *query) isTableCall(n ast.Node) bool { return b.isCall(n, TableFunction) }

func (b *query) isAggregateCall(n ast.Node) bool { return b.isCall(n, AggregateFunction) }

// flatMap applies the table functions of the SELECT list.
func (b *query) flatMap() error {
	calls, err := b.tableCalls()
	if err != nil || len(calls) == 0 {
		return err
	}
	switch {
	case b.grouped || b.hasAggregates():
		return fail("aggregate.table-function", calls[0].Span(), "table functions and aggregates exclude each other")
	case b.isTable():
		return fail("function.table-source", calls[0].Span(), "table functions are for streams; this is a table")
	}
	n := &plan.FlatMap{Base: b.id("flatmap"), Input: b.rel.node}
	out := *b.rel
	out.node = n
	n.Out = append(n.Out, b.rel.cols()...)
	bind := b.binder(b.rel)
	for _, c := range calls {
		if err := plainCall(c); err != nil {
			return err
		}
		name := upper(c.Name)
		args, m, err := bind.arguments(c, name)
		if err != nil {
			return err
		}
		n.Calls = append(n.Calls, plan.TableCall{Name: name, Params: params(m, args), Args: args, T: m.Returns})
		out.known = append(out.known, known{c, len(n.Out)})
		out.names = append(out.names, columnName{})
		n.Out = append(n.Out, plan.OutColumn{Name: uniqueName(n.Out, name), Type: m.Returns})
	}
	b.rel = &out
	return nil
}

// isCall says whether n calls a function of the kind.
func (s *statement) isCall(n ast.Node, kind FunctionKind) bool {
	c, ok := n.(*ast.Call)
	return ok && !namesModel(c) && s.functions.Kind(upper(c.Name)) == kind
}
