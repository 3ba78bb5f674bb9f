package expr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
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

// Vectors give what the row interpreter gives, whatever the batch.
func TestVectorsAgreeWithRows(t *testing.T) {
	g := &gen{r: rand.New(rand.NewPCG(5, 6))}
	fns := testFunctions(t)
	for round := range 1500 {
		e := g.expr(g.pick(), 1+g.r.IntN(4))
		failed := map[bool]int{}
		env := &Env{Functions: fns, Sink: func(*vector.Batch, int, plan.Expr, error) { failed[true]++ }}
		ev, err := Compile(e, env)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for range 3 { // buffers are used again
			b := g.batch([]int{1, 3, 70}[g.r.IntN(3)])
			clear(failed)
			v, err := ev.Eval(b)
			if err != nil {
				t.Fatal(err)
			}
			b.Each(func(row int) {
				in := interp{env: env}
				for _, c := range b.Cols {
					in.row = append(in.row, c.Value(row))
				}
				want := in.eval(e)
				failed[false] += len(in.errs)
				if got := v.Value(row); !same(got, want, e.Type()) {
					t.Fatalf("round %d, row %d of %d: got %v, want %v\nrow %v\n%#v", round, row, b.N, got, want, in.row, e)
				}
			})
			if (failed[true] > 0) != (failed[false] > 0) {
				t.Fatalf("round %d: %d failures reported, want %d: %v", round, failed[true], failed[false], e)
			}
		}
	}
}

// same treats -0.0 and 0.0, and NaNs, as the printed values that they are.
func same(a, b any, t *types.Type) bool {
	return types.Text(a, t) == types.Text(b, t) || types.EqualValues(a, b, t)
}

func TestErrorsNameTheirRow(t *testing.T) {
	var rows []int
	env := &Env{Sink: func(_ *vector.Batch, row int, e plan.Expr, err error) {
		if !errors.Is(err, types.ErrDivisionByZero) || e == nil {
			t.Errorf("got %v of %v", err, e)
		}
		rows = append(rows, row)
	}}
	col := &plan.Column{T: types.Int}
	ev, err := Compile(&plan.Arithmetic{Op: "/", Left: &plan.Literal{Value: int32(6), T: types.Int}, Right: col, T: types.Int}, env)
	if err != nil {
		t.Fatal(err)
	}
	v := vector.New(types.Int)
	for _, n := range []any{int32(2), int32(0), nil, int32(0), int32(4)} {
		v.Append(n)
	}
	out, err := ev.Eval(&vector.Batch{N: 5, Cols: []*vector.Vector{v}, Sel: []int32{0, 2, 3, 4}})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(rows) != "[3]" || out.Value(0) != int32(3) || out.Value(2) != nil || out.Value(3) != nil || out.Value(4) != int32(1) {
		t.Errorf("rows %v, values %v %v %v %v", rows, out.Value(0), out.Value(2), out.Value(3), out.Value(4))
	}
}

