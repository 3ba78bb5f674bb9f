package analyzer

import (
	"slices"
	"strconv"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// query is the analysis of one SELECT that runs continuously.
type query struct {
	*statement
	sel        *ast.Select
	emit       ast.EmitMode
	emitAt     ast.Span
	persistent bool   // writes a sink
	sink       string // its name, for messages
	with       with   // its properties
	sc         *scope
	aliases    *aliases

	// The clauses, qualified.
	items     []*item
	where     ast.Expr
	group     []ast.Expr
	grouped   bool
	partition []ast.Expr
	having    ast.Expr

	ons map[*ast.Join]condition
	ids map[string]int
	rel *relation // what has been built so far
}

// selectOf takes the SELECT out of a query and refuses what only bounded queries have.
func selectOf(q *ast.Query) (*ast.Select, error) {
	switch {
	case len(q.With) > 0:
		return nil, advise(fail("query.with", q.With[0].Span(), "WITH is not available in a continuous query"), "create a stream or table from the inner query first")
	case len(q.OrderBy) > 0:
		return nil, advise(fail("syntax.order-by", q.OrderBy[0].Span(), "a query that runs for ever cannot be ordered"), "leave out ORDER BY")
	}
	switch b := q.Body.(type) {
	case *ast.Query:
		return nil, fail("syntax.parentheses", b.Span(), "the query must not stand in parentheses")
	case *ast.SetOp:
		return nil, advise(fail("query.union", b.Span(), "UNION is not available in a continuous query"), "use INSERT INTO for the second query")
	case *ast.Select:
		if b.Distinct {
			return nil, advise(fail("query.distinct", b.Span(), "SELECT DISTINCT is not available in a continuous query"), "use GROUP BY")
		}
		return b, nil
	}
	return nil, fail("syntax", q.Span(), "a SELECT is expected")
}

// newQuery reads FROM and qualifies every clause.
func (s *statement) newQuery(q *ast.Query, sink string) (*query, error) {
	sel, err := selectOf(q)
	if err != nil {
		return nil, err
	}
	sources, err := s.relations(sel.From)
	if err != nil {
		return nil, err
	}
	b := &query{
		statement: s, sel: sel, emit: q.Emit, emitAt: q.EmitAt, persistent: sink != "", sink: sink,
		sc: &scope{sources: sources, windowed: sel.Window != nil}, ids: map[string]int{}, grouped: sel.GroupBy != nil,
	}
	b.aliases = newAliases(b.sc)
	if err := b.sc.checkQualifiers(sel); err != nil {
		return nil, err
	}
	return b, b.qualify()
}

func (b *query) qualify() error {
	for _, it := range b.sel.Items {
		q, err := b.qualifyItem(it)
		if err != nil {
			return err
		}
		b.items = append(b.items, q)
	}
	var err error
	if b.where, err = b.sc.qualify(b.sel.Where); err != nil {
		return err
	}
	if b.grouped {
		if b.group, err = b.sc.qualifyAll(b.sel.GroupBy.Exprs); err != nil {
			return err
		}
	}
	if b.partition, err = b.sc.qualifyAll(b.sel.PartitionBy); err != nil {
		return err
	}
	if b.having, err = b.sc.qualify(b.sel.Having); err != nil {
		return err
	}
	return b.useRowTime()
}

// useRowTime has the first source give its ROWTIME to the aggregates written AGG(*).
func (b *query) useRowTime() error {
	calls, err := b.aggregateCalls()
	for _, c := range calls {
		if len(c.Args) == 0 && upper(c.Name) != "COUNT" {
			b.sc.sources[0].use("ROWTIME")
		}
	}
	return err
}

func (b *query) qualifyItem(it *ast.SelectItem) (*item, error) {
	out := &item{at: it.Span()}
	if it.Star {
		out.star = true
		if it.Qualifier != nil {
			out.of = it.Qualifier.Name
		}
		if b.sc.join() && len(b.sel.PartitionBy) > 0 { // see starItems
			for _, s := range b.sc.sources {
				for _, p := range pseudoColumns {
					s.use(p.Name)
				}
			}
		}
		return out, nil
	}
	if d, ok := it.Expr.(*ast.DerefStar); ok {
		base, err := b.sc.qualify(d.Base)
		out.star, out.expr = true, base
		return out, err
	}
	var err error
	if out.expr, err = b.sc.qualify(it.Expr); err != nil {
		return nil, err
	}
	if it.Alias != nil {
		out.name, out.explicit = it.Alias.Name, true
	} else {
		out.name = b.aliases.name(b.sc, out.expr)
	}
	return out, nil
}

// build makes the plan below the final projection.
func (b *query) build() error {
	for _, check := range []func() error{
		b.checkJoins, b.checkSources, b.checkSelect, b.checkColumns, b.checkFunctions, b.checkKafkaValues,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	for _, step := range []func() error{
		b.from, b.filter, b.partitionBy, b.flatMap, b.aggregate,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkSources: what a persistent query may read.
func (b *query) checkSources() error {
	for _, s := range b.sc.sources {
		if b.persistent && s.table() && s.cat.Window != nil {
			return fail("query.windowed-table", s.at, "%s is a windowed table, which a persistent query cannot read", s.cat.Name)
		}
	}
	switch {
	case b.sel.Window != nil && !b.grouped && !b.hasAggregates():
		return advise(fail("window.group-by", b.sel.Window.Span(), "WINDOW needs a GROUP BY"), "add GROUP BY")
	case b.sel.Window != nil && !b.sc.join() && b.sc.sources[0].table():
		return fail("window.table", b.sel.Window.Span(), "WINDOW is for streams; %s is a table", b.sc.sources[0].cat.Name)
	case b.grouped && len(b.partition) > 0:
		return fail("partition.group-by", b.partition[0].Span(), "GROUP BY and PARTITION BY exclude each other")
	}
	return nil
}

// checkSelect holds the names of items against the reserved ones.
func (b *query) checkSelect() error {
	for _, it := range b.items {
		if it.star || !reserved(it.name) {
			continue
		}
		r, ok := it.expr.(*ast.ColumnRef)
		same := ok && r.Name.Name == it.name
		switch {
		case !same:
			return fail("name.reserved-alias", it.at, "%s is the name of a system column and cannot be an alias", types.QuoteName(it.name))
		case b.persistent:
			return advise(fail("name.reserved-select", it.at, "%s is the name of a system column and cannot be written", types.QuoteName(it.name)), "give it an alias: %s AS ...", it.name)
		}
	}
	return nil
}

// checkColumns reports unknown columns, clause by clause.
func (b *query) checkColumns() error {
	none := func(string) bool { return false }
	bounds := func(name string) bool {
		return b.sc.windowed && !b.sc.join() && (name == windowStart || name == windowEnd)
	}
	inSelect := func(name string) bool {
		return bounds(name) || b.sc.join() && !b.grouped && len(name) >= 6 && name[:6] == "ROWKEY"
	}
	for _, c := range []struct {
		name string
		free func(string) bool
		list []ast.Expr
	}{
		{"WHERE", bounds, []ast.Expr{b.where}},
		{"GROUP BY", bounds, b.group},
		{"PARTITION BY", none, b.partition},
		{"HAVING", bounds, []ast.Expr{b.having}},
		{"SELECT", inSelect, b.itemExprs()},
	} {
		if err := b.sc.checkResolved(c.name, c.free, c.list...); err != nil {
			return err
		}
	}
	return b.checkBounds()
}

func (b *query) itemExprs() []ast.Expr {
	var out []ast.Expr
	for _, it := range b.items {
		if it.expr != nil {
			out = append(out, it.expr)
		}
	}
	return out
}

// checkKafkaValues: the KAFKA format cannot hold what joins and aggregates need of a value.
func (b *query) checkKafkaValues() error {
	if !b.sc.join() && !b.grouped {
		return nil
	}
	for _, s := range b.sc.sources {
		if s.cat.ValueFormat.Name != formatKafka {
			continue
		}
		if b.sc.join() {
			return fail("format.join-value", s.at, "%s has the value format KAFKA, which cannot be joined", s.cat.Name)
		}
		return fail("format.group-by-value", s.at, "%s has the value format KAFKA, which cannot be grouped", s.cat.Name)
	}
	return nil
}

// id makes the stable name of a node.
func (b *query) id(kind string) plan.Base {
	b.ids[kind]++
	return plan.Base{ID: kind + "-" + strconv.Itoa(b.ids[kind])}
}

// over replaces the node, which has the same columns.
func (b *query) over(n plan.Node) { b.rel.node = n }

// filter is WHERE.
func (b *query) filter() error {
	if b.where == nil {
		return nil
	}
	p, err := b.predicate("WHERE", b.where)
	if err != nil {
		return err
	}
	n := &plan.Filter{Base: b.id("filter"), Input: b.rel.node, Predicate: p}
	n.Out = b.rel.cols()
	b.over(n)
	return nil
}

func (b *query) predicate(clause string, e ast.Expr) (plan.Expr, error) {
	p, err := b.binder(b.rel).bind(e)
	if err != nil {
		return nil, err
	}
	if p.Type().Kind != types.KindBoolean {
		return nil, fail("type.where-boolean", e.Span(), "%s needs a BOOLEAN; %s is %s", clause, e, p.Type())
	}
	return p, nil
}

// checkFunctions refuses unknown functions before any rule that asks what kind a function is.
func (b *query) checkFunctions() error {
	var failed error
	for _, e := range append(append(b.itemExprs(), b.where, b.having), b.group...) {
		if e == nil {
			continue
		}
		ast.Inspect(e, func(n ast.Node) bool {
			if c, ok := n.(*ast.Call); ok && failed == nil && !namesModel(c) && b.functions.Kind(upper(c.Name)) == NoFunction {
				failed = b.unknownFunction(c)
			}
			return failed == nil
		})
	}
	return failed
}

func (s *statement) unknownFunction(c *ast.Call) error {
	name := upper(c.Name)
	return advise(fail("function.unknown", c.Name.Span(), "there is no function %s", name), "%s", ast.Suggest(name, s.functions.Names()))
}

// sourceNames are the streams and tables read, in the order of FROM.
func (b *query) sourceNames() []string {
	var out []string
	for _, s := range b.sc.sources {
		out = append(out, s.cat.Name)
	}
	return out
}

// from makes the sources and joins.
func (b *query) from() error {
	r, err := b.relation(b.sel.From)
	if err != nil {
		return err
	}
	b.rel = r.relation
	return nil
}

// leafNode is a source with its id. A table keeps its rows where old values are needed (it is filtered, grouped or joined), and
// where it feeds a sink, so that pull queries of the sink find them.
func (b *query) leafNode(s *source) *relation {
	r := leaf(s)
	n := r.node.(*plan.Source)
	n.ID = b.id("source").ID
	n.Materialized = s.table() && (b.persistent || b.sc.join() || b.where != nil || b.grouped || b.hasAggregates())
	return r
}

// windowInfo is the window of the result's key: the WINDOW clause's, else the first source's.
func (b *query) windowInfo() *plan.WindowInfo {
	if w := b.sel.Window; w != nil {
		info := &plan.WindowInfo{Kind: plan.WindowKind(w.Kind)}
		if info.Kind != plan.Session {
			info.Size = duration(w.Size)
		}
		return info
	}
	if b.grouped {
		return nil
	}
	return b.sc.sources[0].cat.Window
}

// isTable is the kind of the result.
func (b *query) isTable() bool { return b.rel.node.IsTable() }

func kindName(table bool) catalog.SourceKind {
	if table {
		return catalog.Table
	}
	return catalog.Stream
}

// uniqueName finds a name that is not among cols.
func uniqueName(cols []plan.OutColumn, name string) string {
	for n, base := 1, name; ; n++ {
		if !slices.ContainsFunc(cols, func(c plan.OutColumn) bool { return c.Name == name }) {
			return name
		}
		name = base + "_" + strconv.Itoa(n)
	}
}
