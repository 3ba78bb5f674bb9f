package builtin

import (
	"math"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

func statisticFunctions() []udf.Function {
	deviation := func(name, description string, result func(variance float64) float64) udf.Function {
		f := udf.Function{Name: name, Description: description}
		for _, t := range []string{"INT", "BIGINT", "DOUBLE"} {
			f.Overloads = append(f.Overloads, udf.Overload{
				Signature: "value " + t + " -> DOUBLE", Undo: true,
				Aggregate: func(*udf.Call) (udf.Aggregate, error) { return &moments{result}, nil },
			})
		}
		return f
	}
	correlation := udf.Function{Name: "CORRELATION", Description: "Pearson's correlation of the pairs without NULL; NaN if it is not defined."}
	for _, t := range []string{"INT", "BIGINT", "DOUBLE"} {
		correlation.Overloads = append(correlation.Overloads, udf.Overload{
			Signature: "x " + t + ", y " + t + " -> DOUBLE", Undo: true,
			Aggregate: func(*udf.Call) (udf.Aggregate, error) { return pearson{}, nil },
		})
	}
	return []udf.Function{
		deviation("STDDEV_SAMP", "The variance of a sample, under the name that statements in use know.", func(v float64) float64 { return v }),
		deviation("STDDEV_SAMPLE", "The standard deviation of a sample; 0 for fewer than two values.", math.Sqrt),
		correlation,
	}
}

// toFloat reads a row of a number vector.
func toFloat(v *vector.Vector, row int) float64 {
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindInt:
		return float64(v.I32[i])
	case types.KindBigint:
		return float64(v.I64[i])
	}
	return v.F64[i]
}

// moments keeps count, sum and the sum of squared differences from the mean, updated as Youngs and Cramer do ("Some results
// relevant to choice of sum and sum-of-product algorithms", 1971).
type moments struct {
	result func(variance float64) float64
}

func (a *moments) State() []*types.Type {
	return []*types.Type{types.Bigint, types.Double, types.Double}
}
func (a *moments) Returns() *types.Type { return types.Double }
func (a *moments) CanUndo() bool        { return true }

func (a *moments) Init(s udf.State) {
	s[0].Append(int64(0))
	s[1].Append(0.0)
	s[2].Append(0.0)
}

func (a *moments) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	n, sum, m2, arg := s[0].I64, s[1].F64, s[2].F64, f.Args[0]
	for i, row := range f.Rows {
		g := f.Group[i]
		if !arg.IsNull(int(row)) {
			x := toFloat(arg, int(row))
			if f.Undone(i) {
				m2[g] = max(0, m2[g]-spread(x, n[g], sum[g]))
				n[g], sum[g] = n[g]-1, sum[g]-x
			} else {
				n[g], sum[g] = n[g]+1, sum[g]+x
				m2[g] += spread(x, n[g], sum[g])
			}
		}
		if out != nil {
			out.F64 = append(out.F64, a.finish(n[g], m2[g]))
		}
	}
	return nil
}

// spread is what x contributes to m2, n and sum counting it.
func spread(x float64, n int64, sum float64) float64 {
	if n < 2 {
		return 0
	}
	d := float64(n)*x - sum
	return d * d / (float64(n) * float64(n-1))
}

func (a *moments) finish(n int64, m2 float64) float64 {
	if n < 2 {
		return 0
	}
	return a.result(m2 / float64(n-1))
}

func (a *moments) Merge(dst udf.State, into int, src udf.State, from int) error {
	n1, n2 := float64(dst[0].I64[into]), float64(src[0].I64[from])
	if n1 > 0 && n2 > 0 {
		d := n2/n1*dst[1].F64[into] - src[1].F64[from]
		dst[2].F64[into] += n1 / (n2 * (n1 + n2)) * d * d
	}
	dst[0].I64[into] += src[0].I64[from]
	dst[1].F64[into] += src[1].F64[from]
	dst[2].F64[into] += src[2].F64[from]
	return nil
}

func (a *moments) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		out.F64 = append(out.F64, a.finish(s[0].I64[g], s[2].F64[g]))
	}
}

// pearson keeps the count and the sums of x, y, x*x, y*y and x*y.
type pearson struct{}

func (pearson) State() []*types.Type {
	return []*types.Type{types.Bigint, types.Double, types.Double, types.Double, types.Double, types.Double}
}
func (pearson) Returns() *types.Type { return types.Double }
func (pearson) CanUndo() bool        { return true }

func (pearson) Init(s udf.State) {
	s[0].Append(int64(0))
	for _, c := range s[1:] {
		c.Append(0.0)
	}
}

func (pearson) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	xs, ys := f.Args[0], f.Args[1]
	for i, row := range f.Rows {
		g, r := int(f.Group[i]), int(row)
		if !xs.IsNull(r) && !ys.IsNull(r) {
			x, y, sign := toFloat(xs, r), toFloat(ys, r), 1.0
			if f.Undone(i) {
				sign = -1
			}
			s[0].I64[g] += int64(sign)
			for j, v := range [5]float64{x, y, x * x, y * y, x * y} {
				s[j+1].F64[g] += sign * v
			}
		}
		if out != nil {
			out.F64 = append(out.F64, correlate(s, g))
		}
	}
	return nil
}

func correlate(s udf.State, g int) float64 {
	n, x, y := float64(s[0].I64[g]), s[1].F64[g], s[2].F64[g]
	xx, yy, xy := s[3].F64[g], s[4].F64[g], s[5].F64[g]
	if n == 0 {
		return math.NaN()
	}
	return (n*xy - x*y) / (math.Sqrt(n*xx-x*x) * math.Sqrt(n*yy-y*y))
}

func (pearson) Merge(dst udf.State, into int, src udf.State, from int) error {
	dst[0].I64[into] += src[0].I64[from]
	for j := 1; j < len(dst); j++ {
		dst[j].F64[into] += src[j].F64[from]
	}
	return nil
}

func (pearson) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		out.F64 = append(out.F64, correlate(s, int(g)))
	}
}
