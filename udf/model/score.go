package model

import (
	"context"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// scratch is what one Score call needs.
type scratch struct {
	in, out []Column
	rows    []int32
}

// Score computes PREDICT for a batch: args are the argument columns, in the order of Bind's types, n the rows they
// hold, sel the rows that count (nil: all). The result goes to out, an empty flat vector of type Result, which gets n
// elements. The model is called once.
func (b *Binding) Score(ctx context.Context, args []*vector.Vector, n int, sel []int32, out *vector.Vector) error {
	s := b.pool.Get().(*scratch)
	defer b.pool.Put(s)
	s.rows = b.scorable(args, n, sel, s.rows[:0])
	for i := range b.inputs {
		in := &b.inputs[i]
		c := &s.in[i]
		c.Resize(in.tensor.Type, len(s.rows)*in.width)
		for k := range in.width {
			if err := in.fill(c, k, args[in.first+k], s.rows); err != nil {
				return fmt.Errorf("predict: %w", err)
			}
		}
	}
	if err := b.scorer.Score(ctx, s.in, len(s.rows), s.out); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	b.emit(s, n, out)
	return nil
}

// scorable lists the selected rows whose arguments all have a place in their tensor: NULL has one in floating-point
// tensors alone.
func (b *Binding) scorable(args []*vector.Vector, n int, sel, rows []int32) []int32 {
	if sel != nil {
		rows = append(rows, sel...)
	} else {
		for r := range n {
			rows = append(rows, int32(r))
		}
	}
	for _, in := range b.inputs {
		if in.tensor.Type.IsFloat() {
			continue
		}
		for _, v := range args[in.first : in.first+in.width] {
			if !v.Nulls.Any() && v.Type.Kind != types.KindNull {
				continue
			}
			kept := rows[:0]
			for _, r := range rows {
				if !v.IsNull(int(r)) {
					kept = append(kept, r)
				}
			}
			rows = kept
		}
	}
	return rows
}

// fill moves an argument to column k of the tensor.
func (in *input) fill(c *Column, k int, v *vector.Vector, rows []int32) error {
	switch in.tensor.Type {
	case Float32:
		return fillFloat(c.Float32, k, in.width, v, rows)
	case Float64:
		return fillFloat(c.Float64, k, in.width, v, rows)
	case Int64, Int32:
		if v.Type.Kind == types.KindInt {
			convert(c.Int64, k, in.width, v, v.I32, rows)
		} else {
			convert(c.Int64, k, in.width, v, v.I64, rows)
		}
	case Bool:
		for i, r := range rows {
			c.Bool[i*in.width+k] = v.Bool[v.At(int(r))]
		}
	case String:
		for i, r := range rows {
			c.String[i*in.width+k] = string(v.Str(int(r)))
		}
	}
	return nil
}

type number interface {
	int32 | int64 | float32 | float64
}

// convert writes the rows of src to every stride-th element of dst from the k-th on.
func convert[D, S number](dst []D, k, stride int, v *vector.Vector, src []S, rows []int32) {
	if v.Const {
		for i := range rows {
			dst[i*stride+k] = D(src[0])
		}
		return
	}
	for i, r := range rows {
		dst[i*stride+k] = D(src[r])
	}
}

// fillFloat writes an argument of any numeric type; NULL becomes NaN.
func fillFloat[D float32 | float64](dst []D, k, stride int, v *vector.Vector, rows []int32) error {
	switch v.Type.Kind {
	case types.KindInt:
		convert(dst, k, stride, v, v.I32, rows)
	case types.KindBigint:
		convert(dst, k, stride, v, v.I64, rows)
	case types.KindDouble:
		convert(dst, k, stride, v, v.F64, rows)
	case types.KindDecimal:
		for i, r := range rows {
			if d, ok := v.Any[v.At(int(r))].(types.Decimal); ok {
				dst[i*stride+k] = D(d.Float64())
			}
		}
	case types.KindNull:
	default:
		return fmt.Errorf("a column of type %s", v.Type)
	}
	if v.Type.Kind == types.KindNull || v.Nulls.Any() {
		for i, r := range rows {
			if v.IsNull(int(r)) {
				dst[i*stride+k] = D(math.NaN())
			}
		}
	}
	return nil
}
