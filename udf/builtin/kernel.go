package builtin

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// Kernels are functions over whole columns: udf.Rows. What they have in common is here, once; what they differ in is one small function,
// which the row form shares where it can.

// flat are the Go forms of the values that vectors hold as slices.
type flat interface{ bool | int32 | int64 | float64 }

// elements is the slice of v that holds its elements.
func elements[T flat](v *vector.Vector) []T {
	var zero T
	switch any(zero).(type) {
	case bool:
		return *any(&v.Bool).(*[]T)
	case int32:
		return *any(&v.I32).(*[]T)
	case int64:
		return *any(&v.I64).(*[]T)
	}
	return *any(&v.F64).(*[]T)
}

// unary declares an overload of one flat argument that cannot fail.
func unary[A, B flat](signature string, f func(A) B) udf.Overload {
	o := on(signature, func(_ *udf.Call, a []any) (any, error) { return f(a[0].(A)), nil })
	o.Rows = func(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, _ func(int, error)) {
		in, res := elements[A](args[0]), elements[B](out)
		for _, r := range rows {
			res[r] = f(in[args[0].At(int(r))])
		}
	}
	return o
}

// pair declares an overload of two flat arguments that cannot fail.
func pair[A, B, C flat](signature string, f func(A, B) C) udf.Overload {
	o := on(signature, func(_ *udf.Call, a []any) (any, error) { return f(a[0].(A), a[1].(B)), nil })
	o.Rows = func(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, _ func(int, error)) {
		x, y, res := elements[A](args[0]), elements[B](args[1]), elements[C](out)
		for _, r := range rows {
			res[r] = f(x[args[0].At(int(r))], y[args[1].At(int(r))])
		}
	}
	return o
}

// rowsOfText gives an overload with a STRING or BYTES result its column form: f appends the result of a row to dst.
func rowsOfText(o udf.Overload, f func(dst []byte, args []*vector.Vector, row int) []byte) udf.Overload {
	return rowsOfFailingText(o, func(dst []byte, args []*vector.Vector, row int) ([]byte, error) { return f(dst, args, row), nil })
}

// rowsOfFailingText is rowsOfText where a row may fail.
func rowsOfFailingText(o udf.Overload, f func(dst []byte, args []*vector.Vector, row int) ([]byte, error)) udf.Overload {
	o.Rows = func(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, fail func(int, error)) {
		for _, r := range rows {
			out.PadTo(int(r))
			mark := len(out.Data)
			data, err := f(out.Data, args, int(r))
			if err != nil {
				out.Data = out.Data[:mark]
				fail(int(r), err)
				continue
			}
			out.Data = data
			out.Off = append(out.Off, int32(len(data)))
		}
	}
	return o
}

// rowsOfText1 is rowsOfText for a function of one text.
func rowsOfText1(o udf.Overload, f func(dst, s []byte) []byte) udf.Overload {
	return rowsOfText(o, func(dst []byte, args []*vector.Vector, row int) []byte { return f(dst, args[0].Str(row)) })
}

// rowsOfNumber gives an overload with a flat result its column form.
func rowsOfNumber[T flat](o udf.Overload, f func(args []*vector.Vector, row int) T) udf.Overload {
	o.Rows = func(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, _ func(int, error)) {
		res := elements[T](out)
		for _, r := range rows {
			res[r] = f(args, int(r))
		}
	}
	return o
}

// rowsOfFirst is the column form of COALESCE and its like, whatever the type.
func rowsOfFirst(_ *udf.Call, args []*vector.Vector, rows []int32, out *vector.Vector, _ func(int, error)) {
	for _, r := range rows {
		from := -1
		for i, v := range args {
			if !v.IsNull(int(r)) {
				from = i
				break
			}
		}
		if from < 0 {
			out.Nulls = out.Nulls.Set(int(r))
			continue
		}
		set(out, int(r), args[from])
	}
}

// set copies a row that is not NULL from src, of the same kind.
func set(out *vector.Vector, row int, src *vector.Vector) {
	i := src.At(row)
	switch out.Type.Kind {
	case types.KindBoolean:
		out.Bool[row] = src.Bool[i]
	case types.KindInt, types.KindDate, types.KindTime:
		out.I32[row] = src.I32[i]
	case types.KindBigint, types.KindTimestamp:
		out.I64[row] = src.I64[i]
	case types.KindDouble:
		out.F64[row] = src.F64[i]
	case types.KindString, types.KindBytes:
		out.PadTo(row)
		out.AppendBytes(src.Str(row))
	default:
		out.Any[row] = src.Item(i)
	}
}
