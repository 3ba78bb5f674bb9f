package analyzer

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func upper(id ast.Ident) string { return strings.ToUpper(id.Name) }

// aggregateCalls lists the different aggregates of SELECT and HAVING.
func (b *query) aggregateCalls() ([]*ast.Call, error) {
	var out []*ast.Call
	var failed error
	exprs := b.itemExprs()
	if b.having != nil {
		exprs = append(exprs, b.having)
	}
	for _, e := range exprs {
		ast.Inspect(e, func(n ast.Node) bool {
			if failed != nil || !b.isAggregateCall(n) {
				return failed == nil
			}
			c := n.(*ast.Call)
			for _, a := range c.Args {
				if finds(a, b.isAggregateCall) {
					failed = fail("aggregate.nested", c.Span(), "aggregates cannot be nested")
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

func (b *query) hasAggregates() bool {
	for _, e := range append(b.itemExprs(), b.having) {
		if e != nil && finds(e, b.isAggregateCall) {
			return true
		}
	}
	return false
}

// checkBounds: the bounds of the WINDOW clause exist behind the aggregation, so only the SELECT list sees them.
func (b *query) checkBounds() error {
	bound := func(n ast.Node) bool {
		r, ok := n.(*ast.ColumnRef)
		return ok && r.Qualifier == nil && !b.sc.words[r] && (r.Name.Name == windowStart || r.Name.Name == windowEnd)
	}
	refuse := func(e ast.Expr) error {
		if e == nil || !finds(e, bound) {
			return nil
		}
		return fail("aggregate.window-bound", e.Span(), "WINDOWSTART and WINDOWEND can be used in the SELECT list alone, outside aggregates")
	}
	calls, err := b.aggregateCalls()
	if err != nil {
		return err
	}
	list := append([]ast.Expr{b.where, b.having}, b.group...)
	for _, c := range calls {
		list = append(list, c.Args...)
	}
	for _, e := range list {
		if err := refuse(e); err != nil {
			return err
		}
	}
	return nil
}

// aggregate is GROUP BY with its aggregates and HAVING: a projection that makes the grouping expressions the key, a
// repartition where rows of a group may be apart, the aggregation itself, a filter.
func (b *query) aggregate() error {
	calls, err := b.aggregateCalls()
	if err != nil {
		return err
	}
	if !b.grouped && len(calls) == 0 {
		return b.withoutGroups()
	}
	if err := b.checkGroups(calls); err != nil {
		return err
	}
	g := &grouping{query: b, in: b.rel, calls: calls}
	if err := g.build(); err != nil {
		return err
	}
	if b.having == nil {
		return nil
	}
	p, err := b.predicate("HAVING", b.having)
	if err != nil {
		return err
	}
	n := &plan.Filter{Base: b.id("filter"), Input: b.rel.node, Predicate: p}
	n.Out = b.rel.cols()
	b.over(n)
	return nil
}

func (b *query) withoutGroups() error {
	switch {
	case b.having != nil:
		return advise(fail("having.group-by", b.having.Span(), "HAVING needs a GROUP BY"), "use WHERE")
	case b.emit == ast.EmitFinal:
		return fail("aggregate.emit-final", b.emitAt, "EMIT FINAL is for windowed aggregations")
	}
	return nil
}

func (b *query) checkGroups(calls []*ast.Call) error {
	if b.grouped && len(b.group) == 0 {
		return fail("group.empty", b.sel.GroupBy.Span(), "GROUP BY () has no expression")
	}
	for _, g := range b.group {
		if finds(g, b.isAggregateCall) {
			return fail("aggregate.in-group-by", g.Span(), "GROUP BY cannot hold an aggregate: %s", g)
		}
		if finds(g, b.isTableCall) {
			return fail("aggregate.table-function", g.Span(), "GROUP BY cannot hold a table function: %s", g)
		}
	}
	if b.sel.Window != nil && !b.grouped {
		if err := b.checkGrouped(); err != nil {
			return err
		}
		return advise(fail("window.group-by", b.sel.Window.Span(), "WINDOW needs a GROUP BY"), "add GROUP BY")
	}
	switch {
	case !b.grouped && b.persistent:
		return advise(fail("aggregate.without-group-by", calls[0].Span(), "aggregate %s needs a GROUP BY", calls[0]), "add GROUP BY")
	case len(calls) == 0:
		return advise(fail("aggregate.required", b.sel.GroupBy.Span(), "GROUP BY needs an aggregate in SELECT or HAVING"), "add COUNT(*), say")
	}
	if b.emit == ast.EmitFinal && b.sel.Window == nil {
		return fail("aggregate.emit-final", b.emitAt, "EMIT FINAL is for windowed aggregations")
	}
	return b.checkGrouped()
}

// checkGrouped: outside aggregates, only grouping expressions can be read.
func (b *query) checkGrouped() error {
	items, err := b.expand(b.rel)
	if err != nil {
		return err
	}
	var loose []string
	for _, it := range items {
		if b.ungrouped(it.expr) {
			loose = append(loose, it.expr.String())
		}
	}
	if len(loose) > 0 {
		return advise(fail("aggregate.not-grouped", b.items[0].at, "not in GROUP BY, and not inside an aggregate: %s", strings.Join(loose, ", ")),
			"add it to GROUP BY, or take LATEST_BY_OFFSET of it")
	}
	if b.having != nil && b.ungrouped(b.having) {
		return fail("aggregate.having-not-grouped", b.having.Span(), "HAVING reads a column that is not in GROUP BY, outside aggregates: %s", b.having)
	}
	return nil
}

// ungrouped says whether e reads a column outside aggregates and grouping expressions.
func (b *query) ungrouped(e ast.Expr) bool {
	loose := false
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok {
			if _, found := contains(b.group, x); found || b.isAggregateCall(n) {
				return false
			}
		}
		if r, ok := n.(*ast.ColumnRef); ok && r.Qualifier != nil {
			loose = true
		}
		return !loose
	})
	return loose
}

// grouping builds the nodes of one aggregation.
type grouping struct {
	*query
	in     *relation
	calls  []*ast.Call
	keys   []plan.Item
	args   []plan.Item   // distinct arguments, as columns behind the keys
	exprs  []ast.Expr    // what the args are, for finding them again
	states []*types.Type // accumulators of the calls
}

func (g *grouping) build() error {
	if err := g.makeKeys(); err != nil {
		return err
	}
	agg := &plan.Aggregate{Final: g.emit == ast.EmitFinal}
	if err := g.setWindow(agg); err != nil {
		return err
	}
	for _, c := range g.calls {
		call, err := g.call(c)
		if err != nil {
			return err
		}
		agg.Calls = append(agg.Calls, call)
	}
	if err := g.checkIntermediate(); err != nil {
		return err
	}
	var n plan.Node = project(g.id("project"), g.in.node, append(append([]plan.Item{}, g.keys...), g.args...))
	if g.mustRepartition() {
		keys := n.Columns()[:len(g.keys)]
		r := &plan.Repartition{Base: g.id("repartition"), Input: n, KeyFormat: internalKey(g.sc.sources[0].cat.KeyFormat, keys), ValueFormat: internalValue}
		r.Out, n = n.Columns(), r
	}
	agg.Base, agg.Input = g.id("aggregate"), n
	g.finish(agg)
	return nil
}

// project makes a Project with its columns.
func project(base plan.Base, in plan.Node, items []plan.Item) *plan.Project {
	n := &plan.Project{Base: plan.Base{ID: base.ID}, Input: in, Items: items}
	for _, it := range items {
		n.Out = append(n.Out, plan.OutColumn{Name: it.Name, Type: it.Expr.Type(), Role: it.Role})
	}
	return n
}

func (g *grouping) makeKeys() error {
	bind := g.binder(g.in)
	for _, e := range g.group {
		bound, err := bind.bind(e)
		if err != nil {
			return err
		}
		switch {
		case isNull(bound):
			return fail("group.null", e.Span(), "GROUP BY NULL has no type")
		case hasMap(bound.Type()):
			return fail("key.map", e.Span(), "%s is %s: a key cannot hold a MAP", e, bound.Type())
		}
		g.keys = append(g.keys, plan.Item{Name: g.keyName(e), Role: plan.Key, Expr: bound})
	}
	if !g.grouped { // one group for all rows
		g.keys = []plan.Item{{Name: "ROWKEY", Role: plan.Key, Expr: integer(0)}}
	}
	return nil
}

// call binds one aggregate: its arguments become columns of the projection below, or stay if they are literals.
func (g *grouping) call(c *ast.Call) (plan.AggregateCall, error) {
	name := upper(c.Name)
	out := plan.AggregateCall{Name: name}
	if err := plainCall(c); err != nil {
		return out, err
	}
	bind := g.binder(g.in)
	x := *c
	if len(c.Args) == 0 {
		x.Args = []ast.Expr{g.starArg(name)}
	}
	args, m, err := bind.arguments(&x, name)
	if err != nil {
		return out, err
	}
	if g.in.node.IsTable() && !m.Undo {
		return out, fail("aggregate.table", c.Span(), "aggregate %s cannot run on a table: it cannot take rows back", name)
	}
	out.T, out.Params = m.Returns, params(m, args)
	for i, a := range args {
		if i >= len(args)-m.Init {
			l, err := constant(a, out.Params[i])
			if err != nil {
				return out, fail("function.literal-argument", x.Args[i].Span(), "argument %d of %s must be a literal, not %s", i+1, name, x.Args[i])
			}
			out.Init = append(out.Init, l)
			continue
		}
		out.Args = append(out.Args, g.arg(a, x.Args[i]))
	}
	g.states = append(g.states, m.State)
	return out, nil
}

// starArg is what AGG(*) reads: ROWTIME. COUNT sees only that it is not NULL, so a constant does.
func (g *grouping) starArg(name string) ast.Expr {
	if name == "COUNT" {
		return &ast.IntLit{Value: 1}
	}
	return ref(g.sc.sources[0].alias, "ROWTIME")
}

// arg is the column that holds an argument.
func (g *grouping) arg(a plan.Expr, e ast.Expr) plan.Expr {
	if _, ok := a.(*plan.Literal); ok {
		return a
	}
	text := a.String()
	for i, k := range g.args {
		if k.Expr.String() == text && ast.Equal(g.exprs[i], e) && types.Equal(k.Expr.Type(), a.Type()) {
			return g.argColumn(i)
		}
	}
	name := "ARG_" + strconv.Itoa(len(g.args))
	if c, ok := a.(*plan.Column); ok {
		name = c.Name
	}
	g.args = append(g.args, plan.Item{Name: g.freeName(name), Expr: a})
	g.exprs = append(g.exprs, e)
	return g.argColumn(len(g.args) - 1)
}

func (g *grouping) freeName(name string) string {
	var cols []plan.OutColumn
	for _, it := range append(append([]plan.Item{}, g.keys...), g.args...) {
		cols = append(cols, plan.OutColumn{Name: it.Name})
	}
	return uniqueName(cols, name)
}

func (g *grouping) argColumn(i int) plan.Expr {
	return &plan.Column{Index: len(g.keys) + i, Name: g.args[i].Name, T: g.args[i].Expr.Type()}
}

// constant takes the value of a literal, possibly behind a cast.
func constant(e plan.Expr, t *types.Type) (plan.Literal, error) {
	if c, ok := e.(*plan.Cast); ok {
		e = c.Expr
	}
	if n, ok := e.(*plan.Negate); ok {
		if l, ok := n.Expr.(*plan.Literal); ok && l.T.Kind == types.KindInt {
			e = &plan.Literal{Value: -l.Value.(int32), T: l.T}
		}
	}
	l, ok := e.(*plan.Literal)
	if !ok {
		return plan.Literal{}, errNotLiteral
	}
	if types.Equal(l.T, t) {
		return *l, nil
	}
	v, err := types.Cast(l.Value, l.T, t)
	return plan.Literal{Value: v, T: t}, err
}
