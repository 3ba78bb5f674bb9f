package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// divInts truncates towards zero. Division by zero gives 0, as NumPy has it.
func divInts(dst, a, b []int64) {
	for i := range dst {
		dst[i] = 0
		if b[i] != 0 {
			dst[i] = a[i] / b[i]
		}
	}
}

// powInts raises whole numbers. A negative power of a whole number is 0, but for those of 1 and -1.
func powInts(dst, a, b []int64) {
	for i := range dst {
		base, n := a[i], b[i]
		if n < 0 {
			if base != 1 && base != -1 {
				base, n = 0, 1
			} else {
				n = -n
			}
		}
		out := int64(1)
		for ; n > 0; n >>= 1 {
			if n&1 != 0 {
				out *= base
			}
			base *= base
		}
		dst[i] = out
	}
}

// pow covers Pow, whose exponent may be of another type.
func pow(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	if a, b := x.inputs[0], x.inputs[1]; a.kind != b.kind {
		if a.kind.IsInt() && b.kind.IsFloat() {
			return uncovered("powers of %s to %s", a.kind, b.kind)
		}
		var err error
		if x.inputs[1], err = x.convert(b, a.kind, false); err != nil {
			return err
		}
	}
	return arithmetic(powTo[float32], powTo[float64], powInts)(x)
}

// mod covers Mod: the remainder has the sign of the divisor, or with fmod that of the dividend.
func mod(x *call) error {
	if x.int("fmod", 0) != 0 {
		real := func(a, b float64) float64 { return math.Mod(a, b) }
		return arithmetic(zip(func(a, b float32) float32 { return float32(real(float64(a), float64(b))) }), zip(real), zip(remainder))(x)
	}
	return arithmetic(nil, nil, zip(func(a, b int64) int64 {
		r := remainder(a, b)
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	}))(x)
}

func remainder(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a % b
}

// mean is Sum divided by the number of operands.
func mean(x *call) error {
	if err := x.sameKind(1); err != nil {
		return err
	}
	acc, n := x.inputs[0], float32(len(x.inputs))
	if acc.kind != model.Float32 {
		return uncovered("operands of %s", acc.kind)
	}
	for _, v := range x.inputs[1:] {
		var err error
		if acc, err = combine(x, acc.kind, addTo[float32], acc, v, true); err != nil {
			return err
		}
	}
	x.inputs = []*value{acc}
	return unary(x, acc.kind, each(func(v float32) float32 { return v / n }))
}

// prelu is LeakyRelu with a slope an element.
func prelu(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	if v, slope := x.inputs[0], x.inputs[1]; x.opset < 7 && len(slope.shape) == 1 && len(v.shape) > 1 { // one a channel
		column := *slope
		column.shape = append([]int{slope.size()}, slices.Repeat([]int{1}, len(v.shape)-2)...)
		x.inputs[1] = &column
	}
	return arithmetic(zip(leak[float32]), zip(leak[float64]), nil)(x)
}

func leak[T float32 | float64](v, slope T) T {
	if v < 0 {
		return slope * v
	}
	return v
}

func shrink(x *call) error {
	bias, lambda := float64(x.float("bias", 0)), float64(x.float("lambd", 0.5))
	return realFunc(func(v float64) float64 {
		switch {
		case v < -lambda:
			return v + bias
		case v > lambda:
			return v - bias
		}
		return 0
	})(x)
}

// isInf finds infinities of one or both signs.
func isInf(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	low, high := x.int("detect_negative", 1) != 0, x.int("detect_positive", 1) != 0
	test := func(v float64) bool { return high && math.IsInf(v, 1) || low && math.IsInf(v, -1) }
	switch kind := x.inputs[0].kind; kind {
	case model.Float32:
		return unary(x, model.Bool, each(func(v float32) bool { return test(float64(v)) }))
	case model.Float64:
		return unary(x, model.Bool, each(test))
	default:
		return uncovered("an operand of %s", kind)
	}
}

// each maps elements one by one.
func each[T, R element](fn func(T) R) func(dst []R, src []T) {
	return func(dst []R, src []T) {
		for i, v := range src {
			dst[i] = fn(v)
		}
	}
}

// bitwise covers operators on the bits of whole numbers.
func bitwise(fn func(a, b int64) int64) operator { return arithmetic(nil, nil, zip(fn)) }

// cumSum adds up along an axis.
func cumSum(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	list, err := x.constInts(x.inputs[1], "axes")
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return errors.New("not one axis")
	}
	v := x.inputs[0]
	at, err := axis(v, list[0])
	if err != nil {
		return err
	}
	_, length, inner := around(v.shape, at)
	exclusive, reverse := x.int("exclusive", 0) != 0, x.int("reverse", 0) != 0
	switch {
	case v.kind == model.Float32:
		return alongAxis(x, v, length, inner, cumulate[float32](exclusive, reverse))
	case v.kind == model.Float64:
		return alongAxis(x, v, length, inner, cumulate[float64](exclusive, reverse))
	case v.kind == model.Int64:
		return alongAxis(x, v, length, inner, cumulate[int64](exclusive, reverse))
	}
	return uncovered("an operand of %s", v.kind)
}

func cumulate[T number](exclusive, reverse bool) func(dst, src []T, n, stride int) {
	return func(dst, src []T, n, stride int) {
		var sum T
		for i := range n {
			at := i * stride
			if reverse {
				at = (n - 1 - i) * stride
			}
			if exclusive {
				dst[at] = sum
			}
			sum += src[at]
			if !exclusive {
				dst[at] = sum
			}
		}
	}
}

// castLike is Cast to the type of another tensor.
func castLike(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	x.ignore("saturate", "round_mode")
	v := x.inputs[0]
	out, err := x.convert(v, x.inputs[1].kind, true)
	if err == nil && out == v {
		err = x.alias(v, v.shape)
	}
	if err != nil {
		return fmt.Errorf("to %s: %w", x.inputs[1].kind, err)
	}
	return nil
}
