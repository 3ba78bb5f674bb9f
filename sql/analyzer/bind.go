package analyzer

import (
	"math"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

const maxExprDepth = 500

// binder turns qualified expressions into bound ones over the columns of a relation.
type binder struct {
	*statement
	rel    *relation // nil: no columns (INSERT VALUES)
	frames []frame   // lambdas around, the innermost last
	depth  int
}

// frame is a lambda's parameters with their types.
type frame struct {
	names []ast.Ident
	types []*types.Type
}

func (s *statement) binder(rel *relation) *binder { return &binder{statement: s, rel: rel} }

// bind gives the typed form of e.
func (b *binder) bind(e ast.Expr) (plan.Expr, error) {
	b.depth++
	defer func() { b.depth-- }()
	if b.depth > maxExprDepth {
		return nil, fail("expression.depth", e.Span(), "expression is nested deeper than %d", maxExprDepth)
	}
	if b.rel != nil && !b.isParam(e) {
		if i, ok := b.rel.find(e); ok {
			return b.rel.column(i), nil
		}
	}
	switch x := e.(type) {
	case *ast.ColumnRef:
		return b.name(x)
	case *ast.NullLit:
		return &plan.Literal{T: types.Null}, nil
	case *ast.BoolLit:
		return &plan.Literal{Value: x.Value, T: types.Boolean}, nil
	case *ast.IntLit:
		return integer(x.Value), nil
	case *ast.DecimalLit:
		return decimal(x.Text, x.Span())
	case *ast.DoubleLit:
		return &plan.Literal{Value: x.Value, T: types.Double}, nil
	case *ast.StringLit:
		return text(x.Value), nil
	case *ast.TypedLit:
		return b.typedLiteral(x)
	}
	return b.operator(e)
}

func (b *binder) operator(e ast.Expr) (plan.Expr, error) {
	switch x := e.(type) {
	case *ast.Unary:
		return b.unary(x)
	case *ast.Binary:
		return b.binary(x)
	case *ast.Comparison:
		return b.comparison(x)
	case *ast.Logical:
		return b.logical(x)
	case *ast.Not:
		c, err := b.condition(x.Expr)
		return &plan.Not{Expr: c}, err
	case *ast.IsNull:
		return b.isNull(x)
	case *ast.Between:
		return b.between(x)
	case *ast.In:
		return b.in(x)
	case *ast.Like:
		return b.like(x)
	case *ast.Case:
		return b.caseOf(x)
	case *ast.Cast:
		return b.cast(x)
	case *ast.Subscript:
		return b.subscript(x)
	case *ast.Deref:
		return b.deref(x)
	case *ast.ArrayLit:
		return b.array(x)
	case *ast.MapLit:
		return b.mapOf(x)
	case *ast.StructLit:
		return b.structOf(x)
	case *ast.Call:
		return b.call(x)
	}
	return nil, b.unsupported(e)
}

func (b *binder) unsupported(e ast.Expr) error {
	switch e.(type) {
	case *ast.Subquery, *ast.Exists:
		return advise(fail("query.subquery", e.Span(), "a continuous query cannot hold another query in an expression"), "join with a table instead")
	case *ast.Interval:
		return fail("expression.interval", e.Span(), "an INTERVAL is not available yet")
	case *ast.DerefStar:
		return fail("expression.star", e.Span(), "->* stands only as an item of SELECT")
	case *ast.Lambda:
		return fail("expression.lambda", e.Span(), "a lambda stands only as the argument of a function")
	}
	return fail("expression", e.Span(), "%s is not available in this place", e)
}

func (b *binder) isParam(e ast.Expr) bool {
	r, ok := e.(*ast.ColumnRef)
	if !ok || r.Qualifier != nil {
		return false
	}
	_, _, found := b.param(r.Name.Name)
	return found
}

func (b *binder) param(name string) (depth, index int, ok bool) {
	for d := range b.frames {
		f := b.frames[len(b.frames)-1-d]
		for i, n := range f.names {
			if n.Name == name {
				return d, i, true
			}
		}
	}
	return 0, 0, false
}

// name binds what is not a column of the relation: a lambda's parameter or a unit of time.
func (b *binder) name(x *ast.ColumnRef) (plan.Expr, error) {
	if x.Qualifier == nil {
		if d, i, ok := b.param(x.Name.Name); ok {
			t := b.frames[len(b.frames)-1-d].types[i]
			return &plan.LambdaParam{Depth: d, Index: i, Name: x.Name.Name, T: t}, nil
		}
		if isUnit(x) {
			return &plan.Literal{Value: x.Name.Name, T: types.IntervalUnit}, nil
		}
	}
	if b.rel == nil {
		return nil, fail("name.column", x.Span(), "column %s: no columns can be used here", x)
	}
	var all []string
	for _, n := range b.rel.names {
		all = append(all, n.name)
	}
	return nil, advise(fail("name.column", x.Span(), "column %s cannot be resolved", x), "%s", ast.Suggest(x.Name.Name, all))
}

func integer(v int64) *plan.Literal {
	if v >= math.MinInt32 && v <= math.MaxInt32 {
		return &plan.Literal{Value: int32(v), T: types.Int}
	}
	return &plan.Literal{Value: v, T: types.Bigint}
}

func text(v string) *plan.Literal { return &plan.Literal{Value: v, T: types.String} }

// decimal gives a literal's type the digits that it has; below 1 the zero before the point counts too.
func decimal(s string, at ast.Span) (plan.Expr, error) {
	d, err := types.ParseDecimal(s)
	if err != nil {
		return nil, fail("literal.decimal", at, "%s is not a decimal number", s)
	}
	return &plan.Literal{Value: d, T: types.DecimalOf(max(d.Precision(), d.Scale()+1), d.Scale())}, nil
}

// typedLiteral: DECIMAL is a literal, the others are casts of their text.
func (b *binder) typedLiteral(x *ast.TypedLit) (plan.Expr, error) {
	if x.Type.Name == "DECIMAL" {
		return decimal(x.Text, x.Span())
	}
	t, ok := typeNames[x.Type.Name]
	if !ok || !t.Kind.IsTemporal() {
		return nil, fail("literal.type", x.Span(), "there are no literals of type %s", x.Type)
	}
	return &plan.Cast{Expr: text(x.Text), T: t}, nil
}
