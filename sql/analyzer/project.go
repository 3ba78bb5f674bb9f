package analyzer

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// expand replaces stars by the columns that they stand for.
func (b *query) expand(r *relation) ([]*item, error) {
	var out []*item
	for _, it := range b.items {
		switch {
		case !it.star:
			out = append(out, it)
		case it.expr != nil:
			fields, err := b.fields(r, it)
			if err != nil {
				return nil, err
			}
			out = append(out, fields...)
		default:
			out = append(out, b.starItems(r, it)...)
		}
	}
	return out, nil
}

// fields are the items of `s->*`.
func (b *query) fields(r *relation, it *item) ([]*item, error) {
	e, err := b.binder(r).bind(it.expr)
	if err != nil {
		return nil, err
	}
	if e.Type().Kind != types.KindStruct {
		return nil, fail("type.field", it.at, "%s is %s and has no fields", it.expr, e.Type())
	}
	var out []*item
	for _, f := range e.Type().Fields {
		d := &ast.Deref{Loc: it.at, Base: it.expr, Field: ast.Ident{Name: f.Name, Quoted: true}}
		out = append(out, &item{expr: d, name: f.Name, at: it.at})
	}
	return out, nil
}

// starItems are the columns of `*` or `s.*`: keys, window bounds, values, headers of each source. Behind PARTITION BY the new key
// comes first and the old one last; a key that a join made up comes first.
func (b *query) starItems(r *relation, star *item) []*item {
	var out []*item
	add := func(e ast.Expr, name string) {
		if star.of == "" && slices.ContainsFunc(out, func(o *item) bool { return ast.Equal(o.expr, e) }) {
			return
		}
		out = append(out, &item{expr: e, name: name, star: true, at: star.at})
	}
	if r.synthetic && star.of == "" {
		add(r.keys[0].exprs[0], r.cols()[0].Name)
	}
	rekeyed := len(b.partition) > 0
	if rekeyed && star.of == "" {
		for _, k := range r.keys {
			add(k.exprs[0], r.cols()[k.index].Name)
		}
	}
	for _, s := range b.sc.sources {
		if star.of != "" && star.of != s.alias {
			continue
		}
		for _, c := range b.starColumns(s, rekeyed) {
			name := c.Name
			if b.sc.join() {
				name = s.alias + "_" + c.Name
			}
			add(ref(s.alias, c.Name), name)
		}
	}
	return out
}

// starColumns orders the columns of a source in a star. Behind PARTITION BY the old key goes last, and in a join the
// pseudo columns before it are there too, as ksqlDB has it.
func (b *query) starColumns(s *source, rekeyed bool) []plan.OutColumn {
	if !rekeyed {
		return s.cols
	}
	out := roles(s.cols, plan.WindowBound, plan.Value, plan.HeaderValue)
	if b.sc.join() {
		out = append(out, pseudoColumns...)
	}
	return append(out, roles(s.cols, plan.Key)...)
}

// column is a bound item of the final projection.
type column struct {
	*item
	bound plan.Expr
	key   int // position of the key column that it is, or -1
}

