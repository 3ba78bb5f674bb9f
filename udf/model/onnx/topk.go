package onnx

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// topK finds the largest or smallest elements along an axis and their positions, the best first.
func topK(x *call) error {
	if err := x.arity(1, 2); err != nil {
		return err
	}
	v := x.inputs[0]
	at, err := axis(v, x.int("axis", -1))
	if err != nil {
		return err
	}
	k := x.int("k", 0)
	if n := x.optional(1); n != nil {
		list, err := x.constInts(n, "numbers")
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return errors.New("not one number")
		}
		k = list[0]
	}
	x.ignore("sorted") // sorted is one of the orders that unsorted allows
	_, length, inner := around(v.shape, at)
	if k < 1 || k > int64(length) {
		return fmt.Errorf("%d of %d elements", k, length)
	}
	if err := x.charge(v.size(), int(k)); err != nil {
		return err
	}
	largest, shape := x.int("largest", 1) != 0, withAxis(v.shape, at, int(k))
	best, err := x.output(v.kind, shape)
	if err != nil {
		return err
	}
	where, err := x.output(model.Int64, shape)
	if err != nil {
		return err
	}
	switch {
	case v.kind == model.Float32:
		return x.emit(topStep[float32](v, best, where, largest, length, inner))
	case v.kind == model.Float64:
		return x.emit(topStep[float64](v, best, where, largest, length, inner))
	case v.kind.IsInt():
		return x.emit(topStep[int64](v, best, where, largest, length, inner))
	}
	return uncovered("an operand of %s", v.kind)
}

func topStep[T number](v, best, where *value, largest bool, length, inner int) step {
	k := best.size() * length / v.size()
	return func(f *frame) error {
		src, dst, at := data[T](f, v), data[T](f, best), data[int64](f, where)
		for group := 0; group*length*inner < len(src); group++ {
			for i := range inner {
				from, to := src[group*length*inner+i:], group*k*inner+i
				last := -1
				for j := range k {
					last = nextBest(from, length, inner, last, largest)
					dst[to+j*inner], at[to+j*inner] = from[last*inner], int64(last)
				}
			}
		}
		return nil
	}
}

// nextBest is the position of the best element that is not better than that at last; -1: of all. Of equals the first is
// better, and NaN is larger than any number.
func nextBest[T number](src []T, n, stride, last int, largest bool) int {
	best := -1
	for i := range n {
		if i == last || last >= 0 && better(src[i*stride], i, src[last*stride], last, largest) {
			continue
		}
		if best < 0 || better(src[i*stride], i, src[best*stride], best, largest) {
			best = i
		}
	}
	return best
}

func better[T number](a T, i int, b T, j int, largest bool) bool {
	over, under := a > b || a != a && b == b, a < b || b != b && a == a
	switch {
	case over:
		return largest
	case under:
		return !largest
	}
	return i < j
}

// oneHotTensor is OneHot of the default domain: a new axis with one value at the index and another elsewhere.
func oneHotTensor(x *call) error {
	if err := x.arity(3, 3); err != nil {
		return err
	}
	v, depth, values := x.inputs[0], x.inputs[1], x.inputs[2]
	if depth.batched() || depth.size() != 1 || values.batched() || values.size() != 2 {
		return uncovered("a depth or values that are not constant")
	}
	var err error
	if v, err = x.convert(v, model.Int64, false); err != nil {
		return err
	}
	if depth, err = x.asConstant(depth, model.Int64); err != nil {
		return err
	}
	n := x.consts.i64[depth.reg][0]
	rank, a := int64(len(v.shape)+1), x.int("axis", -1)
	if a < 0 {
		a += rank
	}
	if n < 1 || n > maxRowElements || a < 0 || a >= rank || rank > maxRank {
		return fmt.Errorf("depth %d along axis %d of %d", n, a, rank)
	}
	shape := append(append(append([]int(nil), v.shape[:a]...), int(n)), v.shape[a:]...)
	out, err := x.output(values.kind, shape)
	if err != nil {
		return err
	}
	inner := product(v.shape[a:])
	switch {
	case values.kind == model.Float32:
		return x.emit(hotStep[float32](v, values, out, int(n), inner))
	case values.kind == model.Float64:
		return x.emit(hotStep[float64](v, values, out, int(n), inner))
	case values.kind.IsInt():
		return x.emit(hotStep[int64](v, values, out, int(n), inner))
	}
	return uncovered("values of %s", values.kind)
}

// asConstant converts a constant now, whatever else the node reads.
func (x *call) asConstant(v *value, to model.ElemType) (*value, error) {
	folding := x.folding
	x.folding = true
	defer func() { x.folding = folding }()
	return x.convert(v, to, false)
}

func hotStep[T number](v, values, out *value, n, inner int) step {
	return func(f *frame) error {
		src, dst, choice := data[int64](f, v), data[T](f, out), data[T](f, values)
		for i := range dst {
			dst[i] = choice[0]
		}
		for i, p := range src {
			if p < 0 {
				p += int64(n)
			}
			if p >= 0 && p < int64(n) {
				dst[i/inner*n*inner+int(p)*inner+i%inner] = choice[1]
			}
		}
		return nil
	}
}

// reverseSequence turns the first elements of each sequence around, as many as the sequence is long.
func reverseSequence(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, lengths := x.inputs[0], x.inputs[1]
	time, err := axis(v, x.int("time_axis", 0))
	if err != nil {
		return err
	}
	across, err := anyAxis(v, x.int("batch_axis", 1))
	if err != nil {
		return err
	}
	if lengths.size() != max(v.shape[across], 1) || across == time {
		return fmt.Errorf("%d lengths for %s", lengths.size(), shapeText(v.shape))
	}
	strides := rowStrides(v.shape)
	steps, step, places, apart := v.shape[time], strides[time], max(v.shape[across], 1), strides[across]
	flat, err := x.positionsOf(v.size(), func(dst, src []int64) error {
		for i := range dst {
			n := src[i/apart%places]
			if n < 0 || n > int64(steps) {
				return fmt.Errorf("a sequence of %d steps, of at most %d", n, steps)
			}
			t := int64(i / step % steps)
			if dst[i] = int64(i); t < n {
				dst[i] += (n - 1 - 2*t) * int64(step)
			}
		}
		return nil
	}, lengths)
	if err != nil {
		return err
	}
	return x.pickBy(v, flat, v.shape)
}
