package analyzer

import (
	"unicode/utf8"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func isNull(e plan.Expr) bool { return e.Type().Kind == types.KindNull }

// castTo brings e to type t; the caller knows that it can be. A literal becomes another one, unless the cast fails: then it
// fails for each row, as CAST does.
func castTo(e plan.Expr, t *types.Type) plan.Expr {
	if types.Equal(e.Type(), t) {
		return e
	}
	if l, ok := e.(*plan.Literal); ok {
		if v, err := types.Cast(l.Value, l.T, t); err == nil {
			return &plan.Literal{Value: v, T: t}
		}
	}
	return &plan.Cast{Expr: e, T: t}
}

func (b *binder) two(l, r ast.Expr) (plan.Expr, plan.Expr, error) {
	left, err := b.bind(l)
	if err != nil {
		return nil, nil, err
	}
	right, err := b.bind(r)
	return left, right, err
}

func (b *binder) unary(x *ast.Unary) (plan.Expr, error) {
	e, err := b.bind(x.Expr)
	if err != nil {
		return nil, err
	}
	if !e.Type().Kind.IsNumeric() {
		return nil, fail("type.arithmetic", x.Span(), "%s needs a number, not %s", x.Op, e.Type())
	}
	if x.Op == ast.Pos {
		return e, nil
	}
	return &plan.Negate{Expr: e}, nil
}

func (b *binder) binary(x *ast.Binary) (plan.Expr, error) {
	if x.Op == ast.Concat {
		return b.call(&ast.Call{Loc: x.Loc, Name: ast.Ident{Loc: x.Loc, Name: "CONCAT"}, Args: []ast.Expr{x.Left, x.Right}})
	}
	l, r, err := b.two(x.Left, x.Right)
	if err != nil {
		return nil, err
	}
	if isNull(l) || isNull(r) {
		return nil, advise(fail("type.null-operand", x.Span(), "%s is not defined for %s and %s", x.Op, l.Type(), r.Type()), "cast the NULL to a type")
	}
	t := types.ArithmeticResult(string(x.Op), l.Type(), r.Type())
	if t == nil {
		return nil, fail("type.arithmetic", x.Span(), "%s is not defined for %s and %s", x.Op, l.Type(), r.Type())
	}
	return &plan.Arithmetic{Op: string(x.Op), Left: operand(l, t), Right: operand(r, t), T: t}, nil
}

// operand brings an operand to the result's type; a DECIMAL result has operands of the DECIMAL types they are.
func operand(e plan.Expr, t *types.Type) plan.Expr {
	if t.Kind == types.KindDecimal {
		t = types.AsDecimal(e.Type())
	}
	return castTo(e, t)
}

var compareOps = map[ast.CompareOp]string{
	ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.Le: "<=", ast.Gt: ">", ast.Ge: ">=",
	ast.IsDistinct: "is distinct from", ast.IsNotDistinct: "is not distinct from",
}

func (b *binder) comparison(x *ast.Comparison) (plan.Expr, error) {
	l, r, err := b.two(magicTime(x.Right, x.Left), magicTime(x.Left, x.Right))
	if err != nil {
		return nil, err
	}
	return compare(compareOps[x.Op], l, r, x.Span())
}

func compare(op string, l, r plan.Expr, at ast.Span) (plan.Expr, error) {
	if isNull(l) || isNull(r) {
		return nil, advise(fail("type.null-operand", at, "%s %s %s: a comparison with NULL is never true", l, op, r), "use IS NULL or IS NOT NULL")
	}
	t := types.Comparable(l.Type(), r.Type(), op)
	if t == nil {
		return nil, advise(fail("type.comparison", at, "%s (%s) and %s (%s) cannot be compared by %s", l, l.Type(), r, r.Type(), op), "cast one of them")
	}
	if t.Kind == types.KindDecimal {
		return &plan.Comparison{Op: op, Left: operand(l, t), Right: operand(r, t)}, nil
	}
	if !types.CanCast(l.Type(), t) || !types.CanCast(r.Type(), t) {
		return &plan.Comparison{Op: op, Left: l, Right: r}, nil
	}
	return &plan.Comparison{Op: op, Left: castTo(l, t), Right: castTo(r, t)}, nil
}

// condition binds an operand of AND, OR and NOT.
func (b *binder) condition(e ast.Expr) (plan.Expr, error) {
	c, err := b.bind(e)
	if err != nil {
		return nil, err
	}
	if isNull(c) {
		return &plan.Literal{T: types.Boolean}, nil
	}
	if c.Type().Kind != types.KindBoolean {
		return nil, fail("type.boolean", e.Span(), "%s is %s where a BOOLEAN is needed", e, c.Type())
	}
	return c, nil
}

func (b *binder) logical(x *ast.Logical) (plan.Expr, error) {
	l, err := b.condition(x.Left)
	if err != nil {
		return nil, err
	}
	r, err := b.condition(x.Right)
	if err != nil {
		return nil, err
	}
	if x.Op == ast.And {
		return &plan.And{Left: l, Right: r}, nil
	}
	return &plan.Or{Left: l, Right: r}, nil
}

func (b *binder) isNull(x *ast.IsNull) (plan.Expr, error) {
	e, err := b.bind(x.Expr)
	if err != nil {
		return nil, err
	}
	return not(&plan.IsNull{Expr: e}, x.Not), nil
}

func not(e plan.Expr, negated bool) plan.Expr {
	if negated {
		return &plan.Not{Expr: e}
	}
	return e
}

// between is Low <= Expr AND Expr <= High; NOT BETWEEN is the opposite.
func (b *binder) between(x *ast.Between) (plan.Expr, error) {
	e, err := b.bind(x.Expr)
	if err != nil {
		return nil, err
	}
	low, high, err := b.two(magicTime(x.Expr, x.Low), magicTime(x.Expr, x.High))
	if err != nil {
		return nil, err
	}
	l, err := compare(">=", e, low, x.Span())
	if err != nil {
		return nil, err
	}
	h, err := compare("<=", e, high, x.Span())
	if err != nil {
		return nil, err
	}
	return not(&plan.And{Left: l, Right: h}, x.Not), nil
}

func (b *binder) like(x *ast.Like) (plan.Expr, error) {
	e, p, err := b.two(x.Expr, x.Pattern)
	if err != nil {
		return nil, err
	}
	for _, o := range []struct {
		bound plan.Expr
		at    ast.Expr
	}{{e, x.Expr}, {p, x.Pattern}} {
		if k := o.bound.Type().Kind; k != types.KindString && k != types.KindNull {
			return nil, fail("type.like", o.at.Span(), "LIKE needs STRING, and %s is %s", o.at, o.bound.Type())
		}
	}
	l := &plan.Like{Expr: castTo(e, types.String), Pattern: castTo(p, types.String)}
	if x.Escape != nil {
		if utf8.RuneCountInString(x.Escape.Value) != 1 {
			return nil, fail("type.escape", x.Escape.Span(), "ESCAPE takes one character")
		}
		l.Escape, _ = utf8.DecodeRuneInString(x.Escape.Value)
	}
	return not(l, x.Not), nil
}

func (b *binder) cast(x *ast.Cast) (plan.Expr, error) {
	e, err := b.bind(x.Expr)
	if err != nil {
		return nil, err
	}
	t, err := b.typeOf(x.Type)
	if err != nil {
		return nil, err
	}
	if !types.CanCast(e.Type(), t) {
		return nil, fail("type.cast", x.Span(), "%s cannot be cast from %s to %s", x.Expr, e.Type(), t)
	}
	return castTo(e, t), nil
}
