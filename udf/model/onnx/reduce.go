package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// reducer folds n elements that stand stride apart, in order.
type reducer[T element] func(src []T, n, stride int) T

// reduction covers operators that fold axes. axesInputSince is the operator set from which axes are an input.
func reduction(f32 reducer[float32], f64 reducer[float64], i64 reducer[int64], axesInputSince int64) operator {
	return func(x *call) error {
		v, err := x.input(0)
		if err != nil {
			return err
		}
		if x.optional(1) != nil && x.opset < axesInputSince {
			return errors.New("axes as an input, before its operator set")
		}
		folded, err := x.reducedAxes(v)
		if err != nil {
			return err
		}
		if folded == nil {
			return x.alias(v, v.shape)
		}
		shape := foldedShape(v.shape, folded, x.int("keepdims", 1) != 0)
		v, length, inner, err := x.together(v, folded)
		if err != nil {
			return err
		}
		out, err := x.output(v.kind, shape)
		if err != nil {
			return err
		}
		switch {
		case v.kind == model.Float32:
			return x.emit(reduceStep(v, out, f32, length, inner))
		case v.kind == model.Float64:
			return x.emit(reduceStep(v, out, f64, length, inner))
		case v.kind == model.Int64 && i64 != nil:
			return x.emit(reduceStep(v, out, i64, length, inner))
		case v.kind == model.Int32 && i64 != nil:
			return x.emit(reduceStep(v, out, func(src []int64, n, stride int) int64 {
				return int64(int32(i64(src, n, stride)))
			}, length, inner))
		}
		return uncovered("an operand of %s", v.kind)
	}
}

// reducedAxes says which axes are reduced; nil for none.
func (x *call) reducedAxes(v *value) ([]bool, error) {
	list, err := x.axes(1)
	if err != nil {
		return nil, err
	}
	noop := x.int("noop_with_empty_axes", 0) != 0
	folded := make([]bool, len(v.shape))
	switch {
	case len(list) == 0 && noop:
		return nil, nil
	case len(list) == 0 && v.stacked():
		return nil, uncovered("reducing all axes, across rows")
	case len(list) == 0:
		for i := range folded {
			folded[i] = true
		}
	}
	for _, a := range list {
		at, err := axis(v, a)
		if err != nil {
			return nil, err
		}
		folded[at] = true
	}
	return folded, nil
}

