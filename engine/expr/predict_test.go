package expr

import (
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

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
