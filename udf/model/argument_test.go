package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func field(name string, t *types.Type) types.Field { return types.Field{Name: name, Type: t} }

// TestArrays: an ARRAY fills a whole input; one of another length, or one that lacks what cannot be missing, keeps its row from being scored.
func TestArrays(t *testing.T) {
	codes := Tensor{Name: "codes", Type: Int64, Shape: []int64{-1, 2}}
	b, err := Bind("M", same(features, codes), []*types.Type{types.ArrayOf(types.Double), types.ArrayOf(types.Int)})
	if err != nil {
		t.Fatal(err)
	}
	x := vec(types.ArrayOf(types.Double), []any{1.0, 2.0, nil}, []any{1.0}, nil, []any{7.0, 8.0, 9.0})
	c := vec(types.ArrayOf(types.Int), []any{int32(1), int32(2)}, []any{int32(1), int32(2)}, []any{int32(3), int32(4)}, []any{int32(1), nil})
	out := vector.New(b.Result)
	var failed []int
	var tally Tally
	w := watcher{tally: &tally, fail: func(row int, err error) {
		if failed = append(failed, row); !strings.Contains(err.Error(), "1 elements for input X: float[?,3]") {
			t.Error(err)
		}
	}}
	if err := b.score(t.Context(), []*vector.Vector{x, c}, 4, nil, out, w); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(failed, []int{1}) || !out.IsNull(1) || !out.IsNull(3) || out.IsNull(0) || out.IsNull(2) {
		t.Errorf("failed %v, result %v", failed, out.Any)
	}
	first := out.Value(0).([]any)
	if xs := first[0].([]any); xs[0] != 1.0 || xs[1] != 2.0 || !math.IsNaN(xs[2].(float64)) {
		t.Errorf("row 0: %v", first)
	}
	if cs := out.Value(2).([]any)[1].([]any); cs[0] != int64(3) || cs[1] != int64(4) {
		t.Errorf("row 2: %v", cs)
	}
	if tally.Inputs[0].Missing != 2 || tally.Inputs[2].Missing != 2 || tally.Inputs[3].Missing != 1 {
		t.Errorf("missing: %+v", tally.Inputs)
	}
}

// TestFields: the fields of a STRUCT find their inputs by name, in any order and spelling.
func TestFields(t *testing.T) {
	named := Tensor{Name: "X", Type: Float32, Shape: []int64{-1, 2}, Columns: []string{"sepal length", "width"}}
	colour := Tensor{Name: "colour", Type: String, Shape: []int64{-1, 1}}
	s := types.StructOf(field("COLOUR", types.String), field("other", types.Date), field("WIDTH", types.Int), field("SEPAL_LENGTH", types.Double))
	b, err := Bind("M", same(named, colour), []*types.Type{s})
	if err != nil {
		t.Fatal(err)
	}
	out := vector.New(b.Result)
	args := []*vector.Vector{vec(types.String, "red"), vec(types.Date, nil), vec(types.Int, int32(4)), vec(types.Double, 2.5)}
	if err := b.Score(t.Context(), args, 1, nil, out); err != nil {
		t.Fatal(err)
	}
	if got := out.Value(0).([]any); !slices.Equal(got[0].([]any), []any{2.5, 4.0}) || got[1] != "red" {
		t.Errorf("scored %v", got)
	}
	for message, c := range map[string]struct {
		scorer *echo
		fields []types.Field
	}{
		"field WIDTH of the STRUCT":               {same(named), []types.Field{field("SEPAL_LENGTH", types.Double)}},
		"a string as field COLOUR":                {same(colour), []types.Field{field("COLOUR", types.Double)}},
		"give the STRUCT a field X with an ARRAY": {same(features), []types.Field{field("A", types.Double)}},
		"an ARRAY of numbers as field X":          {same(features), []types.Field{field("X", types.ArrayOf(types.String))}},
		"which has none of that name":             {same(colour), nil},
	} {
		_, err := Bind("M", c.scorer, []*types.Type{types.StructOf(c.fields...)})
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("want %q, got %v", message, err)
		}
	}
}
