package onnx

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/udf/model"
)

// kernel computes dst from two operands of the same length.
type kernel[T, R element] func(dst []R, a, b []T)

// tiled is the width up to which a constant row is repeated for a whole block, so that one kernel call covers it.
const tiled = 32

// combine defines k over the broadcast operands: as the next output, or as a temporary.
func combine[T, R element](x *call, kind model.ElemType, k kernel[T, R], a, b *value, temporary bool) (*value, error) {
	shape, err := broadcast(a, b)
	if err != nil {
		return nil, err
	}
	if a, err = x.spread(a, shape); err != nil {
		return nil, err
	}
	if b, err = x.spread(b, shape); err != nil {
		return nil, err
	}
	width := product(shape)
	if !x.folding && width <= tiled {
		if a, err = x.tile(a); err != nil {
			return nil, err
		}
		if b, err = x.tile(b); err != nil {
			return nil, err
		}
	}
	var out *value
	if temporary {
		out, err = x.define("", kind, shape)
	} else {
		out, err = x.output(kind, shape)
	}
	if err != nil {
		return nil, err
	}
	return out, x.emit(func(f *frame) error {
		dst, p, q := data[R](f, out), data[T](f, a), data[T](f, b)
		if len(p) >= len(dst) && len(q) >= len(dst) {
			k(dst, p[:len(dst)], q[:len(dst)])
			return nil
		}
		for at := 0; at < len(dst); at += width {
			k(dst[at:at+width], rowAt(p, at, width), rowAt(q, at, width))
		}
		return nil
	})
}

// rowAt is the row at an offset, or the one row of a constant.
func rowAt[T any](s []T, at, width int) []T {
	if len(s) == width {
		return s
	}
	return s[at : at+width]
}

// tile repeats a constant row for the rows of a block.
func (x *call) tile(v *value) (*value, error) {
	if v.batched() {
		return v, nil
	}
	index := make([]int32, 0, maxBlock*v.size())
	for range maxBlock {
		for i := range v.size() {
			index = append(index, int32(i))
		}
	}
	return x.pick(v, index, "", []int{len(index)}, true)
}

// wrap32 makes results of 64-bit arithmetic those of 32 bits.
func wrap32(s []int64) {
	for i, v := range s {
		s[i] = int64(int32(v))
	}
}

// number is an element type with arithmetic.
type number interface{ float32 | float64 | int64 }

