package analyzer

import (
	"errors"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// call binds a call of a scalar function. Aggregates and table functions are computed by nodes of their own, and a call that
// was is found among the known expressions before it comes here.
func (b *binder) call(x *ast.Call) (plan.Expr, error) {
	if isPredict(x.Name.Name) {
		return b.predict(x)
	}
	if isModelVersion(x.Name.Name) {
		return b.modelVersion(x)
	}
	name := strings.ToUpper(x.Name.Name)
	switch b.functions.Kind(name) {
	case NoFunction:
		return nil, b.unknownFunction(x)
	case AggregateFunction:
		return nil, fail("aggregate.place", x.Span(), "aggregate %s cannot stand here", name)
	case TableFunction:
		return nil, fail("function.table-place", x.Span(), "table function %s cannot stand here", name)
	}
	if err := plainCall(x); err != nil {
		return nil, err
	}
	args, m, err := b.arguments(x, name)
	if err != nil {
		return nil, err
	}
	return &plan.Call{Name: name, Params: params(m, args), Args: args, T: m.Returns}, nil
}

// plainCall refuses the clauses of a call that no function of a continuous query takes.
func plainCall(x *ast.Call) error {
	switch {
	case x.Over != nil:
		return fail("query.over", x.Over.Span(), "OVER is not available in a continuous query")
	case x.Distinct:
		return advise(fail("query.distinct", x.Span(), "%s(DISTINCT ...) is not available", x.Name), "COUNT_DISTINCT and COLLECT_SET know distinct values")
	case x.Filter != nil:
		return fail("query.filter", x.Filter.Span(), "FILTER is not available yet")
	}
	return nil
}

// arguments binds the arguments, resolves the overload and brings the arguments to its parameters.
func (b *binder) arguments(x *ast.Call, name string) ([]plan.Expr, Match, error) {
	args := make([]plan.Expr, len(x.Args))
	types := make([]Arg, len(x.Args))
	for i, a := range x.Args {
		if l, ok := a.(*ast.Lambda); ok {
			types[i] = Arg{Lambda: len(l.Params), Body: b.lambdaType(l)}
			continue
		}
		var err error
		if args[i], err = b.bind(a); err != nil {
			return nil, Match{}, err
		}
		types[i] = Arg{Type: args[i].Type()}
	}
	m, err := b.functions.Resolve(name, types)
	if err != nil {
		return nil, m, at(err, "function.arguments", x.Span())
	}
	for i, a := range x.Args {
		if l, ok := a.(*ast.Lambda); ok {
			if args[i], err = b.lambda(l, m.Lambdas[i]); err != nil {
				return nil, m, err
			}
			continue
		}
		if i < len(m.Params) && m.Params[i] != nil {
			args[i] = castTo(args[i], m.Params[i])
		}
	}
	return args, m, nil
}

// params is the list that finds the overload again: a lambda's entry says only that it is one.
func params(m Match, args []plan.Expr) []*types.Type {
	out := make([]*types.Type, len(args))
	for i := range args {
		out[i] = args[i].Type()
		if i < len(m.Params) && m.Params[i] != nil {
			out[i] = m.Params[i]
		}
	}
	return out
}

// at gives an error of a resolver its place and, where it has none, its code.
func at(err error, code string, span ast.Span) error {
	var e *ast.Error
	if !errors.As(err, &e) {
		return fail(code, span, "%v", err)
	}
	c := *e
	if c.Span == (ast.Span{}) {
		c.Span = span
	}
	return &c
}

// lambdaType types the body for given parameters; the resolver may ask for several overloads.
func (b *binder) lambdaType(l *ast.Lambda) func([]*types.Type) (*types.Type, error) {
	return func(params []*types.Type) (*types.Type, error) {
		e, err := b.lambda(l, params)
		if err != nil {
			return nil, err
		}
		return e.(*plan.Lambda).Body.Type(), nil
	}
}

func (b *binder) lambda(l *ast.Lambda, params []*types.Type) (plan.Expr, error) {
	if len(params) != len(l.Params) {
		return nil, fail("function.arguments", l.Span(), "the lambda has %d parameters, %d are passed", len(l.Params), len(params))
	}
	b.frames = append(b.frames, frame{names: l.Params, types: params})
	body, err := b.bind(l.Body)
	b.frames = b.frames[:len(b.frames)-1]
	if err != nil {
		return nil, err
	}
	out := &plan.Lambda{Types: params, Body: body}
	for _, p := range l.Params {
		out.Params = append(out.Params, p.Name)
	}
	return out, nil
}
