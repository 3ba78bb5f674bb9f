package expr

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Children lists the direct parts of an expression.
func Children(e plan.Expr) []plan.Expr {
	switch e := e.(type) {
	case *plan.Column, *plan.Literal, *plan.LambdaParam, *plan.ModelVersion:
		return nil
	case *plan.Arithmetic:
		return []plan.Expr{e.Left, e.Right}
	case *plan.Negate:
		return []plan.Expr{e.Expr}
	case *plan.Comparison:
		return []plan.Expr{e.Left, e.Right}
	case *plan.And:
		return []plan.Expr{e.Left, e.Right}
	case *plan.Or:
		return []plan.Expr{e.Left, e.Right}
	case *plan.Not:
		return []plan.Expr{e.Expr}
	case *plan.IsNull:
		return []plan.Expr{e.Expr}
	case *plan.In:
		return append([]plan.Expr{e.Expr}, e.List...)
	case *plan.Like:
		return []plan.Expr{e.Expr, e.Pattern}
	case *plan.Case:
		var out []plan.Expr
		for _, w := range e.Whens {
			out = append(out, w.Cond, w.Then)
		}
		if e.Else != nil {
			out = append(out, e.Else)
		}
		return out
	case *plan.Cast:
		return []plan.Expr{e.Expr}
	}
	return nestedChildren(e)
}

func nestedChildren(e plan.Expr) []plan.Expr {
	switch e := e.(type) {
	case *plan.Subscript:
		return []plan.Expr{e.Base, e.Index}
	case *plan.Field:
		return []plan.Expr{e.Base}
	case *plan.MakeArray:
		return e.Items
	case *plan.MakeStruct:
		return e.Items
	case *plan.MakeMap:
		return append(append([]plan.Expr{}, e.Keys...), e.Values...)
	case *plan.Lambda:
		return []plan.Expr{e.Body}
	case *plan.Call:
		return e.Args
	case *plan.Predict:
		return e.Args
	}
	panic(fmt.Sprintf("expr: unknown expression %T", e))
}

// Columns gives, by index, the types of the columns that an expression reads; nil for those in between.
func Columns(e plan.Expr) []*types.Type {
	var out []*types.Type
	var walk func(plan.Expr)
	walk = func(e plan.Expr) {
		if c, ok := e.(*plan.Column); ok {
			for len(out) <= c.Index {
				out = append(out, nil)
			}
			out[c.Index] = c.T
		}
		for _, x := range Children(e) {
			walk(x)
		}
	}
	walk(e)
	return out
}

// Foldable says whether an expression has the same value for every row and at every time: no column, no volatile
// function, no model, no parameter of a lambda around it.
func Foldable(e plan.Expr, env *Env) bool { return foldable(e, env, 0) }

// foldable is Foldable inside so many lambdas of the expression itself.
func foldable(e plan.Expr, env *Env, lambdas int) bool {
	switch e := e.(type) {
	case *plan.Column, *plan.Predict, *plan.ModelVersion:
		return false
	case *plan.LambdaParam:
		return e.Depth < lambdas
	case *plan.Lambda:
		lambdas++
	case *plan.Call:
		if env.Functions == nil || env.Functions.Volatile(e) {
			return false
		}
	}
	for _, x := range Children(e) {
		if !foldable(x, env, lambdas) {
			return false
		}
	}
	return true
}

// Constant evaluates an expression that reads no column: what INSERT VALUES and constant folding do. Volatile functions are
// called. Where a row would have failed the failure is returned.
func Constant(e plan.Expr, env *Env) (any, error) {
	if len(Columns(e)) > 0 {
		return nil, errors.New("a constant expression reads a column")
	}
	var failed error
	inner := *env
	inner.Sink = func(_ *vector.Batch, _ int, _ plan.Expr, err error) {
		if failed == nil {
			failed = err
		}
	}
	ev, err := Compile(e, &inner)
	if err != nil {
		return nil, err
	}
	v, err := ev.Eval(&vector.Batch{N: 1})
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return v.Value(0), nil
}
