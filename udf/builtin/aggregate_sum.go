package builtin

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

type number interface{ int32 | int64 | float64 }

// Slices of vectors and state columns by element type.
func i32v(v *vector.Vector) *[]int32   { return &v.I32 }
func i64v(v *vector.Vector) *[]int64   { return &v.I64 }
func f64v(v *vector.Vector) *[]float64 { return &v.F64 }
func i32c(c *udf.Column) []int32       { return c.I32 }
func i64c(c *udf.Column) []int64       { return c.I64 }
func f64c(c *udf.Column) []float64     { return c.F64 }

func sumFunctions() []udf.Function {
	newSum := func(a udf.Aggregate) func(*udf.Call) (udf.Aggregate, error) {
		return func(*udf.Call) (udf.Aggregate, error) { return a, nil }
	}
	intSum := &sum[int32]{types.Int, i32v, i32c}
	bigintSum := &sum[int64]{types.Bigint, i64v, i64c}
	doubleSum := &sum[float64]{types.Double, f64v, f64c}
	return []udf.Function{
		{
			Name:        "SUM",
			Description: "The sum of all values that are not NULL; 0 if there is none. Integers wrap, a DECIMAL that outgrows its type is an error.",
			Overloads: []udf.Overload{
				{Signature: "value INT -> INT", Undo: true, Aggregate: newSum(intSum)},
				{Signature: "value BIGINT -> BIGINT", Undo: true, Aggregate: newSum(bigintSum)},
				{Signature: "value DOUBLE -> DOUBLE", Undo: true, Aggregate: newSum(doubleSum)},
				{Signature: "value DECIMAL", Undo: true, Aggregate: newDecimalSum},
			},
		},
		{
			Name:        "AVG",
			Description: "The mean of all values that are not NULL; 0 if there is none.",
			Overloads: []udf.Overload{
				{Signature: "value INT -> DOUBLE", Undo: true, Aggregate: newSum(&avg[int32, int64]{types.Bigint, i32v, i64c})},
				{Signature: "value BIGINT -> DOUBLE", Undo: true, Aggregate: newSum(&avg[int64, int64]{types.Bigint, i64v, i64c})},
				{Signature: "value DOUBLE -> DOUBLE", Undo: true, Aggregate: newSum(&avg[float64, float64]{types.Double, f64v, f64c})},
			},
		},
		{
			Name:        "SUM_LIST",
			Description: "The sum of all elements of all lists; NULL elements do not count.",
			Overloads: []udf.Overload{
				{Signature: "list ARRAY<INT> -> INT", Undo: true, Aggregate: newListSum[int32]},
				{Signature: "list ARRAY<BIGINT> -> BIGINT", Undo: true, Aggregate: newListSum[int64]},
				{Signature: "list ARRAY<DOUBLE> -> DOUBLE", Undo: true, Aggregate: newListSum[float64]},
			},
		},
	}
}

// sum keeps the sum.
type sum[T number] struct {
	t   *types.Type
	vec func(*vector.Vector) *[]T
	col func(*udf.Column) []T
}

func (a *sum[T]) State() []*types.Type { return []*types.Type{a.t} }
func (a *sum[T]) Returns() *types.Type { return a.t }
func (a *sum[T]) CanUndo() bool        { return true }
func (a *sum[T]) Init(s udf.State)     { s[0].Append(any(T(0))) }

func (a *sum[T]) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	arg := f.Args[0]
	acc, vals := a.col(s[0]), *a.vec(arg)
	var results *[]T
	if out != nil {
		results = a.vec(out)
	}
	for i, row := range f.Rows {
		g := f.Group[i]
		if !arg.IsNull(int(row)) {
			v := vals[arg.At(int(row))]
			if f.Undone(i) {
				v = -v
			}
			acc[g] += v
		}
		if results != nil {
			*results = append(*results, acc[g])
		}
	}
	return nil
}

func (a *sum[T]) Merge(dst udf.State, into int, src udf.State, from int) error {
	a.col(dst[0])[into] += a.col(src[0])[from]
	return nil
}

func (a *sum[T]) Result(s udf.State, groups []int32, out *vector.Vector) {
	results := a.vec(out)
	for _, g := range groups {
		*results = append(*results, a.col(s[0])[g])
	}
}

// avg keeps sum and count; S is the sum's element type.
type avg[T, S number] struct {
	t   *types.Type // of the sum
	vec func(*vector.Vector) *[]T
	col func(*udf.Column) []S
}

func (a *avg[T, S]) State() []*types.Type { return []*types.Type{a.t, types.Bigint} }
func (a *avg[T, S]) Returns() *types.Type { return types.Double }
func (a *avg[T, S]) CanUndo() bool        { return true }
func (a *avg[T, S]) Init(s udf.State) {
	s[0].Append(any(S(0)))
	s[1].Append(int64(0))
}

func (a *avg[T, S]) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	arg := f.Args[0]
	sums, counts, vals := a.col(s[0]), s[1].I64, *a.vec(arg)
	for i, row := range f.Rows {
		g := f.Group[i]
		if !arg.IsNull(int(row)) {
			v := S(vals[arg.At(int(row))])
			if f.Undone(i) {
				sums[g] -= v
				counts[g]--
			} else {
				sums[g] += v
				counts[g]++
			}
		}
		if out != nil {
			out.F64 = append(out.F64, mean(sums[g], counts[g]))
		}
	}
	return nil
}

func mean[S number](sum S, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

func (a *avg[T, S]) Merge(dst udf.State, into int, src udf.State, from int) error {
	a.col(dst[0])[into] += a.col(src[0])[from]
	dst[1].I64[into] += src[1].I64[from]
	return nil
}

func (a *avg[T, S]) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		out.F64 = append(out.F64, mean(a.col(s[0])[g], s[1].I64[g]))
	}
}

func newDecimalSum(c *udf.Call) (udf.Aggregate, error) {
	t := c.Params[0]
	add := func(acc, v any, negative bool) (any, error) {
		if v == nil {
			return acc, nil
		}
		d := v.(types.Decimal)
		if negative {
			d = d.Neg()
		}
		sum, err := acc.(types.Decimal).Add(d).Fit(t.Precision, t.Scale)
		if err != nil {
			return nil, err
		}
		return sum, nil
	}
	return &udf.Boxed{
		Name: "SUM", StateType: t, Out: t, Zero: types.NewDecimal(0, t.Scale),
		Add:  func(acc any, args []any, _ int64) (any, error) { return add(acc, args[0], false) },
		Undo: func(acc any, args []any) (any, error) { return add(acc, args[0], true) },
		Join: func(into, from any) (any, error) { return add(into, from, false) },
	}, nil
}

func newListSum[T number](c *udf.Call) (udf.Aggregate, error) {
	add := func(acc, list any, sign T) any {
		total := acc.(T)
		elements, _ := list.([]any)
		for _, e := range elements {
			if v, ok := e.(T); ok {
				total += sign * v
			}
		}
		return total
	}
	t := c.Params[0].Elem
	return &udf.Boxed{
		Name: "SUM_LIST", StateType: t, Out: t, Zero: T(0),
		Add:  func(acc any, args []any, _ int64) (any, error) { return add(acc, args[0], 1), nil },
		Undo: func(acc any, args []any) (any, error) { return add(acc, args[0], -1), nil },
		Join: func(into, from any) (any, error) { return into.(T) + from.(T), nil },
	}, nil
}
