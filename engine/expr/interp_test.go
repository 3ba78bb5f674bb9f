package expr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// interp is the oracle: it evaluates one row with boxed values, written as plainly as the meaning of each expression is told.
type interp struct {
	env    *Env
	row    []any
	params [][]any
	errs   []error
}

func (p *interp) fail(err error) any {
	if err != nil {
		p.errs = append(p.errs, err)
	}
	return nil
}

func (p *interp) or(v any, err error) any {
	if err != nil {
		return p.fail(err)
	}
	return v
}

// nullOperand is NULL, and a failure inside a lambda.
func (p *interp) nullOperand() any {
	if len(p.params) > 0 {
		return p.fail(errNullInLambda)
	}
	return nil
}

func (p *interp) isTrue(e plan.Expr) bool {
	v, _ := p.eval(e).(bool)
	return v
}

func (p *interp) eval(e plan.Expr) any {
	switch e := e.(type) {
	case *plan.Column:
		return p.row[e.Index]
	case *plan.Literal:
		return e.Value
	case *plan.LambdaParam:
		return p.params[len(p.params)-1-e.Depth][e.Index]
	case *plan.Arithmetic:
		l, r := p.eval(e.Left), p.eval(e.Right)
		if l == nil || r == nil {
			return p.nullOperand()
		}
		return p.or(arithmetic(e, l, r))
	case *plan.Negate:
		switch v := p.eval(e.Expr).(type) {
		case int32:
			return -v
		case int64:
			return -v
		case float64:
			return -v
		case types.Decimal:
			return v.Neg()
		}
		return p.nullOperand()
	case *plan.Comparison:
		return compare(e, p.eval(e.Left), p.eval(e.Right))
	case *plan.And:
		return p.isTrue(e.Left) && p.isTrue(e.Right)
	case *plan.Or:
		return p.isTrue(e.Left) || p.isTrue(e.Right)
	case *plan.Not:
		return !p.isTrue(e.Expr)
	case *plan.IsNull:
		return p.eval(e.Expr) == nil
	case *plan.In:
		x, found := p.eval(e.Expr), false
		for _, item := range e.List {
			v := p.eval(item)
			found = found || x != nil && v != nil && types.EqualValues(x, v, e.Expr.Type())
		}
		return found
	case *plan.Like:
		return like1(p.eval(e.Expr), p.eval(e.Pattern))
	case *plan.Case:
		for _, w := range e.Whens {
			if p.isTrue(w.Cond) {
				return p.eval(w.Then)
			}
		}
		if e.Else != nil {
			return p.eval(e.Else)
		}
		return nil
	case *plan.Cast:
		return p.or(types.Cast(p.eval(e.Expr), e.Expr.Type(), e.T))
	}
	return p.evalNested(e)
}

func (p *interp) evalNested(e plan.Expr) any {
	switch e := e.(type) {
	case *plan.Subscript:
		b, i := p.eval(e.Base), p.eval(e.Index)
		if b == nil || i == nil {
			return nil
		}
		if m, ok := b.(types.Map); ok {
			v, _ := m.Lookup(i, e.Base.Type().Key)
			return v
		}
		list, n := b.([]any), int(i.(int32))
		if n < 0 {
			n += len(list) + 1
		}
		if n < 1 || n > len(list) {
			return nil
		}
		return list[n-1]
	case *plan.Field:
		if s, ok := p.eval(e.Base).([]any); ok {
			return s[e.Index]
		}
		return nil
	case *plan.MakeArray:
		return p.all(e.Items)
	case *plan.MakeStruct:
		return p.all(e.Items)
	case *plan.MakeMap:
		m := types.Map{}
		for i := range e.Keys {
			m = m.Put(p.eval(e.Keys[i]), p.eval(e.Values[i]), e.T.Key)
		}
		return m
	case *plan.Call:
		return p.call(e)
	}
	panic(fmt.Sprintf("interp: %T", e))
}

func (p *interp) all(es []plan.Expr) any {
	out := make([]any, len(es))
	for i, e := range es {
		out[i] = p.eval(e)
	}
	return out
}

func (p *interp) call(e *plan.Call) any {
	f, err := p.env.Functions.Scalar(e, p.env.UDF)
	if err != nil {
		panic(err)
	}
	args, null := make([]any, len(e.Args)), false
	for i, a := range e.Args {
		if l, ok := a.(*plan.Lambda); ok {
			args[i] = udf.Lambda(func(params ...any) (any, error) {
				inner := interp{env: p.env, row: p.row, params: append(p.params[:len(p.params):len(p.params)], append([]any{}, params...))}
				v := inner.eval(l.Body)
				if len(inner.errs) > 0 {
					return nil, inner.errs[0]
				}
				return v, nil
			})
			continue
		}
		args[i] = p.eval(a)
		null = null || args[i] == nil
	}
	if null && !f.Nulls {
		return nil
	}
	return p.or(f.Eval(args))
}

func arithmetic(e *plan.Arithmetic, l, r any) (any, error) {
	switch l := l.(type) {
	case int32:
		v, err := integerArith(e.Op, int64(l), int64(r.(int32)))
		return int32(v), err
	case int64:
		return integerArith(e.Op, l, r.(int64))
	case float64:
		out := make([]float64, 1)
		map[string]kernel[float64, float64]{
			"+": add[float64], "-": sub[float64], "*": mul[float64], "/": divDouble, "%": modDouble,
		}[e.Op](out, []float64{l}, []float64{r.(float64)}, 0, 0)
		return out[0], nil
	case types.Decimal:
		d, err := types.DecimalArith(e.Op, l, r.(types.Decimal), e.T)
		return d, err
	}
	return l.(string) + r.(string), nil
}

func integerArith(op string, l, r int64) (int64, error) {
	switch {
	case op == "+":
		return l + r, nil
	case op == "-":
		return l - r, nil
	case op == "*":
		return l * r, nil
	case r == 0:
		return 0, types.ErrDivisionByZero
	case op == "/" && r == -1:
		return -l, nil
	case op == "/":
		return l / r, nil
	case r == -1:
		return 0, nil
	}
	return l % r, nil
}

func compare(e *plan.Comparison, l, r any) bool {
	t := e.Left.Type()
	switch e.Op {
	case "is distinct from":
		return !types.EqualValues(l, r, t)
	case "is not distinct from":
		return types.EqualValues(l, r, t)
	}
	if l == nil || r == nil {
		return false
	}
	switch e.Op {
	case "=":
		return types.EqualValues(l, r, t)
	case "<>":
		return !types.EqualValues(l, r, t)
	case "<":
		return types.Compare(l, r, t) < 0
	case "<=":
		return types.Compare(l, r, t) <= 0
	case ">":
		return types.Compare(l, r, t) > 0
	}
	return types.Compare(l, r, t) >= 0
}

func like1(s, pattern any) bool {
	if s == nil || pattern == nil {
		return false
	}
	var b strings.Builder
	for _, r := range pattern.(string) {
		switch r {
		case '%':
			b.WriteString("(?s:.*)")
		case '_':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile("^" + b.String() + "$").MatchString(s.(string))
}
