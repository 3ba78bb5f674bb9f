package parser

import (
	tidb "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millrace/millrace/sql/ast"
)

// listed is the expressions of a text that stands outside a SELECT.
func (c *converter) listed(s *tidb.SelectStmt) ([]tidb.ExprNode, error) {
	if s.From != nil || len(s.Fields.Fields) != 1 {
		return nil, c.unknown(s)
	}
	f, ok := s.Fields.Fields[0].Expr.(*tidb.FuncCallExpr)
	if !ok {
		return nil, c.unknown(s)
	}
	return f.Args, nil
}

// fill converts a SELECT into s, which holds already what TiDB has not seen.
func (c *converter) fill(s *ast.Select, x *tidb.SelectStmt) error {
	if x.From == nil || x.OrderBy != nil || x.Limit != nil || x.With != nil || x.LockInfo != nil || x.SelectIntoOpt != nil ||
		x.Kind != tidb.SelectStmtKindSelect || len(x.WindowSpecs) > 0 || len(x.TableHints) > 0 {
		return c.unknown(x)
	}
	s.Distinct = x.Distinct
	for _, f := range x.Fields.Fields {
		item, err := c.item(f)
		if err != nil {
			return err
		}
		s.Items = append(s.Items, item)
	}
	var err error
	if s.From, err = c.from(x.From.TableRefs); err != nil {
		return err
	}
	if s.Where, err = c.optional(x.Where); err != nil {
		return err
	}
	if x.GroupBy != nil {
		if err = c.groupBy(s.GroupBy, x.GroupBy); err != nil {
			return err
		}
	}
	if x.Having != nil {
		s.Having, err = c.optional(x.Having.Expr)
	}
	return err
}

func (c *converter) optional(n tidb.ExprNode) (ast.Expr, error) {
	if n == nil {
		return nil, nil
	}
	t, err := c.expr(n)
	return t.expr, err
}

func (c *converter) item(f *tidb.SelectField) (*ast.SelectItem, error) {
	if f.WildCard != nil {
		return nil, c.unknown(f)
	}
	if col, ok := f.Expr.(*tidb.ColumnNameExpr); ok {
		if kind, tok := unmark(col.Name.Name.O); kind == markStar {
			return c.star(tok), nil
		}
	}
	c.stars = true
	t, err := c.expr(f.Expr)
	if err != nil {
		return nil, err
	}
	item := &ast.SelectItem{Expr: t.expr, Alias: c.ident(f.AsName)}
	item.Loc = c.at(t.lo, t.hi)
	if item.Alias != nil {
		if _, star := t.expr.(*ast.DerefStar); star {
			return nil, errorAt(item.Alias.Loc, codeSyntax, "->* gives several columns and takes no alias")
		}
		item.End = item.Alias.End
	}
	return item, nil
}

func (c *converter) star(tok int) *ast.SelectItem {
	item := &ast.SelectItem{Loc: c.at(tok, tok), Star: true}
	if c.toks[tok-1].is(".") {
		q := c.toks[tok-2].ident()
		item.Qualifier, item.Start = &q, q.Start
	}
	return item
}

func (c *converter) groupBy(g *ast.GroupBy, x *tidb.GroupByClause) error {
	if x.Rollup {
		return c.unknown(x)
	}
	items := make([]tidb.ExprNode, len(x.Items))
	for i, it := range x.Items {
		items[i] = it.Expr
	}
	var err error
	g.Exprs, g.Paren, err = c.keys(items)
	return err
}

// keys converts the list of GROUP BY or PARTITION BY, which may stand in parentheses. It holds values; a condition is
// one only in parentheses.
func (c *converter) keys(items []tidb.ExprNode) (keys []ast.Expr, paren bool, err error) {
	read := c.value
	if len(items) == 1 {
		switch p := items[0].(type) {
		case *tidb.RowExpr:
			items, paren = p.Values, true
		case *tidb.ParenthesesExpr:
			items, paren, read = []tidb.ExprNode{p.Expr}, true, c.expr
		}
	}
	for _, n := range items {
		t, err := read(n)
		if err != nil {
			return nil, false, err
		}
		keys = append(keys, t.expr)
	}
	return keys, paren, nil
}

func (c *converter) from(n tidb.ResultSetNode) (ast.Relation, error) {
	switch x := n.(type) {
	case *tidb.Join:
		if x.Right == nil {
			return c.from(x.Left)
		}
		return c.join(x)
	case *tidb.TableSource:
		return c.source(x)
	}
	return nil, c.unknown(n)
}

func (c *converter) join(x *tidb.Join) (ast.Relation, error) {
	if x.On == nil || x.NaturalJoin || x.StraightJoin || len(x.Using) > 0 {
		return nil, c.unknown(x)
	}
	f, ok := x.On.Expr.(*tidb.FuncCallExpr)
	if !ok || len(f.Args) != 1 {
		return nil, c.unknown(x)
	}
	_, tok := unmark(f.FnName.O)
	left, err := c.from(x.Left)
	if err != nil {
		return nil, err
	}
	right, err := c.from(x.Right)
	if err != nil {
		return nil, err
	}
	on, err := c.expr(f.Args[0])
	if err != nil {
		return nil, err
	}
	j := c.joins[tok]
	loc := ast.Span{Start: left.Span().Start, End: c.toks[on.hi].end}
	return &ast.Join{Loc: loc, Kind: j.kind, Left: left, Right: right, Within: j.within, On: on.expr}, nil
}

func (c *converter) source(x *tidb.TableSource) (ast.Relation, error) {
	t, ok := x.Source.(*tidb.TableName)
	if !ok || t.Schema.O != "" || len(t.IndexHints) > 0 || len(t.PartitionNames) > 0 || t.TableSample != nil || t.AsOf != nil {
		return nil, c.unknown(x)
	}
	kind, tok := unmark(t.Name.O)
	alias := c.ident(x.AsName)
	loc := c.at(tok, tok)
	if kind == markQuery {
		loc = c.at(tok, c.match[tok])
	} else if kind == markTable {
		loc = c.at(tok, c.match[tok+1])
	}
	if alias != nil {
		loc.End = alias.End
	}
	switch kind {
	case markName:
		return &ast.TableRef{Loc: loc, Name: c.toks[tok].ident(), Alias: alias}, nil
	case markQuery:
		return &ast.SubqueryRef{Loc: loc, Query: c.queries[tok], Alias: alias}, nil
	case markTable:
		return &ast.TableFunctionRef{Loc: loc, Name: c.toks[tok].ident(), Args: c.tables[tok], Alias: alias}, nil
	}
	return nil, c.unknown(x)
}