func TestConstant(t *testing.T) {
	lit := func(n int32) plan.Expr { return &plan.Literal{Value: n, T: types.Int} }
	v, err := Constant(&plan.Arithmetic{Op: "*", Left: lit(6), Right: lit(7), T: types.Int}, &Env{})
	if err != nil || v != int32(42) {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err = Constant(&plan.Arithmetic{Op: "%", Left: lit(6), Right: lit(0), T: types.Int}, &Env{}); !errors.Is(err, types.ErrDivisionByZero) {
		t.Errorf("got %v", err)
	}
	param := &plan.LambdaParam{T: types.Int}
	inside := &plan.Lambda{Params: []string{"X"}, Types: []*types.Type{types.Int}, Body: param}
	if Foldable(param, &Env{}) || !Foldable(inside, &Env{}) || !Foldable(lit(1), &Env{}) || Foldable(&plan.Column{T: types.Int}, &Env{}) {
		t.Error("what can be folded is told wrongly")
	}
	if _, err = Constant(&plan.Column{T: types.Int}, &Env{}); err == nil {
		t.Error("a column is taken for a constant")
	}
}

// A hostile pattern costs no more than the product of the lengths.
func TestLikeIsBounded(t *testing.T) {
	s := []byte(strings.Repeat("a", 20000))
	if matchLike(s, parseLike([]byte(strings.Repeat("%a", 2000)+"%b"), 0)) {
		t.Error("matched")
	}
	if !matchLike([]byte("100%"), parseLike([]byte("100!%"), '!')) || matchLike([]byte("1000"), parseLike([]byte("100!%"), '!')) {
		t.Error("escape")
	}
}

type predictor struct{ t *testing.T }

func (p predictor) Predictor(*plan.Predict, Place) (Predictor, error) { return p, nil }

func (p predictor) Versioner(*plan.ModelVersion, Place) (Versioner, error) { return p, nil }

// Versions tells the row of the batch.
func (p predictor) Versions(rows Rows, sel []int32, out *vector.Vector) error {
	for _, i := range sel {
		out.I32[i] = i
		if rows.Lambda {
			out.I32[i] = int32(rows.Row)
		}
	}
	return nil
}

func (p predictor) Predict(rows Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(int, error)) error {
	for row := range rows.N {
		out.Append(float64(args[0].I32[row]) / 2)
	}
	for _, row := range sel {
		if args[0].I32[row] < 0 {
			out.Nulls = out.Nulls.Set(int(row))
			fail(int(row), errors.New("negative"))
		}
	}
	return nil
}

func TestPredict(t *testing.T) {
	failed := -1
	env := &Env{Models: predictor{t}, Sink: func(_ *vector.Batch, row int, _ plan.Expr, _ error) { failed = row }}
	ev, err := Compile(&plan.Predict{Model: "M", Args: []plan.Expr{&plan.Column{T: types.Int}}, T: types.Double}, env)
	if err != nil {
		t.Fatal(err)
	}
	v := vector.New(types.Int)
	v.I32 = []int32{3, -1, 5}
	out, err := ev.Eval(&vector.Batch{N: 3, Cols: []*vector.Vector{v}})
	if err != nil || out.Value(0) != 1.5 || out.Value(1) != nil || out.Value(2) != 2.5 || failed != 1 {
		t.Errorf("got %v %v, failed %d, %v", out.Value(0), out.Value(1), failed, err)
	}
}

// fieldPredictor gives STRUCTs whose field HALF can be had alone, and then is negative to tell.
type fieldPredictor struct{ sign float64 }

func (p fieldPredictor) Predictor(*plan.Predict, Place) (Predictor, error) { return p, nil }

func (p fieldPredictor) Versioner(*plan.ModelVersion, Place) (Versioner, error) {
	return nil, errors.New("not asked for")
}

func (p fieldPredictor) Field(name string) Predictor {
	if name != "HALF" {
		return nil
	}
	return fieldPredictor{-1}
}

func (p fieldPredictor) Predict(rows Rows, args []*vector.Vector, _ []int32, out *vector.Vector, _ func(int, error)) error {
	for row := range rows.N {
		half := p.sign * float64(args[0].I32[row]) / 2
		if p.sign < 0 {
			out.Append(half)
		} else {
			out.Append([]any{half, 2 * half})
		}
	}
	return nil
}

func TestPredictOneField(t *testing.T) {
	env := &Env{Models: fieldPredictor{1}}
	st := types.StructOf(types.Field{Name: "HALF", Type: types.Double}, types.Field{Name: "WHOLE", Type: types.Double})
	call := &plan.Predict{Model: "M", Args: []plan.Expr{&plan.Column{T: types.Int}}, T: st}
	v := vector.New(types.Int)
	v.I32 = []int32{3}
	for i, want := range []float64{-1.5, 3} {
		ev, err := Compile(&plan.Field{Base: call, Index: i, Name: st.Fields[i].Name, T: types.Double}, env)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ev.Eval(&vector.Batch{N: 1, Cols: []*vector.Vector{v}})
		if err != nil || out.Value(0) != want {
			t.Errorf("field %d is %v, want %v, %v", i, out.Value(0), want, err)
		}
	}
}

// nestedPredictor gives an ARRAY of an argument and its double, or a MAP of them, in the nested form.
type nestedPredictor struct{ predictor }

func (p nestedPredictor) Predictor(*plan.Predict, Place) (Predictor, error) { return p, nil }

func (nestedPredictor) Predict(rows Rows, args []*vector.Vector, _ []int32, out *vector.Vector, _ func(int, error)) error {
	n := out.Nest(rows.N, 2, []any{"x", "y"})
	for row := range rows.N {
		x := float64(args[0].I32[row])
		n.Parts[0].F64 = append(n.Parts[0].F64, x, 2*x)
	}
	return nil
}

// TestSubscriptOfNested wants what boxed ARRAYs and MAPs give, which scripts test.
func TestSubscriptOfNested(t *testing.T) {
	env, v := &Env{Models: nestedPredictor{}}, vector.New(types.Int)
	v.I32 = []int32{3, 4}
	of := func(t *types.Type, value any) plan.Expr { return &plan.Literal{Value: value, T: t} }
	list, byKey := types.ArrayOf(types.Double), types.MapOf(types.String, types.Double)
	for _, c := range []struct {
		t     *types.Type
		index plan.Expr
		want  any
	}{
		{list, of(types.Int, int32(1)), 4.0},
		{list, of(types.Bigint, int64(2)), 8.0},
		{list, of(types.Int, int32(-1)), 8.0},
		{list, of(types.Int, int32(-2)), 4.0},
		{list, of(types.Int, int32(0)), nil},
		{list, of(types.Int, int32(3)), nil},
		{list, of(types.Int, int32(-3)), nil},
		{byKey, of(types.String, "x"), 4.0},
		{byKey, of(types.String, "y"), 8.0},
		{byKey, of(types.String, "z"), nil},
	} {
		call := &plan.Predict{Model: "M", Args: []plan.Expr{&plan.Column{T: types.Int}}, T: c.t}
		ev, err := Compile(&plan.Subscript{Base: call, Index: c.index, T: types.Double}, env)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ev.Eval(&vector.Batch{N: 2, Cols: []*vector.Vector{v}})
		if err != nil || out.Value(1) != c.want {
			t.Errorf("%v of %s is %v, want %v, %v", c.index, c.t, out.Value(1), c.want, err)
		}
	}
}

func BenchmarkKernels(b *testing.B) {
	n := 256
	cols := []*vector.Vector{vector.New(types.Bigint), vector.New(types.Double), vector.New(types.String)}
	for i := range n {
		cols[0].I64 = append(cols[0].I64, int64(i))
		cols[1].F64 = append(cols[1].F64, float64(i)/3)
		cols[2].AppendString(fmt.Sprintf("name-%d", i%40))
	}
	big := &plan.Column{Index: 0, T: types.Bigint}
	str := &plan.Column{Index: 2, T: types.String}
	lit := func(v any, t *types.Type) plan.Expr { return &plan.Literal{Value: v, T: t} }
	mod := &plan.Arithmetic{Op: "%", Left: big, Right: lit(int64(123), types.Bigint), T: types.Bigint}
	for name, e := range map[string]plan.Expr{
		"add":     &plan.Arithmetic{Op: "+", Left: big, Right: lit(int64(1), types.Bigint), T: types.Bigint},
		"mod":     mod,
		"mod=0":   &plan.Comparison{Op: "=", Left: mod, Right: lit(int64(0), types.Bigint)},
		"double*": &plan.Arithmetic{Op: "*", Left: &plan.Column{Index: 1, T: types.Double}, Right: lit(2.0, types.Double), T: types.Double},
		"string=": &plan.Comparison{Op: "=", Left: str, Right: lit("name-7", types.String)},
		"like":    &plan.Like{Expr: str, Pattern: lit("%-1%", types.String)},
		"concat":  &plan.Arithmetic{Op: "+", Left: str, Right: str, T: types.String},
		"text":    &plan.Cast{Expr: big, T: types.String},
		"and": &plan.And{
			Left:  &plan.Comparison{Op: ">", Left: big, Right: lit(int64(100), types.Bigint)},
			Right: &plan.Comparison{Op: "<", Left: big, Right: lit(int64(200), types.Bigint)},
		},
	} {
		b.Run(name, func(b *testing.B) {
			ev, err := Compile(e, &Env{})
			if err != nil {
				b.Fatal(err)
			}
			batch := &vector.Batch{N: n, Cols: cols}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ev.Eval(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
		})
	}
}

// TestModelVersion: each row asks for its own version, and inside a lambda for that of the row around it.
func TestModelVersion(t *testing.T) {
	env := &Env{Models: predictor{t}, Functions: builtin.Registry(), UDF: &udf.Env{}}
	list := types.ArrayOf(types.Int)
	v := vector.New(list)
	for range 3 {
		v.Append([]any{int32(7), int32(8)})
	}
	call := &plan.Call{
		Name: "TRANSFORM", Params: []*types.Type{list, {Kind: types.KindLambda}}, T: list,
		Args: []plan.Expr{&plan.Column{T: list}, &plan.Lambda{Params: []string{"X"}, Types: []*types.Type{types.Int}, Body: &plan.ModelVersion{Model: "M"}}},
	}
	for _, c := range []struct {
		e    plan.Expr
		want string
	}{{&plan.ModelVersion{Model: "M"}, "2"}, {call, "[2 2]"}} {
		ev, err := Compile(c.e, env)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ev.Eval(&vector.Batch{N: 3, Cols: []*vector.Vector{v}})
		if got := fmt.Sprint(out.Value(2)); err != nil || got != c.want {
			t.Errorf("%s of row 2 is %s, want %s, %v", c.e, got, c.want, err)
		}
	}
}
