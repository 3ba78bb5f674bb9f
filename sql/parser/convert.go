package parser

import (
	"github.com/pingcap/tidb/pkg/parser/opcode"

	tidb "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millrace/millrace/sql/ast"
)

// converter makes our tree of TiDB's. It accepts the nodes it lists and no other.
type converter struct {
	*rewriter
	depth int
	stars bool // s->* may stand here
}

// term is an expression and the tokens it spans, with the parentheses around it.
type term struct {
	expr   ast.Expr
	lo, hi int
	paren  bool
}

// at sets the location of a node that spans tokens lo to hi.
func (c *converter) at(lo, hi int) ast.Loc { return c.between(lo, hi) }

// unknown refuses a node that is not on the list. Its place is not known; what was written last is near enough, for
// no text is known to lead here.
func (c *converter) unknown(n tidb.Node) error {
	return errorAt(c.tok().span(), codeSyntax, "construct %T is not part of the language", n)
}

func (c *converter) expr(n tidb.ExprNode) (term, error) {
	if c.depth++; c.depth > maxDepth {
		return term{}, errorAt(c.between(c.out[0].tok, c.i-1), codeTooDeep, "an expression has more than %d levels", maxDepth)
	}
	defer func() { c.depth-- }()
	stars := c.stars
	c.stars = false
	switch x := n.(type) {
	case *tidb.ColumnNameExpr:
		return c.column(x)
	case *tidb.FuncCallExpr:
		return c.function(x, stars)
	case *tidb.ParenthesesExpr:
		t, err := c.expr(x.Expr)
		return term{t.expr, t.lo - 1, t.hi + 1, true}, err
	case *tidb.BinaryOperationExpr:
		return c.binary(x)
	case *tidb.UnaryOperationExpr:
		return c.unary(x)
	case *tidb.BetweenExpr:
		return c.betweenExpr(x)
	case *tidb.PatternInExpr:
		return c.in(x)
	case *tidb.PatternLikeOrIlikeExpr:
		return c.like(x)
	case *tidb.IsNullExpr:
		return c.isNull(x)
	case *tidb.CaseExpr:
		return c.caseExpr(x)
	case *tidb.RowExpr:
		t, err := c.expr(x.Values[0])
		if err == nil {
			err = errorAt(c.at(t.lo, t.hi), codeSyntax, "a list in parentheses is not a value")
		}
		return term{}, err
	}
	return term{}, c.unknown(n)
}

func (c *converter) exprs(ns []tidb.ExprNode) ([]ast.Expr, int, error) {
	out := make([]ast.Expr, len(ns))
	hi := 0
	for i, n := range ns {
		t, err := c.expr(n)
		if err != nil {
			return nil, 0, err
		}
		out[i], hi = t.expr, t.hi
	}
	return out, hi, nil
}

// value converts an operand of a comparison and the like: not another comparison, unless in parentheses.
func (c *converter) value(n tidb.ExprNode) (term, error) {
	t, err := c.expr(n)
	if err == nil && !t.paren && isCondition(t.expr) {
		return term{}, operandError(c.at(t.lo, t.hi))
	}
	return t, err
}

func operandError(span ast.Span) error {
	e := errorAt(span, codeSyntax, "a condition cannot be an operand here")
	e.Hint = "put it in parentheses"
	return e
}

var binaryOps = map[opcode.Op]ast.BinaryOp{
	opcode.Plus: ast.Add, opcode.Minus: ast.Sub, opcode.Mul: ast.Mul, opcode.Div: ast.Div, opcode.Mod: ast.Mod,
	opcode.Or: ast.Concat,
}

var compareOps = map[opcode.Op]ast.CompareOp{
	opcode.EQ: ast.Eq, opcode.NE: ast.NotEq, opcode.LT: ast.Lt, opcode.LE: ast.Le, opcode.GT: ast.Gt, opcode.GE: ast.Ge,
}