// columns expands and binds the items and finds the keys among them.
func (b *query) columns() ([]*column, error) {
	items, err := b.expand(b.rel)
	if err != nil {
		return nil, err
	}
	bind := b.binder(b.rel)
	var out []*column
	for _, it := range items {
		if b.persistent && it.star && (it.name == windowStart || it.name == windowEnd) {
			continue
		}
		e, err := bind.bind(it.expr)
		if err != nil {
			return nil, err
		}
		if isNull(e) {
			return nil, advise(fail("projection.null", it.at, "NULL has no type"), "write CAST(NULL AS STRING), say")
		}
		out = append(out, &column{item: it, bound: e, key: -1})
	}
	for i, k := range b.rel.keys {
		if err := b.markKey(out, i, k); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// markKey finds the item that stands for a key column: of the expressions that may, the first that is there.
func (b *query) markKey(cols []*column, index int, k keyColumn) error {
	for _, e := range k.exprs {
		var found []*column
		for _, c := range cols {
			if c.key < 0 && ast.Equal(c.expr, e) {
				found = append(found, c)
			}
		}
		if len(found) > 1 && b.persistent {
			var as []string
			for _, f := range found {
				as = append(as, types.QuoteName(f.name))
			}
			return advise(fail("projection.key-twice", found[1].at, "key column %s is selected more than once, as %s", e, names(sorted(as), "and")), "copy it into the value with AS_VALUE")
		}
		for _, f := range found {
			f.key, f.bound = index, b.rel.column(k.index)
		}
		if len(found) > 0 {
			return nil
		}
	}
	return nil
}

// missingKeys refuses a projection that leaves out a part of the key.
func (b *query) missingKeys(cols []*column) error {
	var missing []string
	for i, k := range b.rel.keys {
		if !slices.ContainsFunc(cols, func(c *column) bool { return c.key == i }) {
			var any []string
			for _, e := range k.exprs {
				any = append(any, e.String())
			}
			missing = append(missing, names(any, "or"))
		}
	}
	if len(missing) == 0 || b.conf.flag(confFreeKeys, false) {
		return nil
	}
	hint := "add it to SELECT"
	if b.rel.synthetic {
		hint = "no column of the sources is the key of this join, so it gets one of its own; add it to SELECT"
	}
	return advise(fail("projection.key-missing", b.sel.Items[0].Span(), "the key of %s is missing in SELECT: %s", b.sink, strings.Join(missing, ", ")), "%s", hint)
}

// persist is the final projection of a persistent query: keys, window bounds, values.
func (b *query) persist() error {
	cols, err := b.columns()
	if err != nil {
		return err
	}
	if err := b.checkTimestamp(cols); err != nil {
		return err
	}
	if err := b.missingKeys(cols); err != nil {
		return err
	}
	var items, values []plan.Item
	for _, c := range b.keysFirst(cols) {
		if c.key >= 0 {
			items = append(items, plan.Item{Name: c.name, Role: plan.Key, Expr: c.bound})
		} else {
			values = append(values, plan.Item{Name: c.name, Expr: c.bound})
		}
	}
	if len(values) == 0 {
		return advise(fail("projection.no-value", b.sel.Items[0].Span(), "SELECT has key columns alone; %s needs a value column", b.sink), "copy a key into the value with AS_VALUE")
	}
	items = append(append(items, b.boundItems()...), values...)
	if err := b.duplicates(items, cols); err != nil {
		return err
	}
	b.rel = &relation{node: project(b.id("project"), b.rel.node, items)}
	return nil
}

// confFreeKeys lets a projection leave out and reorder key columns, as ksqlDB's experimental planner does.
const confFreeKeys = "ksql.new.query.planner.enabled"

// keysFirst orders the columns by the key; values keep their order.
func (b *query) keysFirst(cols []*column) []*column {
	out := slices.Clone(cols)
	slices.SortStableFunc(out, func(x, y *column) int {
		if b.conf.flag(confFreeKeys, false) {
			return 0
		}
		return x.key - y.key
	})
	return out
}

// checkTimestamp holds the WITH clause against the columns before the key is looked for: ksqlDB has it in this order.
func (b *query) checkTimestamp(cols []*column) error {
	var out []plan.OutColumn
	for _, c := range cols {
		out = append(out, plan.OutColumn{Name: c.name, Type: c.bound.Type()})
	}
	_, err := b.with.timestamp(out)
	return err
}

// boundItems carry the window bounds of the key on.
func (b *query) boundItems() []plan.Item {
	var out []plan.Item
	for i, c := range b.rel.cols() {
		if c.Role == plan.WindowBound {
			out = append(out, plan.Item{Name: c.Name, Role: plan.WindowBound, Expr: b.rel.column(i)})
		}
	}
	return out
}

func (b *query) duplicates(items []plan.Item, cols []*column) error {
	seen := map[string]bool{}
	for _, it := range items {
		if it.Role != plan.WindowBound && seen[it.Name] {
			at := b.sel.Items[0].Span()
			for _, c := range cols {
				if c.name == it.Name {
					at = c.at
				}
			}
			return advise(fail("name.duplicate-column", at, "column %s is there twice", types.QuoteName(it.Name)), "give one of them an alias")
		}
		seen[it.Name] = it.Role != plan.WindowBound
	}
	return nil
}

// transient is the final projection of a query that answers a client: what was selected, in that order. The key goes along in front,
// selected or not, since rows of a table are known by it.
func (b *query) transient(limit *ast.IntLit) (plan.Node, error) {
	cols, err := b.columns()
	if err != nil {
		return nil, err
	}
	var items []plan.Item
	for _, k := range b.rel.keys {
		items = append(items, plan.Item{Name: b.rel.cols()[k.index].Name, Role: plan.Key, Expr: b.rel.column(k.index)})
	}
	if len(b.rel.keys) == 0 { // a key that nobody can name: of an aggregate without groups
		for i := range plan.Keys(b.rel.cols()) {
			items = append(items, plan.Item{Name: b.rel.cols()[i].Name, Role: plan.Key, Expr: b.rel.column(i)})
		}
	}
	bounds := len(items)
	items = append(items, b.boundItems()...)
	res := &plan.Result{Base: b.id("result")}
	for _, c := range cols {
		at := c.key
		if at < 0 {
			at = slices.IndexFunc(items[bounds:], func(it plan.Item) bool {
				return it.Role == plan.WindowBound && it.Expr.String() == c.bound.String() && isBound(b.rel, c.bound)
			})
			if at >= 0 {
				at += bounds
			}
		}
		if at < 0 {
			at = len(items)
			items = append(items, plan.Item{Name: c.name, Expr: c.bound})
		}
		res.Project = append(res.Project, at)
		res.Out = append(res.Out, plan.OutColumn{Name: c.name, Type: c.bound.Type(), Role: items[at].Role})
	}
	res.Input = project(b.id("project"), b.rel.node, items)
	if limit != nil {
		res.Limit = &limit.Value
	}
	return res, nil
}

func isBound(r *relation, e plan.Expr) bool {
	c, ok := e.(*plan.Column)
	return ok && r.cols()[c.Index].Role == plan.WindowBound
}
