package analyzer

import (
	"errors"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

const confPullStream = "ksql.query.pull.stream.enabled"

// pull analyses a SELECT without EMIT.
func (b *query) pull(q *ast.Query) (Result, error) {
	if err := b.checkPull(); err != nil {
		return nil, err
	}
	if err := b.checkSelect(); err != nil {
		return nil, err
	}
	if err := b.checkColumns(); err != nil {
		return nil, err
	}
	src := b.sc.sources[0]
	if src.table() {
		return b.pullTable(src, q)
	}
	if !b.conf.flag(confPullStream, true) {
		return nil, fail("pull.not-queryable", src.at, "pull queries of streams are switched off")
	}
	return b.pullStream(src, q)
}

const pullHint = "add EMIT CHANGES to get the results pushed as they come"

// checkPull refuses the clauses that only make sense for a query that goes on.
func (b *query) checkPull() error {
	refuse := func(at ast.Span, what string) error {
		return advise(fail("pull.clause", at, "a pull query has no %s", what), pullHint)
	}
	switch {
	case b.sc.join():
		return refuse(b.sel.From.Span(), "JOIN")
	case b.sel.Window != nil:
		return refuse(b.sel.Window.Span(), "WINDOW")
	case b.grouped:
		return refuse(b.sel.GroupBy.Span(), "GROUP BY")
	case len(b.partition) > 0:
		return refuse(b.partition[0].Span(), "PARTITION BY")
	case b.having != nil:
		return refuse(b.having.Span(), "HAVING")
	case b.hasAggregates():
		return refuse(b.sel.Items[0].Span(), "aggregates")
	}
	if at, found := hidden(b.itemExprs()); found {
		return fail("pull.clause.column", at, "ROWPARTITION and ROWOFFSET are not known to a pull query, in SELECT")
	}
	if at, found := hidden([]ast.Expr{b.where}); found {
		return fail("pull.clause.column", at, "ROWPARTITION and ROWOFFSET are not known to a pull query, in WHERE")
	}
	calls, err := b.tableCalls()
	if err == nil && len(calls) > 0 {
		err = fail("pull.clause", calls[0].Span(), "a pull query has no table functions")
	}
	return err
}

func hidden(list []ast.Expr) (at ast.Span, found bool) {
	for _, e := range list {
		if e == nil {
			continue
		}
		ast.Inspect(e, func(n ast.Node) bool {
			if r, ok := n.(*ast.ColumnRef); ok && (r.Name.Name == "ROWPARTITION" || r.Name.Name == "ROWOFFSET") {
				at, found = r.Span(), true
			}
			return !found
		})
	}
	return at, found
}

// pullStream is a scan of the topic up to its present end: the plan of a push query that ends there.
func (b *query) pullStream(src *source, q *ast.Query) (Result, error) {
	for _, step := range []func() error{b.from, b.filter} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	root, err := b.transient(q.Limit)
	if err != nil {
		return nil, err
	}
	return &PullQuery{Source: src.cat, Plan: root, Limit: limitOf(q)}, nil
}

func limitOf(q *ast.Query) *int64 {
	if q.Limit == nil {
		return nil
	}
	return &q.Limit.Value
}

func (b *query) pullTable(src *source, q *ast.Query) (Result, error) {
	writers := b.cat.Writers(src.cat.Name)
	out := &PullQuery{Source: src.cat, Query: src.cat.Query, Limit: limitOf(q)}
	switch {
	case len(writers) == 1:
		out.Query = writers[0].ID
	case len(writers) > 1 || out.Query == "" && !src.cat.ReadOnly:
		return nil, advise(fail("pull.not-queryable", src.at, "the rows of table %s are not stored, so it cannot be queried", src.cat.Name),
			"create a table from it with CREATE TABLE ... AS SELECT, and query that")
	}
	src.used = nil
	src.use("ROWTIME")
	b.rel = leaf(src)
	out.Columns = b.rel.cols()
	if err := b.pullItems(out); err != nil {
		return nil, err
	}
	if b.where == nil {
		return out, b.scan(b.sel.Span(), "there is no WHERE")
	}
	var err error
	var refused *ast.Error
	out.Filter, err = b.predicate("WHERE", b.where)
	if errors.As(err, &refused) && !strings.HasPrefix(refused.Code, "type.in-") {
		return nil, err
	}
	lookups, keyErr := b.lookups(src) // of a bad IN over a key, this error says more
	if keyErr != nil {
		return nil, keyErr
	}
	out.Lookups = lookups
	return out, err
}

// pullItems binds the projection; a star gives keys, window bounds, headers, then values.
func (b *query) pullItems(out *PullQuery) error {
	for _, it := range b.items {
		if it.star && it.expr == nil && len(b.items) > 1 {
			return fail("pull.star", it.at, "a star must be the only item of a pull query")
		}
	}
	items, err := b.expand(b.rel)
	if err != nil {
		return err
	}
	if len(b.items) == 1 && b.items[0].star && b.items[0].expr == nil {
		slices.SortStableFunc(items, func(x, y *item) int { return b.starRank(x) - b.starRank(y) })
	}
	bind := b.binder(b.rel)
	for _, it := range items {
		e, err := bind.bind(it.expr)
		if err != nil {
			return err
		}
		if isNull(e) {
			return advise(fail("projection.null", it.at, "NULL has no type"), "write CAST(NULL AS STRING), say")
		}
		role := plan.Value
		if c, ok := e.(*plan.Column); ok && c.Name == it.name {
			if r := b.rel.cols()[c.Index].Role; r == plan.Key || r == plan.WindowBound {
				role = r
			}
		}
		out.Items = append(out.Items, plan.Item{Name: it.name, Role: role, Expr: e})
	}
	return nil
}

func (b *query) starRank(it *item) int {
	i, _ := b.rel.find(it.expr)
	return [...]int{plan.Key: 0, plan.WindowBound: 1, plan.HeaderValue: 2, plan.Value: 3, plan.Pseudo: 4}[b.rel.cols()[i].Role]
}