func (c *converter) binary(x *tidb.BinaryOperationExpr) (term, error) {
	if x.Op == opcode.LogicAnd || x.Op == opcode.LogicOr {
		return c.logical(x)
	}
	l, err := c.value(x.L)
	if err != nil {
		return term{}, err
	}
	if x.Op == opcode.NullEQ {
		return c.distinct(l, x.R)
	}
	r, err := c.value(x.R)
	if err != nil {
		return term{}, err
	}
	loc := c.at(l.lo, r.hi)
	if op := binaryOps[x.Op]; op != "" {
		return term{&ast.Binary{Loc: loc, Op: op, Left: l.expr, Right: r.expr}, l.lo, r.hi, false}, nil
	}
	if op := compareOps[x.Op]; op != "" {
		return term{&ast.Comparison{Loc: loc, Op: op, Left: l.expr, Right: r.expr}, l.lo, r.hi, false}, nil
	}
	return term{}, c.unknown(x)
}

func (c *converter) logical(x *tidb.BinaryOperationExpr) (term, error) {
	l, err := c.expr(x.L)
	if err != nil {
		return term{}, err
	}
	r, err := c.expr(x.R)
	if err != nil {
		return term{}, err
	}
	op := ast.And
	if x.Op == opcode.LogicOr {
		op = ast.Or
	}
	return term{&ast.Logical{Loc: c.at(l.lo, r.hi), Op: op, Left: l.expr, Right: r.expr}, l.lo, r.hi, false}, nil
}

// distinct is IS [NOT] DISTINCT FROM, whose right side carries the number of the token IS.
func (c *converter) distinct(l term, right tidb.ExprNode) (term, error) {
	f, ok := right.(*tidb.FuncCallExpr)
	if !ok || len(f.Args) != 1 { // to MySQL, LIKE and its like bind tighter
		return term{}, operandError(c.toks[l.hi+1].span())
	}
	r, err := c.value(f.Args[0])
	if err != nil {
		return term{}, err
	}
	op := ast.IsDistinct
	if _, is := unmark(f.FnName.O); c.toks[is+1].is("NOT") {
		op = ast.IsNotDistinct
	}
	return term{&ast.Comparison{Loc: c.at(l.lo, r.hi), Op: op, Left: l.expr, Right: r.expr}, l.lo, r.hi, false}, nil
}

func (c *converter) unary(x *tidb.UnaryOperationExpr) (term, error) {
	if x.Op == opcode.Minus {
		if t, ok, err := c.negative(x.V); ok {
			return t, err
		}
	}
	read := c.value
	if x.Op == opcode.Not {
		read = c.expr
	}
	t, err := read(x.V)
	if err != nil {
		return term{}, err
	}
	lo := t.lo - 1
	loc := c.at(lo, t.hi)
	switch x.Op {
	case opcode.Not:
		return term{&ast.Not{Loc: loc, Expr: t.expr}, lo, t.hi, false}, nil
	case opcode.Minus:
		return term{&ast.Unary{Loc: loc, Op: ast.Neg, Expr: t.expr}, lo, t.hi, false}, nil
	case opcode.Plus:
		return term{&ast.Unary{Loc: loc, Op: ast.Pos, Expr: t.expr}, lo, t.hi, false}, nil
	}
	return term{}, c.unknown(x)
}

// negative is the literal that a minus directly before a number makes.
func (c *converter) negative(n tidb.ExprNode) (term, bool, error) {
	col, ok := n.(*tidb.ColumnNameExpr)
	if !ok {
		return term{}, false, nil
	}
	kind, tok := unmark(col.Name.Name.O)
	if kind != markLiteral || c.toks[tok].kind != numberToken {
		return term{}, false, nil
	}
	e, err := number(c.at(tok-1, tok), "-"+c.toks[tok].text)
	return term{e, tok - 1, tok, false}, true, err
}

