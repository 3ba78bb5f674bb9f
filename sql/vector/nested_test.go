package vector

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/sql/types"
)

// TestNested: a nested vector has the values of a boxed one, and takes boxed ones again when it was reset.
func TestNested(t *testing.T) {
	v := New(types.StructOf(
		types.Field{Name: "LABEL", Type: types.String},
		types.Field{Name: "SCORES", Type: types.ArrayOf(types.Double)},
		types.Field{Name: "BY", Type: types.MapOf(types.String, types.Bigint)},
	))
	boxed := New(v.Type)
	for round := range 2 {
		v.Reset()
		boxed.Reset()
		n := v.Nest(3, 1, nil)
		scores, by := n.Parts[1].Nest(3, 2, nil), n.Parts[2].Nest(3, 2, []any{"a", "b"})
		v.Nulls = v.Nulls.Set(1)
		for r := range 3 {
			n.Parts[0].AppendString("x")
			for k := range 2 {
				scores.Parts[0].Append(float64(10*r + k + round))
				by.Parts[0].Append(int64(r - k))
			}
		}
		scores.Parts[0].Nulls = scores.Parts[0].Nulls.Set(4) // element 0 of row 2
		want := []any{
			[]any{"x", []any{float64(round), float64(1 + round)}, types.Map{{Key: "a", Value: int64(0)}, {Key: "b", Value: int64(-1)}}},
			nil,
			[]any{"x", []any{nil, float64(21 + round)}, types.Map{{Key: "a", Value: int64(2)}, {Key: "b", Value: int64(1)}}},
		}
		for r := range want {
			boxed.AppendFrom(v, r)
			if !reflect.DeepEqual(v.Value(r), want[r]) || !reflect.DeepEqual(boxed.Value(r), want[r]) {
				t.Errorf("row %d is %v, copied %v, want %v", r, v.Value(r), boxed.Value(r), want[r])
			}
		}
		if v.Len() != 3 || boxed.Nested != nil {
			t.Errorf("%d rows, want 3, and a copy that is not nested", v.Len())
		}
	}
	v.Reset()
	v.Append([]any{nil, nil, nil})
	if got := v.Value(0); v.Len() != 1 || !reflect.DeepEqual(got, []any{nil, nil, nil}) {
		t.Errorf("after Reset a value is %v", got)
	}
}
