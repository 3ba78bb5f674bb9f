package expr

import (
	"fmt"
	"strconv"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func (c *compiler) cast(e *plan.Cast) (node, error) {
	x, err := c.compile(e.Expr)
	if err != nil {
		return nil, err
	}
	from, to := e.Expr.Type(), e.T
	if types.Equal(from, to) {
		return x, nil
	}
	if !types.CanCast(from, to) {
		return nil, fmt.Errorf("cast of %s to %s", from, to)
	}
	if n := castNumbers(x, from.Kind, to); n != nil {
		return n, nil
	}
	if to.Kind == types.KindString {
		return &castText{x: x, from: from, res: vector.New(to)}, nil
	}
	return &castBoxed{e: e, x: x, from: from, to: to, res: vector.New(to)}, nil
}

// castNumbers covers the pairs of flat number types, which cannot fail.
func castNumbers(x node, from types.Kind, to *types.Type) node {
	res := vector.New(to)
	switch [2]types.Kind{from, to.Kind} {
	case [2]types.Kind{types.KindInt, types.KindBigint}:
		return &convert[int32, int64]{x, i32s, i64s, func(v int32) int64 { return int64(v) }, res}
	case [2]types.Kind{types.KindInt, types.KindDouble}:
		return &convert[int32, float64]{x, i32s, f64s, func(v int32) float64 { return float64(v) }, res}
	case [2]types.Kind{types.KindBigint, types.KindInt}:
		return &convert[int64, int32]{x, i64s, i32s, func(v int64) int32 { return int32(v) }, res}
	case [2]types.Kind{types.KindBigint, types.KindDouble}:
		return &convert[int64, float64]{x, i64s, f64s, func(v int64) float64 { return float64(v) }, res}
	case [2]types.Kind{types.KindDouble, types.KindInt}:
		return &convert[float64, int32]{x, f64s, i32s, types.DoubleToInt32, res}
	case [2]types.Kind{types.KindDouble, types.KindBigint}:
		return &convert[float64, int64]{x, f64s, i64s, types.DoubleToInt64, res}
	case [2]types.Kind{types.KindDate, types.KindTimestamp}:
		return &convert[int32, int64]{x, i32s, i64s, func(v int32) int64 { return int64(v) * types.MsPerDay }, res}
	case [2]types.Kind{types.KindTimestamp, types.KindDate}:
		return &convert[int64, int32]{x, i64s, i32s, types.TimestampDays, res}
	case [2]types.Kind{types.KindTimestamp, types.KindTime}:
		return &convert[int64, int32]{x, i64s, i32s, types.TimestampTime, res}
	}
	return nil
}

type convert[T, R number] struct {
	x   node
	in  func(*vector.Vector) []T
	out func(*vector.Vector) []R
	f   func(T) R
	res *vector.Vector
}

func (x *convert[T, R]) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	addNulls(x.res, a, c.n)
	src := x.in(a)
	for i, dst := 0, x.out(x.res); i < len(dst); i++ {
		dst[i] = x.f(src[i])
	}
	return x.res
}

// castText prints values, without boxing the common ones.
type castText struct {
	x    node
	from *types.Type
	res  *vector.Vector
}

func (x *castText) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	addNulls(x.res, a, c.n)
	next := 0
	for _, row := range work(c, a.Const, sel) {
		i := int(row)
		next = pad(x.res, next, i)
		if !x.res.IsNull(i) {
			x.res.Data = x.append(x.res.Data, a, i)
		}
		x.res.Off = append(x.res.Off, int32(len(x.res.Data)))
	}
	padEnd(x.res, next, c.n)
	return x.res
}

func (x *castText) append(b []byte, a *vector.Vector, row int) []byte {
	i := a.At(row)
	switch x.from.Kind {
	case types.KindBoolean:
		return strconv.AppendBool(b, a.Bool[i])
	case types.KindInt:
		return strconv.AppendInt(b, int64(a.I32[i]), 10)
	case types.KindBigint:
		return strconv.AppendInt(b, a.I64[i], 10)
	case types.KindDouble:
		return types.AppendDouble(b, a.F64[i])
	case types.KindDate:
		return types.AppendDate(b, a.I32[i])
	case types.KindTime:
		return types.AppendTime(b, a.I32[i])
	case types.KindTimestamp:
		return types.AppendTimestamp(b, a.I64[i])
	}
	return types.AppendValue(b, a.Value(row), x.from)
}

// castBoxed converts one boxed value at a time.
type castBoxed struct {
	e        plan.Expr
	x        node
	from, to *types.Type
	res      *vector.Vector
}

func (x *castBoxed) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	return eachRow(c, x.res, a.Const, sel, func(row int) (any, error) {
		if x.from.Kind == types.KindNull {
			return nil, nil
		}
		return types.Cast(a.Value(row), x.from, x.to)
	}, x.e)
}

// eachRow fills res with boxed values, one a row of the selection; a failing row is NULL and reported.
func eachRow(c *context, res *vector.Vector, isConst bool, sel []int32, f func(row int) (any, error), e plan.Expr) *vector.Vector {
	res.Reset()
	res.Const = isConst
	next := 0
	for _, row := range work(c, isConst, sel) {
		for ; next < int(row); next++ {
			res.AppendNull()
		}
		next++
		v, err := f(int(row))
		if err != nil {
			c.fail(reportRow(isConst, sel, int(row)), e, err)
			v = nil
		}
		res.Append(v)
	}
	n := c.n
	if isConst {
		n = 1
	}
	for ; next < n; next++ {
		res.AppendNull()
	}
	return res
}
