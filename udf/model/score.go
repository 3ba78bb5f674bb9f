package model

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// scratch is the memory of a Binding's calls.
type scratch struct {
	in, out []Column
	rows    []int32          // that are scored, ascending; it may be the caller's, and must not be changed
	own     []int32          // room for rows
	order   []int32          // 0, 1, 2 ...
	missing []int64          // by element of the inputs: the rows that it kept from being scored
	picked  []*vector.Vector // room for what pick lists
}

func newScratch(sig Signature) scratch {
	elements := 0
	for _, t := range sig.Inputs {
		elements += t.Width()
	}
	return scratch{in: make([]Column, len(sig.Inputs)), out: make([]Column, len(sig.Outputs)), missing: make([]int64, elements)}
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
	s := &b.scratch
	if s.rows = sel; sel == nil {
		s.rows = s.first(n)
	}
	if b.choosy {
		b.scorable(s, args, w.fail)
	}
	for i := range b.inputs {
		if err := s.fill(&s.in[i], &b.inputs[i], args, n); err != nil {
			return fmt.Errorf("predict: %w", err)
		}
	}
	if err := b.ask(ctx); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	if w.tally != nil {
		w.tally.look(b)
	}
	b.emit(s, n, out)
	return nil
}

// scorable keeps the selected rows whose arguments all have a place in their tensor: NULL has one in floating-point tensors alone, and
// an ARRAY must have as many elements as the tensor has.
func (b *Binding) scorable(s *scratch, args []*vector.Vector, fail func(int, error)) {
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

// pick lists the arguments that fill an input: one for each element, or the one ARRAY.
func (s *scratch) pick(in *input, args []*vector.Vector) []*vector.Vector {
	if in.ordered {
		return args[in.args[0]:][:len(in.args)]
	}
	s.picked = s.picked[:0]
	for _, a := range in.args {
		s.picked = append(s.picked, args[a])
	}
	return s.picked
}

// fill moves arguments, which hold n rows, to an input.
func (s *scratch) fill(c *Column, in *input, args []*vector.Vector, n int) error {
	args, size := s.pick(in, args), len(s.rows)*in.width
	switch t := in.tensor.Type; {
	case size == 0:
		c.Resize(t, 0)
	case in.array:
		c.Resize(t, size)
		in.fillArrays(c, args[0], s.rows)
	case t == Float32:
		c.Float32 = resize(c.Float32, size)
		return fillFloats(c.Float32, args, s.rows, n)
	case t == Float64:
		c.Float64 = resize(c.Float64, size)
		return fillFloats(c.Float64, args, s.rows, n)
	default:
		c.Resize(t, size)
		for k, v := range args {
			in.fillOther(c, k, v, s.rows, n)
		}
	}
	return nil
}

// fillOther moves an argument to the k-th elements of a tensor that has no floating-point numbers.
func (in *input) fillOther(c *Column, k int, v *vector.Vector, rows []int32, n int) {
	switch in.tensor.Type {
	case Int64, Int32:
		if v.Type.Kind == types.KindInt {
			convert(c.Int64[k:], in.width, v.Const, v.I32, rows, n)
		} else {
			convert(c.Int64[k:], in.width, v.Const, v.I64, rows, n)
		}
	case Bool:
		for i, r := range rows {
			c.Bool[i*in.width+k] = v.Bool[v.At(int(r))]
		}
	case String:
		fillTexts(c.String[k:], in.width, v, rows, n)
	}
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

// convert writes the rows of src, which holds n of them or one constant, to every stride-th element of dst.
func convert[D, S number](dst []D, stride int, constant bool, src []S, rows []int32, n int) {
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

// fillFloats writes arguments of any numeric type, one for each element of a row, of which there is one; NULL becomes NaN.
func fillFloats[D float32 | float64](dst []D, args []*vector.Vector, rows []int32, n int) error {
	nulls := false
	for k := 0; k < len(args); k++ {
		if len(rows) == n {
			moved, some := interleave(dst, args, k, n)
			nulls = nulls || some
			if k += moved; k == len(args) {
				break
			}
		}
		v := args[k]
		nulls = nulls || len(v.Nulls) > 0 || v.Type.Kind == types.KindNull
		if err := fillColumn(dst[k:], len(args), v, rows, n); err != nil {
			return err
		}
	}
	if nulls {
		fillMissing(dst, args, rows)
	}
	return nil
}

// fillColumn writes one argument to every stride-th element. Where it is NULL the element is unspecified.
func fillColumn[D float32 | float64](dst []D, stride int, v *vector.Vector, rows []int32, n int) error {
	switch v.Type.Kind {
	case types.KindDouble:
		convert(dst, stride, v.Const, v.F64, rows, n)
	case types.KindInt:
		convert(dst, stride, v.Const, v.I32, rows, n)
	case types.KindBigint:
		convert(dst, stride, v.Const, v.I64, rows, n)
	case types.KindDecimal:
		for i, r := range rows {
			if d, ok := v.Any[v.At(int(r))].(types.Decimal); ok {
				dst[i*stride] = D(d.Float64())
			}
		}
	case types.KindNull:
	default:
		return fmt.Errorf("a column of type %s", v.Type)
	}
	return nil
}

// fillMissing writes NaN where an argument is NULL.
func fillMissing[D float32 | float64](dst []D, args []*vector.Vector, rows []int32) {
	for k, v := range args {
		if len(v.Nulls) == 0 && v.Type.Kind != types.KindNull {
			continue
		}
		for i, r := range rows {
			if v.IsNull(int(r)) {
				dst[i*len(args)+k] = D(math.NaN())
			}
		}
	}
}
