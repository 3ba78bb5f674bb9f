package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// caseOf binds both forms of CASE; CASE x WHEN v is a comparison x = v. The results have one type: numbers are not widened.
func (b *binder) caseOf(x *ast.Case) (plan.Expr, error) {
	c := &plan.Case{T: types.Null}
	for _, w := range x.Whens {
		cond, err := b.when(x.Operand, w.Cond)
		if err != nil {
			return nil, err
		}
		then, err := b.branch(c, w.Result)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, plan.When{Cond: cond, Then: then})
	}
	if x.Else != nil {
		var err error
		if c.Else, err = b.branch(c, x.Else); err != nil {
			return nil, err
		}
	}
	if c.T.Kind == types.KindNull {
		return nil, advise(fail("type.case-null", x.Span(), "all results of CASE are NULL"), "cast one of them to a type")
	}
	for i := range c.Whens {
		c.Whens[i].Then = castTo(c.Whens[i].Then, c.T)
	}
	if c.Else != nil {
		c.Else = castTo(c.Else, c.T)
	}
	return c, nil
}

func (b *binder) when(operand, cond ast.Expr) (plan.Expr, error) {
	if operand != nil {
		return b.comparison(&ast.Comparison{Loc: cond.Span(), Op: ast.Eq, Left: operand, Right: cond})
	}
	e, err := b.bind(cond)
	if err != nil {
		return nil, err
	}
	if e.Type().Kind != types.KindBoolean {
		return nil, fail("type.case-condition", cond.Span(), "WHEN needs a BOOLEAN; %s is %s", cond, e.Type())
	}
	return e, nil
}

func (b *binder) branch(c *plan.Case, e ast.Expr) (plan.Expr, error) {
	v, err := b.bind(e)
	if err != nil {
		return nil, err
	}
	switch {
	case isNull(v):
	case c.T.Kind == types.KindNull:
		c.T = v.Type()
	case !types.Equal(c.T, v.Type()):
		return nil, advise(fail("type.case", e.Span(), "the results of CASE have different types: %s and %s", c.T, v.Type()), "cast them to one type")
	}
	return v, nil
}
