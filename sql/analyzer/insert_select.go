package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func (s *statement) insertSelect(x *ast.InsertSelect) (Result, error) {
	w, err := readWith(x.With, withInsert, x.Target.Span())
	if err != nil {
		return nil, err
	}
	id, err := s.queryID(w)
	if err != nil {
		return nil, err
	}
	sink, ok := s.cat.Source(x.Target.Name)
	at := x.Target.Span()
	switch {
	case !ok:
		return nil, s.unknownSource(x.Target)
	case sink.Kind != catalog.Stream:
		return nil, fail("insert.target", at, "%s is a table; INSERT INTO ... SELECT writes streams", sink.Name)
	case len(sink.Schema.With(types.RoleHeader)) > 0:
		return nil, fail("insert.headers", at, "%s has header columns, which cannot be written", sink.Name)
	}
	b, err := s.newQuery(x.Query, sink.Name)
	if err != nil {
		return nil, err
	}
	b.fitLiterals(sink)
	if err := b.build(); err != nil {
		return nil, err
	}
	if err := b.persist(); err != nil {
		return nil, err
	}
	if b.isTable() {
		return nil, fail("insert.kind", at, "the query makes a table; %s is a stream", sink.Name)
	}
	if err := b.fitSchema(sink, at); err != nil {
		return nil, err
	}
	if sink.ReadOnly {
		return nil, fail("insert.read-only", at, "%s is a source stream, which cannot be written", sink.Name)
	}
	return &InsertInto{Sink: sink, Plan: b.sinkNode(sink), Sources: b.sourceNames(), QueryID: id}, nil
}

// queryID checks WITH (QUERY_ID = ...).
func (s *statement) queryID(w with) (string, error) {
	p, ok := w.items["QUERY_ID"]
	if !ok {
		return "", nil
	}
	id := strings.ToUpper(p.text)
	for _, c := range id {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return "", fail("with.query-id", p.at, "QUERY_ID %s holds %q; letters, digits and _ are allowed", id, c)
		}
	}
	for _, prefix := range []string{"INSERTQUERY_", "CTAS_", "CSAS_", "CST_"} {
		if strings.HasPrefix(id, prefix) {
			return "", fail("with.query-id", p.at, "QUERY_ID must not start with %s", prefix)
		}
	}
	if _, used := s.cat.Query(id); used || id == "" {
		return "", fail("with.query-id", p.at, "QUERY_ID %q is empty or in use", id)
	}
	return id, nil
}

// fitLiterals makes a number in SELECT a DECIMAL where the target's column in its place is one that holds it.
func (b *query) fitLiterals(sink *catalog.Source) {
	for i, it := range b.items {
		if i >= len(sink.Schema.Columns) || it.star {
			return
		}
		t := sink.Schema.Columns[i].Type
		if t.Kind != types.KindDecimal || !numberLiteral(it.expr) {
			continue
		}
		l, err := b.binder(nil).bind(it.expr)
		if err != nil {
			continue
		}
		if lit, ok := l.(*plan.Literal); ok {
			if v, err := types.Coerce(lit.Value, lit.T, t); err == nil && v != nil {
				it.expr = &ast.Cast{Loc: it.expr.Span(), Expr: it.expr, Type: decimalName(t)}
			}
		}
	}
}

func numberLiteral(e ast.Expr) bool {
	switch e.(type) {
	case *ast.IntLit, *ast.DecimalLit, *ast.DoubleLit:
		return true
	}
	return false
}

func decimalName(t *types.Type) *ast.TypeName {
	return &ast.TypeName{Name: ast.Ident{Name: "DECIMAL"}, Params: []ast.TypeParam{{Value: t.Precision}, {Value: t.Scale}}}
}

// fitSchema: the result has the target's columns, one by one: name, place in key or value, and type; a DECIMAL may widen.
func (b *query) fitSchema(sink *catalog.Source, at ast.Span) error {
	result := sinkSchema(b.rel.cols())
	same := len(result.Columns) == len(sink.Schema.Columns)
	for i := range result.Columns {
		if !same {
			break
		}
		r, t := result.Columns[i], sink.Schema.Columns[i]
		same = r.Name == t.Name && r.Role == t.Role && (types.Equal(r.Type, t.Type) || widens(r.Type, t.Type))
	}
	if !same {
		return advise(fail("insert.schema", at, "the result does not fit %s: it is %s", sink.Name, result), "%s is %s", sink.Name, sink.Schema)
	}
	b.widen(sink)
	return nil
}

func widens(from, to *types.Type) bool {
	return from.Kind == types.KindDecimal && to.Kind == types.KindDecimal && types.ImplicitCast(from, to)
}

// widen casts the DECIMALs of the final projection to the target's.
func (b *query) widen(sink *catalog.Source) {
	p := *b.rel.node.(*plan.Project)
	items := make([]plan.Item, len(p.Items))
	for i, it := range p.Items {
		if j := sink.Schema.Find(it.Name); j >= 0 && it.Role != plan.WindowBound {
			it.Expr = castTo(it.Expr, sink.Schema.Columns[j].Type)
		}
		items[i] = it
	}
	b.rel.node = project(p.Base, p.Input, items)
}
