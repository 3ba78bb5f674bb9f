package builtin

import (
	"math"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

func TestCountDistinct(t *testing.T) {
	agg := resolve(t, "COUNT_DISTINCT", []*types.Type{types.Bigint}, nil, nil)
	for _, n := range []int{0, 1, maxHashes, maxHashes + 1, 5000, 100000} {
		s := udf.NewState(agg.State())
		agg.Init(s)
		agg.Init(s)
		arg := vector.New(types.Bigint)
		f := &udf.Fold{Args: []*vector.Vector{arg}}
		for i := range n + n/2 { // half of them twice, split over two groups
			arg.I64 = append(arg.I64, int64(i%max(n, 1)))
			f.Rows, f.Group = append(f.Rows, int32(i)), append(f.Group, int32(i%2))
		}
		arg.AppendNull()
		f.Rows, f.Group = append(f.Rows, int32(arg.Len()-1)), append(f.Group, 0)
		if err := agg.Fold(s, f, nil); err != nil {
			t.Fatal(err)
		}
		if err := agg.Merge(s, 0, s, 1); err != nil {
			t.Fatal(err)
		}
		res := vector.New(types.Bigint)
		agg.Result(s, []int32{0}, res)
		got := float64(res.I64[0])
		if n <= maxHashes && got != float64(n) || math.Abs(got-float64(n)) > 0.05*float64(n) {
			t.Errorf("%d different values are counted as %g", n, got)
		}
	}
}