func (c *converter) betweenExpr(x *tidb.BetweenExpr) (term, error) {
	e, err := c.value(x.Expr)
	if err != nil {
		return term{}, err
	}
	low, err := c.value(x.Left)
	if err != nil {
		return term{}, err
	}
	high, err := c.value(x.Right)
	if err != nil {
		return term{}, err
	}
	loc := c.at(e.lo, high.hi)
	return term{&ast.Between{Loc: loc, Expr: e.expr, Low: low.expr, High: high.expr, Not: x.Not}, e.lo, high.hi, false}, nil
}

func (c *converter) in(x *tidb.PatternInExpr) (term, error) {
	e, err := c.value(x.Expr)
	if err != nil {
		return term{}, err
	}
	if x.Sel != nil || len(x.List) == 0 {
		return term{}, c.unknown(x)
	}
	in := &ast.In{Expr: e.expr, Not: x.Not}
	var hi int
	if col, ok := x.List[0].(*tidb.ColumnNameExpr); ok && len(x.List) == 1 {
		// A query directly behind IN was written with brackets of its own.
		if kind, tok := unmark(col.Name.Name.O); kind == markQuery && c.toks[tok-1].is("IN") {
			in.Query, hi = c.queries[tok], c.match[tok]
		}
	}
	if in.Query == nil {
		if in.List, hi, err = c.exprs(x.List); err != nil {
			return term{}, err
		}
		hi++
	}
	in.Loc = c.at(e.lo, hi)
	return term{in, e.lo, hi, false}, nil
}

func (c *converter) like(x *tidb.PatternLikeOrIlikeExpr) (term, error) {
	e, err := c.value(x.Expr)
	if err != nil {
		return term{}, err
	}
	f, ok := x.Pattern.(*tidb.FuncCallExpr)
	if !ok || len(f.Args) != 1 || !x.IsLike {
		return term{}, c.unknown(x)
	}
	pattern, err := c.value(f.Args[0])
	if err != nil {
		return term{}, err
	}
	like := &ast.Like{Expr: e.expr, Pattern: pattern.expr, Not: x.Not}
	hi := pattern.hi
	if c.toks[hi+1].is("ESCAPE") {
		hi += 2
		t := &c.toks[hi]
		if len([]rune(t.text)) != 1 {
			return term{}, errorAt(t.span(), codeSyntax, "ESCAPE takes a single character")
		}
		like.Escape = &ast.StringLit{Loc: t.span(), Value: t.text}
	}
	like.Loc = c.at(e.lo, hi)
	return term{like, e.lo, hi, false}, nil
}

func (c *converter) isNull(x *tidb.IsNullExpr) (term, error) {
	e, err := c.value(x.Expr)
	if err != nil {
		return term{}, err
	}
	hi := e.hi + 2
	if x.Not {
		hi++
	}
	return term{&ast.IsNull{Loc: c.at(e.lo, hi), Expr: e.expr, Not: x.Not}, e.lo, hi, false}, nil
}

func (c *converter) caseExpr(x *tidb.CaseExpr) (term, error) {
	e := &ast.Case{}
	lo, hi := -1, 0
	if x.Value != nil {
		t, err := c.expr(x.Value)
		if err != nil {
			return term{}, err
		}
		e.Operand, lo = t.expr, t.lo-1
	}
	for _, w := range x.WhenClauses {
		cond, err := c.expr(w.Expr)
		if err != nil {
			return term{}, err
		}
		result, err := c.expr(w.Result)
		if err != nil {
			return term{}, err
		}
		if lo < 0 {
			lo = cond.lo - 2
		}
		hi = result.hi + 1
		e.Whens = append(e.Whens, ast.When{Cond: cond.expr, Result: result.expr})
	}
	if x.ElseClause != nil {
		t, err := c.expr(x.ElseClause)
		if err != nil {
			return term{}, err
		}
		e.Else, hi = t.expr, t.hi+1
	}
	e.Loc = c.at(lo, hi)
	return term{e, lo, hi, false}, nil
}
