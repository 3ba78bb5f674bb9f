package expr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

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