// foldedShape is the shape that is left when axes are folded, to 1 or away.
func foldedShape(shape []int, folded []bool, keep bool) []int {
	out := []int{}
	for i, d := range shape {
		switch {
		case !folded[i]:
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// together returns v with the marked axes side by side: how many elements they have, and how many stand behind them. v is
// permuted, the marked axes last, unless they stand together as it is.
func (x *call) together(v *value, marked []bool) (moved *value, length, inner int, err error) {
	first, last := slices.Index(marked, true), len(marked)-1
	for last > 0 && !marked[last] {
		last--
	}
	if first < 0 {
		return v, 1, 1, nil // a scalar
	}
	if !slices.Contains(marked[first:last+1], false) {
		return v, product(v.shape[first : last+1]), product(v.shape[last+1:]), nil
	}
	var perm []int
	for _, want := range []bool{false, true} {
		for i, m := range marked {
			if m == want {
				perm = append(perm, i)
			}
		}
	}
	moved, err = x.permute(v, perm)
	return moved, product(foldedShape(v.shape, invert(marked), false)), 1, err
}

func invert(marked []bool) []bool {
	out := make([]bool, len(marked))
	for i, m := range marked {
		out[i] = !m
	}
	return out
}

func reduceStep[T element](v, out *value, fold reducer[T], length, inner int) step {
	return func(f *frame) error {
		src, dst := data[T](f, v), data[T](f, out)
		for k := range dst {
			dst[k] = fold(src[k/inner*length*inner+k%inner:], length, inner)
		}
		return nil
	}
}

func sumOf[T number](src []T, n, stride int) T {
	var sum T
	for i := range n {
		sum += src[i*stride]
	}
	return sum
}

func meanOf[T float32 | float64](src []T, n, stride int) T { return sumOf(src, n, stride) / T(n) }

func productOf[T number](src []T, n, stride int) T {
	p := T(1)
	for i := range n {
		p *= src[i*stride]
	}
	return p
}

func smallestOf[T number](src []T, n, stride int) T {
	m := src[0]
	for i := range n {
		m = min(m, src[i*stride])
	}
	return m
}

func largestOf[T number](src []T, n, stride int) T {
	m := src[0]
	for i := range n {
		m = max(m, src[i*stride])
	}
	return m
}

func sumSquareOf[T number](src []T, n, stride int) T {
	var sum T
	for i := range n {
		v := src[i*stride]
		sum += T(v * v) // rounded before the addition
	}
	return sum
}

func sumAbsOf[T number](src []T, n, stride int) T {
	var sum T
	for i := range n {
		v := src[i*stride]
		sum += max(v, -v)
	}
	return sum
}

func normOf[T float32 | float64](src []T, n, stride int) T {
	return T(math.Sqrt(float64(sumSquareOf(src, n, stride))))
}

func logSumExpOf[T float32 | float64](src []T, n, stride int) T {
	top := largestOf(src, n, stride)
	if math.IsInf(float64(top), 0) {
		return top
	}
	var sum T
	for i := range n {
		sum += T(math.Exp(float64(src[i*stride] - top)))
	}
	return T(math.Log(float64(sum))) + top
}

// arg covers ArgMax and ArgMin: the first, or last, position of the element that beats all others.
func arg(largest bool) operator {
	return func(x *call) error {
		v, err := x.input(0)
		if err != nil {
			return err
		}
		at, err := axis(v, x.int("axis", 0))
		if err != nil {
			return err
		}
		_, length, inner := around(v.shape, at)
		shape := withAxis(v.shape, at)
		if x.int("keepdims", 1) != 0 {
			shape = withAxis(v.shape, at, 1)
		}
		last := x.int("select_last_index", 0) != 0
		out, err := x.output(model.Int64, shape)
		if err != nil {
			return err
		}
		switch {
		case v.kind == model.Float32:
			return x.emit(argStep[float32](v, out, largest, last, length, inner))
		case v.kind == model.Float64:
			return x.emit(argStep[float64](v, out, largest, last, length, inner))
		case v.kind.IsInt():
			return x.emit(argStep[int64](v, out, largest, last, length, inner))
		}
		return uncovered("an operand of %s", v.kind)
	}
}

func argStep[T number](v, out *value, largest, last bool, length, inner int) step {
	return func(f *frame) error {
		src, dst := data[T](f, v), data[int64](f, out)
		for k := range dst {
			group := src[k/inner*length*inner+k%inner:]
			best := 0
			for i := 1; i < length; i++ {
				a, b := group[i*inner], group[best*inner]
				if largest && a > b || !largest && a < b || last && a == b {
					best = i
				}
			}
			dst[k] = int64(best)
		}
		return nil
	}
}

// softmax covers Softmax and LogSoftmax. Before operator set 13 all axes from the given one on are one.
func softmax(logarithm bool) operator {
	return func(x *call) error {
		v, length, inner, err := x.softmaxAxis()
		if err != nil {
			return err
		}
		switch v.kind {
		case model.Float32:
			if inner == 1 && !logarithm {
				return x.softmaxRows(v, length)
			}
			return alongAxis(x, v, length, inner, func(dst, src []float32, n, stride int) { softmaxOf(dst, src, n, stride, logarithm) })
		case model.Float64:
			return alongAxis(x, v, length, inner, func(dst, src []float64, n, stride int) { softmaxOf(dst, src, n, stride, logarithm) })
		}
		return uncovered("an operand of %s", v.kind)
	}
}

// softmaxAxis returns the input with the length of its axis and the elements behind it.
func (x *call) softmaxAxis() (v *value, length, inner int, err error) {
	if v, err = x.input(0); err != nil {
		return nil, 0, 0, err
	}
	def := int64(-1)
	if x.opset < 13 {
		def = 1
	}
	at, err := axis(v, x.int("axis", def))
	if err != nil {
		return nil, 0, 0, err
	}
	_, length, inner = around(v.shape, at)
	if x.opset < 13 {
		if slices.Contains(v.shape[at:], batch) {
			return nil, 0, 0, uncovered("axis %d, across rows", at)
		}
		length, inner = length*inner, 1
	}
	return v, length, inner, nil
}

// alongAxis defines the next output, shaped as v, by mapping each group of n elements that stand stride apart to as many.
func alongAxis[T element](x *call, v *value, n, stride int, fn func(dst, src []T, n, stride int)) error {
	out, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[T](f, v), data[T](f, out)
		for k := 0; k < len(dst); k += n * stride {
			for i := range stride {
				fn(dst[k+i:], src[k+i:], n, stride)
			}
		}
		return nil
	})
}

// softmaxRows is softmaxOf for groups of n elements that lie together: the exponentials of all of them are one call.
func (x *call) softmaxRows(v *value, n int) error {
	out, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, out)
		for at := 0; at < len(src); at += n {
			row, to := src[at:][:n], dst[at:][:n]
			top := largestOf(row, n, 1)
			for i, s := range row {
				to[i] = s - top
			}
		}
		expTo(dst, dst)
		for at := 0; at < len(dst); at += n {
			row, sum := dst[at:][:n], float32(0)
			for _, e := range row {
				sum += e
			}
			for i := range row {
				row[i] /= sum
			}
		}
		return nil
	})
}

