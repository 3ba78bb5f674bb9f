package expr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

var columnTypes = []*types.Type{
	types.Boolean, types.Int, types.Bigint, types.Double, types.DecimalOf(8, 2), types.String, types.Bytes,
	types.Date, types.Timestamp, types.ArrayOf(types.Int), types.MapOf(types.String, types.Bigint),
	types.StructOf(types.Field{Name: "A", Type: types.Int}, types.Field{Name: "B", Type: types.String}),
}

func testFunctions(t testing.TB) *udf.Registry {
	t.Helper()
	r, err := udf.NewRegistry(
		udf.Function{Name: "LEN", Kind: analyzer.ScalarFunction, Overloads: []udf.Overload{{
			Signature: "s STRING -> INT",
			Call:      func(_ *udf.Call, a []any) (any, error) { return int32(len(a[0].(string))), nil },
		}}},
		udf.Function{Name: "ELSE", Kind: analyzer.ScalarFunction, Overloads: []udf.Overload{{
			Signature: "a T, b T -> T", Nulls: true,
			Call: func(_ *udf.Call, a []any) (any, error) {
				if a[0] == nil {
					return a[1], nil
				}
				return a[0], nil
			},
		}}},
		udf.Function{Name: "ODD", Kind: analyzer.ScalarFunction, Overloads: []udf.Overload{{
			Signature: "n INT -> INT",
			Call: func(_ *udf.Call, a []any) (any, error) {
				if n := a[0].(int32); n%2 != 0 {
					return n, nil
				}
				return nil, errors.New("even")
			},
		}}},
		udf.Function{Name: "TRANSFORM", Kind: analyzer.ScalarFunction, Overloads: []udf.Overload{{
			Signature: "list ARRAY<T>, f LAMBDA(T)=>R -> ARRAY<R>", Call: transform,
		}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func transform(_ *udf.Call, a []any) (any, error) {
	var out []any
	for _, x := range a[0].([]any) {
		v, err := a[1].(udf.Lambda)(x)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// gen makes random well-typed expressions.
type gen struct {
	r      *rand.Rand
	params []*types.Type // of enclosing lambdas, innermost last; one parameter each
}

func (g *gen) value(t *types.Type) any {
	if g.r.IntN(6) == 0 {
		return nil
	}
	n := g.r.IntN(7) - 3
	switch t.Kind {
	case types.KindBoolean:
		return n > 0
	case types.KindArray:
		list := []any{}
		for range g.r.IntN(4) {
			list = append(list, g.value(t.Elem))
		}
		return list
	case types.KindMap:
		m := types.Map{}
		for _, k := range []string{"-1", "2"}[:g.r.IntN(3)] {
			m = append(m, types.MapEntry{Key: k, Value: g.value(t.Elem)})
		}
		return m
	case types.KindStruct:
		return []any{g.value(t.Fields[0].Type), g.value(t.Fields[1].Type)}
	case types.KindDate:
		return int32(n)
	case types.KindTimestamp:
		return int64(n) * 43200000
	case types.KindBytes:
		return []byte(fmt.Sprint(n))
	case types.KindString:
		return []string{"-1", "2", "2.5", "true", "1970-01-02", "é%", ""}[n+3]
	}
	v, _ := types.Cast(int64(n), types.Bigint, t)
	return v
}

func (g *gen) pick() *types.Type { return columnTypes[g.r.IntN(len(columnTypes))] }

func (g *gen) expr(t *types.Type, depth int) plan.Expr {
	if depth == 0 || g.r.IntN(8) == 0 {
		return g.leaf(t)
	}
	d := depth - 1
	switch g.r.IntN(9) {
	case 0:
		c := &plan.Case{T: t}
		for range 1 + g.r.IntN(2) {
			c.Whens = append(c.Whens, plan.When{Cond: g.expr(types.Boolean, d), Then: g.expr(t, d)})
		}
		if g.r.IntN(2) == 0 {
			c.Else = g.expr(t, d)
		}
		return c
	case 1:
		from := g.pick()
		if types.CanCast(from, t) {
			return &plan.Cast{Expr: g.expr(from, d), T: t}
		}
	case 2:
		return &plan.Call{Name: "ELSE", Params: []*types.Type{t, t}, Args: []plan.Expr{g.expr(t, d), g.expr(t, d)}, T: t}
	case 3:
		list := &plan.MakeArray{Items: []plan.Expr{g.expr(t, d), g.expr(t, d)}, T: types.ArrayOf(t)}
		return &plan.Subscript{Base: list, Index: g.expr(types.Int, d), T: t}
	}
	return g.special(t, d)
}

func (g *gen) leaf(t *types.Type) plan.Expr {
	for depth := range g.params {
		if p := g.params[len(g.params)-1-depth]; types.Equal(p, t) && g.r.IntN(2) == 0 {
			return &plan.LambdaParam{Depth: depth, T: t}
		}
	}
	for i, c := range columnTypes {
		if types.Equal(c, t) && g.r.IntN(3) > 0 {
			return &plan.Column{Index: i, T: t}
		}
	}
	return &plan.Literal{Value: g.value(t), T: t}
}

func (g *gen) special(t *types.Type, d int) plan.Expr {
	switch t.Kind {
	case types.KindBoolean:
		return g.condition(d)
	case types.KindInt:
		switch g.r.IntN(3) {
		case 0:
			return &plan.Call{Name: "LEN", Params: []*types.Type{types.String}, Args: []plan.Expr{g.expr(types.String, d)}, T: t}
		case 1:
			return &plan.Call{Name: "ODD", Params: []*types.Type{types.Int}, Args: []plan.Expr{g.expr(types.Int, d)}, T: t}
		}
	case types.KindArray:
		from := g.pick()
		g.params = append(g.params, from)
		body := g.expr(t.Elem, d)
		g.params = g.params[:len(g.params)-1]
		l := &plan.Lambda{Params: []string{"X"}, Types: []*types.Type{from}, Body: body}
		list := types.ArrayOf(from)
		return &plan.Call{Name: "TRANSFORM", Params: []*types.Type{list, l.Type()}, Args: []plan.Expr{g.expr(list, d), l}, T: t}
	case types.KindMap:
		return &plan.MakeMap{
			Keys:   []plan.Expr{g.expr(t.Key, d), g.expr(t.Key, d)},
			Values: []plan.Expr{g.expr(t.Elem, d), g.expr(t.Elem, d)}, T: t,
		}
	case types.KindStruct:
		return &plan.MakeStruct{Items: []plan.Expr{g.expr(t.Fields[0].Type, d), g.expr(t.Fields[1].Type, d)}, T: t}
	case types.KindString:
		if g.r.IntN(3) == 0 {
			return &plan.Field{Base: g.expr(columnTypes[len(columnTypes)-1], d), Index: 1, T: t}
		}
		return &plan.Arithmetic{Op: "+", Left: g.expr(t, d), Right: g.expr(t, d), T: t}
	}
	if !t.Kind.IsNumeric() {
		return g.leaf(t)
	}
	if g.r.IntN(5) == 0 {
		return &plan.Negate{Expr: g.expr(t, d)}
	}
	op := string("+-*/%"[g.r.IntN(5)])
	return &plan.Arithmetic{Op: op, Left: g.expr(t, d), Right: g.expr(t, d), T: t}
}

func (g *gen) condition(d int) plan.Expr {
	switch g.r.IntN(8) {
	case 0:
		return &plan.And{Left: g.expr(types.Boolean, d), Right: g.expr(types.Boolean, d)}
	case 1:
		return &plan.Or{Left: g.expr(types.Boolean, d), Right: g.expr(types.Boolean, d)}
	case 2:
		return &plan.Not{Expr: g.expr(types.Boolean, d)}
	case 3:
		return &plan.IsNull{Expr: g.expr(g.pick(), d)}
	case 4:
		t := g.pick()
		return &plan.In{Expr: g.expr(t, d), List: []plan.Expr{g.expr(t, d), g.expr(t, d)}}
	case 5:
		p := plan.Expr(&plan.Literal{Value: []string{"%1", "2_5", "_%", "%", "é\\%", "%1%2%"}[g.r.IntN(6)], T: types.String})
		if g.r.IntN(3) == 0 {
			p = g.expr(types.String, d)
		}
		return &plan.Like{Expr: g.expr(types.String, d), Pattern: p}
	}
	t := g.pick()
	ops := []string{"=", "<>", "is distinct from", "is not distinct from", "<", "<=", ">", ">="}
	if t.Kind == types.KindBoolean || t.Kind >= types.KindArray {
		ops = ops[:4]
	}
	return &plan.Comparison{Op: ops[g.r.IntN(len(ops))], Left: g.expr(t, d), Right: g.expr(t, d)}
}

func (g *gen) batch(n int) *vector.Batch {
	b := &vector.Batch{N: n}
	for _, t := range columnTypes {
		v := vector.New(t)
		if g.r.IntN(5) == 0 {
			v = vector.NewConst(t, g.value(t))
		} else {
			for range n {
				v.Append(g.value(t))
			}
		}
		b.Cols = append(b.Cols, v)
	}
	if g.r.IntN(2) == 0 {
		b.Sel = []int32{}
		for i := range n {
			if g.r.IntN(3) > 0 {
				b.Sel = append(b.Sel, int32(i))
			}
		}
	}
	return b
}
