package model

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// scratch is what one Score call needs.
type scratch struct {
	in, out []Column
	rows    []int32 // that are scored, ascending; it may be the caller's, and must not be changed
	own     []int32 // room for rows
	order   []int32 // 0, 1, 2 ...
	missing []int64 // by element of the inputs: the rows that it kept from being scored
}

// first are the numbers of the first n rows.
func (s *scratch) first(n int) []int32 {
	for len(s.order) < n {
		s.order = append(s.order, int32(len(s.order)))
	}
	return s.order[:n]
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
		} else if err := in.fill(c, args, s.rows, n); err != nil {
			return fmt.Errorf("predict: %w", err)
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
	if s.rows = sel; sel == nil {
		s.rows = s.first(n)
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
	kept := slices.Grow(s.own[:0], len(s.rows)) // which may be where the rows are
	for _, r := range s.rows {
		if scorable(int(r)) {
			kept = append(kept, r)
		}
	}
	s.missing[element] += int64(len(s.rows) - len(kept))
	s.rows, s.own = kept, kept
}

// fill moves arguments, which hold n rows, to the columns of the tensor.
func (in *input) fill(c *Column, args []*vector.Vector, rows []int32, n int) error {
	switch in.tensor.Type {
	case Float32:
		return fillFloats(c.Float32, in, args, rows, n)
	case Float64:
		return fillFloats(c.Float64, in, args, rows, n)
	}
	for k, a := range in.args {
		switch v := args[a]; in.tensor.Type {
		case Int64, Int32:
			if v.Type.Kind == types.KindInt {
				convert(c.Int64, k, in.width, v.Const, v.I32, rows, n)
			} else {
				convert(c.Int64, k, in.width, v.Const, v.I64, rows, n)
			}
		case Bool:
			for i, r := range rows {
				c.Bool[i*in.width+k] = v.Bool[v.At(int(r))]
			}
		case String:
			fillTexts(c.String[min(k, len(c.String)):], in.width, v, rows, n)
		}
	}
	return nil
}

// fillTexts writes the rows of a STRING argument to every stride-th element of dst.
func fillTexts(dst []string, stride int, v *vector.Vector, rows []int32, n int) {
	if v.Const || len(rows) < n {
		for i, r := range rows {
			dst[i*stride] = string(v.Str(int(r)))
		}
		return
	}
	all := string(v.Data) // one allocation
	for i := range n {
		dst[i*stride] = all[v.Off[i]:v.Off[i+1]]
	}
}

type number interface {
	int32 | int64 | float32 | float64
}

// convert writes the rows of src, which holds n of them or one constant, to every stride-th element of dst from the k-th on.
func convert[D, S number](dst []D, k, stride int, constant bool, src []S, rows []int32, n int) {
	if len(rows) == 0 {
		return
	}
	dst = dst[k:]
	switch at := uint(0); {
	case constant:
		for i := range rows {
			dst[i*stride] = D(src[0])
		}
	case len(rows) == n: // all
		for _, v := range src[:n] {
			if at < uint(len(dst)) { // always: spares a call to panic
				dst[at] = D(v)
			}
			at += uint(stride)
		}
	default:
		for i, r := range rows {
			dst[i*stride] = D(src[r])
		}
	}
}

// fillFloats writes arguments of any numeric type; NULL becomes NaN.
func fillFloats[D float32 | float64](dst []D, in *input, args []*vector.Vector, rows []int32, n int) error {
	for k := 0; k < len(in.args); k++ {
		v := args[in.args[k]]
		if !plain(v, n) || len(rows) < n {
			if err := fillColumn(dst, k, in.width, v, rows, n); err != nil {
				return err
			}
			continue
		}
		if n >= interleaved {
			k += interleaveFrom(dst[k:], in, args, k, n) - 1
			continue
		}
		at := k
		for _, x := range v.F64 {
			dst[at] = D(x)
			at += in.width
		}
	}
	return nil
}

// fillColumn writes one argument to every stride-th element from the k-th on.
func fillColumn[D float32 | float64](dst []D, k, stride int, v *vector.Vector, rows []int32, n int) error {
	switch v.Type.Kind {
	case types.KindDouble:
		convert(dst, k, stride, v.Const, v.F64, rows, n)
	case types.KindInt:
		convert(dst, k, stride, v.Const, v.I32, rows, n)
	case types.KindBigint:
		convert(dst, k, stride, v.Const, v.I64, rows, n)
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
	if len(v.Nulls) > 0 || v.Type.Kind == types.KindNull {
		for i, r := range rows {
			if v.IsNull(int(r)) {
				dst[i*stride+k] = D(math.NaN())
			}
		}
	}
	return nil
}