func addTo[T number](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subTo[T number](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulTo[T number](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func divTo[T float32 | float64](dst, a, b []T) {
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

func powTo[T float32 | float64](dst, a, b []T) {
	for i := range dst {
		if b[i] == 2 { // what most networks ask for; Pow rounds it as the product
			dst[i] = a[i] * a[i]
		} else {
			dst[i] = T(math.Pow(float64(a[i]), float64(b[i])))
		}
	}
}

func minTo[T number](dst, a, b []T) {
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

func maxTo[T number](dst, a, b []T) {
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// zip makes a kernel of a function, for operators that are not worth a loop of their own.
func zip[T, R element](fn func(a, b T) R) kernel[T, R] {
	return func(dst []R, a, b []T) {
		for i := range dst {
			dst[i] = fn(a[i], b[i])
		}
	}
}

func less[T number](a, b T) bool         { return a < b }
func lessOrEqual[T number](a, b T) bool  { return a <= b }
func greater[T number](a, b T) bool      { return a > b }
func greaterEqual[T number](a, b T) bool { return a >= b }
func equal[T element](a, b T) bool       { return a == b }

// arithmetic covers operators over numbers that fold from the left over any number of operands. A nil kernel means
// the type is not covered.
func arithmetic(f32 kernel[float32, float32], f64 kernel[float64, float64], i64 kernel[int64, int64]) operator {
	return func(x *call) error {
		if err := x.sameKind(2); err != nil {
			return err
		}
		switch kind := x.inputs[0].kind; {
		case kind == model.Float32 && f32 != nil:
			return chain(x, kind, f32)
		case kind == model.Float64 && f64 != nil:
			return chain(x, kind, f64)
		case kind == model.Int64 && i64 != nil:
			return chain(x, kind, i64)
		case kind == model.Int32 && i64 != nil:
			return chain(x, kind, func(dst, a, b []int64) {
				i64(dst, a, b)
				wrap32(dst)
			})
		default:
			return uncovered("operands of %s", kind)
		}
	}
}

// chain folds a kernel over the operands; all but the last result are temporaries.
func chain[T element](x *call, kind model.ElemType, k kernel[T, T]) error {
	acc := x.inputs[0]
	if len(x.inputs) == 1 {
		return x.alias(acc, acc.shape)
	}
	for i, v := range x.inputs[1:] {
		var err error
		if acc, err = combine(x, kind, k, acc, v, i < len(x.inputs)-2); err != nil {
			return err
		}
	}
	return nil
}

// sameKind checks that there are at least n operands, all of one type.
func (x *call) sameKind(n int) error {
	if err := x.arity(min(n, 1), 1<<10); err != nil {
		return err
	}
	for i, v := range x.inputs {
		if v == nil || v.kind != x.inputs[0].kind {
			return fmt.Errorf("operand %d is of another type", i)
		}
	}
	return nil
}

// comparison covers operators from two operands of one type to bool.
func comparison(f32 func(a, b float32) bool, f64 func(a, b float64) bool, i64 func(a, b int64) bool,
	str func(a, b string) bool, bln func(a, b bool) bool,
) operator {
	return func(x *call) error {
		if err := x.arity(2, 2); err != nil {
			return err
		}
		if err := x.sameKind(2); err != nil {
			return err
		}
		a, b := x.inputs[0], x.inputs[1]
		var err error
		switch kind := a.kind; {
		case kind == model.Float32 && f32 != nil:
			_, err = combine(x, model.Bool, zip(f32), a, b, false)
		case kind == model.Float64 && f64 != nil:
			_, err = combine(x, model.Bool, zip(f64), a, b, false)
		case kind.IsInt() && i64 != nil:
			_, err = combine(x, model.Bool, zip(i64), a, b, false)
		case kind == model.String && str != nil:
			_, err = combine(x, model.Bool, zip(str), a, b, false)
		case kind == model.Bool && bln != nil:
			_, err = combine(x, model.Bool, zip(bln), a, b, false)
		default:
			return uncovered("operands of %s", kind)
		}
		return err
	}
}

func logical(fn func(a, b bool) bool) operator { return comparison(nil, nil, nil, nil, fn) }

// mapping is a unary operator over numbers.
func mapping(f32 func(dst, src []float32), f64 func(dst, src []float64), i64 func(dst, src []int64)) operator {
	return func(x *call) error {
		if err := x.arity(1, 1); err != nil {
			return err
		}
		switch kind := x.inputs[0].kind; {
		case kind == model.Float32 && f32 != nil:
			return unary(x, kind, f32)
		case kind == model.Float64 && f64 != nil:
			return unary(x, kind, f64)
		case kind == model.Int64 && i64 != nil:
			return unary(x, kind, i64)
		case kind == model.Int32 && i64 != nil:
			return unary(x, kind, func(dst, src []int64) {
				i64(dst, src)
				wrap32(dst)
			})
		default:
			return uncovered("an operand of %s", kind)
		}
	}
}

// unary defines the next output as fn over input 0.
func unary[T, R element](x *call, kind model.ElemType, fn func(dst []R, src []T)) error {
	v := x.inputs[0]
	out, err := x.output(kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		fn(data[R](f, out), data[T](f, v))
		return nil
	})
}

// realFunc lifts a function of real numbers to a unary operator over float and double, computed in double.
func realFunc(fn func(float64) float64) operator {
	return mapping(lift[float32](fn), lift[float64](fn), nil)
}

func lift[T float32 | float64](fn func(float64) float64) func(dst, src []T) {
	return func(dst, src []T) {
		for i, v := range src {
			dst[i] = T(fn(float64(v)))
		}
	}
}

func relu[T number](dst, src []T) {
	for i, v := range src {
		dst[i] = max(v, 0)
	}
}

func negate[T number](dst, src []T) {
	for i, v := range src {
		dst[i] = -v
	}
}

func absolute[T number](dst, src []T) {
	for i, v := range src {
		dst[i] = max(v, -v)
	}
}

func sigmoid(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

// sign keeps NaN and zeros.
func sign[T number](dst, src []T) {
	for i, v := range src {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = -1
		}
		dst[i] = v
	}
}

// leakyRelu, elu and hardSigmoid take their slopes from attributes.
func leakyRelu(x *call) error {
	alpha := float64(x.float("alpha", 0.01))
	return realFunc(func(v float64) float64 {
		if v < 0 {
			return alpha * v
		}
		return v
	})(x)
}

func elu(x *call) error {
	alpha := float64(x.float("alpha", 1))
	return realFunc(func(v float64) float64 {
		if v < 0 {
			return alpha * math.Expm1(v)
		}
		return v
	})(x)
}

func hardSigmoid(x *call) error {
	alpha, beta := float64(x.float("alpha", 0.2)), float64(x.float("beta", 0.5))
	return realFunc(func(v float64) float64 { return max(0, min(1, alpha*v+beta)) })(x)
}

func not(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	if x.inputs[0].kind != model.Bool {
		return fmt.Errorf("an operand of %s", x.inputs[0].kind)
	}
	return unary(x, model.Bool, each(func(v bool) bool { return !v }))
}

func isNaN(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	switch kind := x.inputs[0].kind; kind {
	case model.Float32:
		return unary(x, model.Bool, each(func(v float32) bool { return v != v }))
	case model.Float64:
		return unary(x, model.Bool, each(func(v float64) bool { return v != v }))
	default:
		return uncovered("an operand of %s", kind)
	}
}

// clip limits numbers; the limits are attributes before operator set 11, then inputs.
func clip(x *call) error {
	if err := x.arity(1, 3); err != nil {
		return err
	}
	switch v := x.inputs[0]; {
	case v.kind == model.Float32:
		return clipped(x, float32(math.Inf(-1)), float32(math.Inf(1)), x.float("min", -math.MaxFloat32), x.float("max", math.MaxFloat32))
	case v.kind == model.Float64 && x.opset >= 11:
		return clipped(x, math.Inf(-1), math.Inf(1), 0, 0)
	case v.kind.IsInt() && x.opset >= 11:
		return clipped[int64](x, math.MinInt64, math.MaxInt64, 0, 0)
	default:
		return uncovered("an operand of %s", v.kind)
	}
}

func clipped[T number](x *call, low, high, oldLow, oldHigh T) error {
	v := x.inputs[0]
	limits := [2]T{low, high}
	if x.opset < 11 {
		limits = [2]T{oldLow, oldHigh}
	}
	for i := range limits {
		limit := x.optional(i + 1)
		if limit == nil {
			continue
		}
		if limit.batched() || limit.kind != v.kind || limit.size() != 1 {
			return uncovered("limits that are not constant numbers")
		}
		limits[i] = bank[T](&x.consts)[limit.reg][0]
	}
	low, high = limits[0], limits[1]
	return unary(x, v.kind, each(func(v T) T {
		if v < low {
			v = low
		}
		if v > high {
			v = high
		}
		return v
	}))
}

// where selects elements by a condition.
func where(x *call) error {
	if err := x.arity(3, 3); err != nil {
		return err
	}
	c, a, b := x.inputs[0], x.inputs[1], x.inputs[2]
	if c.kind != model.Bool || a.kind != b.kind {
		return fmt.Errorf("a condition of %s over %s and %s", c.kind, a.kind, b.kind)
	}
	switch a.kind {
	case model.Float32:
		return choose[float32](x, c, a, b)
	case model.Float64:
		return choose[float64](x, c, a, b)
	case model.Int64, model.Int32:
		return choose[int64](x, c, a, b)
	case model.String:
		return choose[string](x, c, a, b)
	}
	return choose[bool](x, c, a, b)
}

func choose[T element](x *call, c, a, b *value) error {
	shape, err := broadcast(c, a, b)
	if err != nil {
		return err
	}
	for _, v := range []**value{&c, &a, &b} {
		if *v, err = x.spread(*v, shape); err != nil {
			return err
		}
	}
	out, err := x.output(a.kind, shape)
	if err != nil {
		return err
	}
	width := product(shape)
	return x.emit(func(f *frame) error {
		dst, cond, p, q := data[T](f, out), data[bool](f, c), data[T](f, a), data[T](f, b)
		for at := 0; at < len(dst); at += width {
			row, then, other := rowAt(cond, at, width), rowAt(p, at, width), rowAt(q, at, width)
			for i := range width {
				if row[i] {
					dst[at+i] = then[i]
				} else {
					dst[at+i] = other[i]
				}
			}
		}
		return nil
	})
}