func softmaxOf[T float32 | float64](dst, src []T, n, stride int, logarithm bool) {
	top := largestOf(src, n, stride)
	for i := range n {
		dst[i*stride] = src[i*stride] - top
	}
	if d, ok := any(dst).([]float32); ok && stride == 1 {
		expTo(d[:n], d[:n])
	} else {
		for i := range n {
			dst[i*stride] = T(math.Exp(float64(dst[i*stride])))
		}
	}
	var sum T
	for i := range n {
		sum += dst[i*stride]
	}
	if !logarithm {
		for i := range n {
			dst[i*stride] /= sum
		}
		return
	}
	shift := T(math.Log(float64(sum)))
	for i := range n {
		dst[i*stride] = src[i*stride] - top - shift
	}
}

// lpNormalization divides by the L1 or L2 norm along an axis; a zero norm gives zeros.
func lpNormalization(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	at, err := axis(v, x.int("axis", -1))
	if err != nil {
		return err
	}
	var norm reducer[float32]
	switch p := x.int("p", 2); p {
	case 1:
		norm = sumAbsOf[float32]
	case 2:
		norm = normOf[float32]
	default:
		return fmt.Errorf("norm %d", p)
	}
	if v.kind != model.Float32 {
		return uncovered("an operand of %s", v.kind)
	}
	_, length, inner := around(v.shape, at)
	return alongAxis(x, v, length, inner, func(dst, src []float32, n, stride int) {
		size := norm(src, n, stride)
		for i := 0; i < n*stride; i += stride {
			dst[i] = 0
			if size != 0 {
				dst[i] = src[i] / size
			}
		}
	})
}

// hardmax gives 1 to the first of the largest elements and 0 to the others. Axes are taken as by softmax.
func hardmax(x *call) error {
	v, length, inner, err := x.softmaxAxis()
	if err != nil {
		return err
	}
	if v.kind != model.Float32 {
		return uncovered("an operand of %s", v.kind)
	}
	return alongAxis(x, v, length, inner, func(dst, src []float32, n, stride int) {
		best := 0
		for i := range n {
			dst[i*stride] = 0
			if src[i*stride] > src[best*stride] {
				best = i
			}
		}
		dst[best*stride] = 1
	})
}

func logSumOf[T float32 | float64](src []T, n, stride int) T {
	return T(math.Log(float64(sumOf(src, n, stride))))
}
