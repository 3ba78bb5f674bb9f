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
		first, last, err := x.reducedAxes(v)
		if err != nil {
			return err
		}
		if first < 0 {
			return x.alias(v, v.shape)
		}
		length, inner := product(v.shape[first:last+1]), product(v.shape[last+1:])
		shape := slices.Concat(v.shape[:first], v.shape[last+1:])
		if x.int("keepdims", 1) != 0 {
			shape = slices.Concat(v.shape[:first], slices.Repeat([]int{1}, last-first+1), v.shape[last+1:])
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
		}
		return uncovered("an operand of %s", v.kind)
	}
}

// reducedAxes returns the first and last of the reduced axes, which must stand together; first is -1 for none.
func (x *call) reducedAxes(v *value) (first, last int, err error) {
	list, err := x.axes(1)
	if err != nil {
		return 0, 0, err
	}
	if len(list) == 0 {
		if x.int("noop_with_empty_axes", 0) != 0 {
			return -1, -1, nil
		}
		if v.batched() {
			return 0, 0, uncovered("reducing all axes, across rows")
		}
		return 0, len(v.shape) - 1, nil
	}
	x.ignore("noop_with_empty_axes")
	var axes []int
	for _, a := range list {
		at, err := axis(v, a)
		if err != nil {
			return 0, 0, err
		}
		axes = append(axes, at)
	}
	slices.Sort(axes)
	if axes[len(axes)-1]-axes[0] != len(axes)-1 {
		return 0, 0, uncovered("axes that do not stand together")
	}
	return axes[0], axes[len(axes)-1], nil
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
		v, err := x.input(0)
		if err != nil {
			return err
		}
		def := int64(-1)
		if x.opset < 13 {
			def = 1
		}
		at, err := axis(v, x.int("axis", def))
		if err != nil {
			return err
		}
		_, length, inner := around(v.shape, at)
		if x.opset < 13 {
			length, inner = length*inner, 1
		}
		if v.kind != model.Float32 {
			return uncovered("an operand of %s", v.kind)
		}
		out, err := x.output(v.kind, v.shape)
		if err != nil {
			return err
		}
		return x.emit(func(f *frame) error {
			src, dst := data[float32](f, v), data[float32](f, out)
			for k := 0; k < len(dst); k += length * inner {
				for i := range inner {
					softmaxOf(dst[k+i:], src[k+i:], length, inner, logarithm)
				}
			}
			return nil
		})
	}
}

func softmaxOf(dst, src []float32, n, stride int, logarithm bool) {
	top := largestOf(src, n, stride)
	var sum float32
	for i := range n {
		e := float32(math.Exp(float64(src[i*stride] - top)))
		dst[i*stride] = e
		sum += e
	}
	shift := float32(math.Log(float64(sum)))
	for i := range n {
		if logarithm {
			dst[i*stride] = src[i*stride] - top - shift
		} else {
			dst[i*stride] /= sum
		}
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
	out, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, out)
		for k := 0; k < len(dst); k += length * inner {
			for i := range inner {
				n := norm(src[k+i:], length, inner)
				for j := k + i; j < k+length*inner; j += inner {
					dst[j] = 0
					if n != 0 {
						dst[j] = src[j] / n
					}
				}
			}
		}
		return nil
	})
}
