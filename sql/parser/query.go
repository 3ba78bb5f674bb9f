package parser

import (
	"slices"

	"github.com/millrace/millrace/sql/ast"
)

// queryAt says whether the bracket at token i opens a query. Brackets may stand in it around one of its parts, or
// around all of it.
func (p *parser) queryAt(i int) bool {
	if !p.toks[i].is("(") {
		return false
	}
	if p.toks[i+1].is("SELECT", "WITH") {
		return true
	}
	if !p.queryAt(i + 1) {
		return false
	}
	behind := p.match[i+1] + 1
	return p.toks[behind].is(")", "LIMIT") || p.clauseAt(behind)
}

// query reads [WITH ...] body [ORDER BY ...] [EMIT ...] [LIMIT n].
func (p *parser) query() (*ast.Query, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.nest-- }()
	lo := p.i
	q := &ast.Query{}
	var err error
	if p.accept("WITH") {
		if q.With, err = commaList(p, p.cte); err != nil {
			return nil, err
		}
	}
	if q.Body, err = p.union(); err != nil {
		return nil, err
	}
	if p.accept("ORDER", "BY") {
		if q.OrderBy, err = commaList(p, p.orderItem); err != nil {
			return nil, err
		}
	}
	if p.tok().is("EMIT") {
		if err = p.emit(q); err != nil {
			return nil, err
		}
	}
	if p.accept("LIMIT") {
		if q.Limit, err = p.limit(); err != nil {
			return nil, err
		}
	}
	if err = p.misplaced(); err != nil {
		return nil, err
	}
	if inner, ok := q.Body.(*ast.Query); ok && bare(q) {
		return inner, nil
	}
	q.Loc = p.span(lo)
	return q, nil
}

// bare says whether q has no clauses of its own.
func bare(q *ast.Query) bool {
	return q.With == nil && q.OrderBy == nil && q.Emit == ast.EmitNone && q.Limit == nil
}

func (p *parser) emit(q *ast.Query) error {
	at := p.i
	p.i++
	switch {
	case p.accept("CHANGES"):
		q.Emit = ast.EmitChanges
	case p.accept("FINAL"):
		q.Emit = ast.EmitFinal
	default:
		return p.oneOf("CHANGES", "FINAL")
	}
	q.EmitAt = p.span(at)
	return nil
}

func (p *parser) limit() (*ast.IntLit, error) {
	at := p.i
	v, err := p.signedLiteral("a whole number")
	if err != nil {
		return nil, err
	}
	if n, ok := v.(*ast.IntLit); ok && n.Value >= 0 {
		return n, nil
	}
	return nil, errorAt(p.span(at), codeLimit, "LIMIT takes a whole number that is not negative, not %s", v)
}

// clauses is the order of a query's clauses.
var clauses = []string{
	"SELECT", "FROM", "WINDOW", "WHERE", "GROUP BY", "PARTITION BY", "HAVING", "UNION", "ORDER BY", "EMIT", "LIMIT",
}

// misplaced explains a clause that stands behind one which it should precede, or stands twice.
func (p *parser) misplaced() error {
	t := p.tok()
	if t.kind != wordToken || !p.clauseAt(p.i) && !t.is("WHERE", "HAVING", "LIMIT", "FROM") {
		return nil
	}
	name := t.text
	if name == "GROUP" || name == "ORDER" || name == "PARTITION" {
		name += " BY"
	}
	e := p.unexpected(p.i, "")
	if i := slices.Index(clauses, name); i >= 0 && i+1 < len(clauses) {
		e.Hint = "each clause stands once, and " + name + " before " + clauses[i+1]
	}
	return e
}

func (p *parser) cte() (*ast.CTE, error) {
	lo := p.i
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	c := &ast.CTE{Name: name}
	if p.peek("(") {
		if c.Columns, err = p.names(); err != nil {
			return nil, err
		}
	}
	if err = p.expect("AS"); err != nil {
		return nil, err
	}
	c.Query, err = p.parenQuery()
	c.Loc = p.span(lo)
	return c, err
}

// parenQuery reads ( query ).
func (p *parser) parenQuery() (*ast.Query, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	return q, p.expect(")")
}

func (p *parser) union() (ast.QueryBody, error) {
	lo := p.i
	left, err := p.unionOperand()
	for n := 0; err == nil && p.unionAt(p.i); n++ {
		if n == maxNesting {
			return nil, errorAt(p.tok().span(), codeTooDeep, "more than %d unions in a row", maxNesting)
		}
		p.i++
		op := &ast.SetOp{Left: left, All: p.accept("ALL")}
		if !op.All {
			p.accept("DISTINCT")
		}
		op.Right, err = p.unionOperand()
		op.Loc = p.span(lo)
		left = op
	}
	return left, err
}

// unionOperand reads a SELECT, or a query in parentheses: these go where the query has no clauses of its own.
func (p *parser) unionOperand() (ast.QueryBody, error) {
	if !p.peek("(") {
		return p.selectCore()
	}
	q, err := p.parenQuery()
	if err != nil {
		return nil, err
	}
	if s, ok := q.Body.(*ast.Select); ok && bare(q) {
		return s, nil
	}
	return q, nil
}

func (p *parser) orderItem() (*ast.OrderItem, error) {
	lo := p.i
	e, err := p.expr()
	if err != nil {
		return nil, err
	}
	item := &ast.OrderItem{Expr: e, Desc: p.accept("DESC")}
	if !item.Desc {
		p.accept("ASC")
	}
	item.Loc = p.span(lo)
	return item, nil
}

func (p *parser) unionAt(i int) bool {
	return p.toks[i].is("UNION") && p.toks[i+1].is("SELECT", "ALL", "DISTINCT", "(")
}

// clauseAt says whether a clause begins at token i whose first word may elsewhere be a name.
func (p *parser) clauseAt(i int) bool {
	t, next := &p.toks[i], &p.toks[min(i+1, len(p.toks)-1)]
	switch {
	case t.kind != wordToken:
		return false
	case t.is("WINDOW"):
		return p.windowAt(i)
	case t.is("GROUP", "PARTITION", "ORDER"):
		return next.is("BY")
	case t.is("EMIT"):
		return next.is("CHANGES", "FINAL")
	case t.is("UNION"):
		return p.unionAt(i)
	case t.is("WITHIN"):
		return next.kind == numberToken || next.is("(")
	case t.is("FULL"):
		return next.is("JOIN", "OUTER")
	}
	return false
}
