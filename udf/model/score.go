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
	missing []int64 // by element of the inputs: the rows that it kept from being scored
}

// watcher is told what a call does beside its result. Its fields may be nil.
type watcher struct {
	tally *Tally
	fail  func(row int, err error) // takes a row that cannot be scored, and is NULL
}

// Score computes PREDICT for a batch: args are the argument columns, in the order of Bind's types (of a STRUCT its fields), n the rows
// they hold, sel the rows that count (nil: all). The result goes to out, an empty flat vector of type Result, which gets n
// elements. The model is called once.
func (b *Binding) Score(ctx context.Context, args []*vector.Vector, n int, sel []int32, out *vector.Vector) error {
	return b.score(ctx, args, n, sel, out, watcher{})
}

func (b *Binding) score(ctx context.Context, args []*vector.Vector, n int, sel []int32, out *vector.Vector, w watcher) error {
	s := b.pool.Get().(*scratch)
	defer b.pool.Put(s)
	b.scorable(s, args, n, sel, w.fail)
	for i := range b.inputs {
		in := &b.inputs[i]
		c := &s.in[i]
		c.Resize(in.tensor.Type, len(s.rows)*in.width)
		if in.array {
			in.fillArrays(c, args[in.args[0]], s.rows)
			continue
		}
		for k, a := range in.args {
			if err := in.fill(c, k, args[a], s.rows); err != nil {
				return fmt.Errorf("predict: %w", err)
			}
		}
	}
	if err := s.ask(ctx, b.scorer); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	if w.tally != nil {
		w.tally.look(b, s)
	}
	b.emit(s, n, out)
	return nil
}

// scorable lists the selected rows whose arguments all have a place in their tensor: NULL has one in floating-point tensors alone, and
// an ARRAY must have as many elements as the tensor has.
func (b *Binding) scorable(s *scratch, args []*vector.Vector, n int, sel []int32, fail func(int, error)) {
	s.rows = s.rows[:0]
	if sel != nil {
		s.rows = append(s.rows, sel...)
	} else {
		for r := range n {
			s.rows = append(s.rows, int32(r))
		}
	}
	clear(s.missing)
	for i := range b.inputs {
		in := &b.inputs[i]
		if in.array {
			in.keepArrays(s, args[in.args[0]], fail)
			continue
		}
		if in.tensor.Type.IsFloat() {
			continue
		}
		for k, a := range in.args {
			v := args[a]
			if !v.Nulls.Any() && v.Type.Kind != types.KindNull {
				continue
			}
			s.keep(in.first+k, func(row int) bool { return !v.IsNull(row) })
		}
	}
}

// keep drops the rows that cannot be scored for want of an element of the inputs.
func (s *scratch) keep(element int, scorable func(row int) bool) {
	kept := s.rows[:0]
	for _, r := range s.rows {
		if scorable(int(r)) {
			kept = append(kept, r)
		}
	}
	s.missing[element] += int64(len(s.rows) - len(kept))
	s.rows = kept
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
