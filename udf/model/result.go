package model

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// emit scatters the scored rows over n rows of out. Selected rows that were not scored are NULL, and so, for want of
// anything better, are those outside the selection.
func (b *Binding) emit(s *scratch, n int, out *vector.Vector) {
	if len(s.rows) < n {
		next := 0
		for r := range n {
			if next < len(s.rows) && int(s.rows[next]) == r {
				next++
			} else {
				out.Nulls = out.Nulls.Set(r)
			}
		}
	}
	x := boxes{rows: len(s.rows)}
	if !b.single {
		out.Any = scatter(resize(out.Any, n), s.rows, func(i int) any {
			fields := x.values.take(len(b.outputs), x.rows-i)
			for k := range b.outputs {
				o := &b.outputs[k]
				fields[k] = o.box(&x, &s.out[o.number], i)
			}
			return fields
		})
		return
	}
	o := &b.outputs[0]
	c := &s.out[o.number]
	switch o.result.Kind {
	case types.KindDouble:
		out.F64 = scatter(resize(out.F64, n), s.rows, func(i int) float64 { return o.float(c, i) })
	case types.KindBigint:
		out.I64 = scatter(resize(out.I64, n), s.rows, func(i int) int64 { return c.Int64[i] })
	case types.KindBoolean:
		out.Bool = scatter(resize(out.Bool, n), s.rows, func(i int) bool { return c.Bool[i] })
	case types.KindString:
		next := 0
		for r := range n {
			if next < len(s.rows) && int(s.rows[next]) == r {
				out.AppendString(c.String[next])
				next++
			} else {
				out.AppendBytes(nil)
			}
		}
	default:
		out.Any = scatter(resize(out.Any, n), s.rows, func(i int) any { return o.box(&x, c, i) })
	}
}

// scatter writes value i to row rows[i] of dst and the zero value to all others.
func scatter[T any](dst []T, rows []int32, value func(i int) T) []T {
	if len(rows) < len(dst) {
		clear(dst)
	}
	for i, r := range rows {
		dst[r] = value(i)
	}
	return dst
}

// float is element i of a floating-point output.
func (o *output) float(c *Column, i int) float64 {
	if o.tensor.Type == Float32 {
		return float64(c.Float32[i])
	}
	return c.Float64[i]
}

// boxes is room for the boxed values of a batch.
type boxes struct {
	rows    int // of the batch
	entries slab[types.MapEntry]
	values  slab[any]
}

// slab is room for the parts of many rows, so that not every row allocates its own.
type slab[T any] struct{ free []T }

// slabRows bounds the rows of a slab: one that somebody keeps keeps them all.
const slabRows = 16

// take returns room for n parts of a row, after which others are to come, so many with it. Nobody else gets it.
func (s *slab[T]) take(n, rows int) []T {
	if s.free == nil || len(s.free) < n { // of no parts, too, it is not nil
		s.free = make([]T, n*min(rows, slabRows))
	}
	room := s.free[:n:n]
	s.free = s.free[n:]
	return room
}

// box makes the boxed SQL value of scored row i.
func (o *output) box(x *boxes, c *Column, i int) any {
	switch {
	case o.keys != nil:
		m := types.Map(x.entries.take(o.width, x.rows-i))
		for k, key := range o.keys {
			m[k] = types.MapEntry{Key: key, Value: o.element(c, i*o.width+k)}
		}
		return m
	case o.width == 1:
		return o.element(c, i)
	}
	list := x.values.take(o.width, x.rows-i)
	for k := range list {
		list[k] = o.element(c, i*o.width+k)
	}
	return list
}

func (o *output) element(c *Column, i int) any {
	switch o.tensor.Type {
	case Int64, Int32:
		return c.Int64[i]
	case Bool:
		return c.Bool[i]
	case String:
		return c.String[i]
	}
	return o.float(c, i)
}
