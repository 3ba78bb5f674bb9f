package onnx

import (
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/udf/model"
)

// cast converts elements. Integers become strings in decimal; other conversions from and to strings differ between
// runtimes and are not covered.
func cast(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	x.ignore("saturate", "round_mode") // they concern 8-bit floats
	code := x.int("to", 0)
	to, ok := elemTypes[int32(code)]
	if !ok || int64(int32(code)) != code {
		return uncovered("conversion to %s", elemName(int32(code)))
	}
	out, err := x.convert(v, to, true)
	if err != nil {
		return err
	}
	if out == v {
		return x.alias(v, v.shape)
	}
	return nil
}

// toFloat returns v, a tensor of numbers that float32 may stand for, as float.
func (x *call) toFloat(v *value) (*value, error) {
	if v.kind != model.Float32 && !v.kind.IsInt() && v.kind != model.Bool {
		return nil, uncovered("an operand of %s", v.kind)
	}
	return x.convert(v, model.Float32, false)
}

// convert returns v itself if it has the type, else a new value: the next output, or a temporary.
func (x *call) convert(v *value, to model.ElemType, output bool) (*value, error) {
	if v.kind == to {
		return v, nil
	}
	converter := converters[[2]model.ElemType{v.kind, to}]
	if converter == nil {
		return nil, uncovered("conversion from %s to %s", v.kind, to)
	}
	var out *value
	var err error
	if output {
		out, err = x.output(to, v.shape)
	} else {
		out, err = x.define("", to, v.shape)
	}
	if err != nil {
		return nil, err
	}
	return out, x.emit(converter(v, out))
}

// converter makes the step from one type to another.
type converter func(from, to *value) step

func converts[A, B element](fn func(A) B) converter {
	return func(from, to *value) step {
		return func(f *frame) error {
			dst := data[B](f, to)
			for i, v := range data[A](f, from) {
				dst[i] = fn(v)
			}
			return nil
		}
	}
}

var converters = map[[2]model.ElemType]converter{
	{model.Float32, model.Float64}: converts(func(v float32) float64 { return float64(v) }),
	{model.Float32, model.Int64}:   converts(func(v float32) int64 { return truncate(float64(v)) }),
	{model.Float32, model.Int32}:   converts(func(v float32) int64 { return int64(int32(truncate(float64(v)))) }),
	{model.Float32, model.Bool}:    converts(func(v float32) bool { return v != 0 }),
	{model.Float64, model.Float32}: converts(func(v float64) float32 { return float32(v) }),
	{model.Float64, model.Int64}:   converts(truncate),
	{model.Float64, model.Int32}:   converts(func(v float64) int64 { return int64(int32(truncate(v))) }),
	{model.Float64, model.Bool}:    converts(func(v float64) bool { return v != 0 }),
	{model.Int64, model.Float32}:   converts(func(v int64) float32 { return float32(v) }),
	{model.Int64, model.Float64}:   converts(func(v int64) float64 { return float64(v) }),
	{model.Int64, model.Int32}:     converts(func(v int64) int64 { return int64(int32(v)) }),
	{model.Int64, model.Bool}:      converts(func(v int64) bool { return v != 0 }),
	{model.Int64, model.String}:    converts(func(v int64) string { return strconv.FormatInt(v, 10) }),
	{model.Int32, model.Float32}:   converts(func(v int64) float32 { return float32(v) }),
	{model.Int32, model.Float64}:   converts(func(v int64) float64 { return float64(v) }),
	{model.Int32, model.Int64}:     converts(func(v int64) int64 { return v }),
	{model.Int32, model.Bool}:      converts(func(v int64) bool { return v != 0 }),
	{model.Int32, model.String}:    converts(func(v int64) string { return strconv.FormatInt(v, 10) }),
	{model.Bool, model.Float32}:    converts(func(v bool) float32 { return ones[float32](v) }),
	{model.Bool, model.Float64}:    converts(func(v bool) float64 { return ones[float64](v) }),
	{model.Bool, model.Int64}:      converts(func(v bool) int64 { return ones[int64](v) }),
	{model.Bool, model.Int32}:      converts(func(v bool) int64 { return ones[int64](v) }),
}

func ones[T number](v bool) T {
	if v {
		return 1
	}
	return 0
}

// truncate rounds towards zero; what does not fit (NaN too) gives the smallest integer on every architecture.
func truncate(v float64) int64 {
	if v >= -math.MaxInt64 && v < math.MaxInt64 {
		return int64(v)
	}
	return math.MinInt64
}

func rsqrt(v float64) float64 { return 1 / math.Sqrt(v) }

// identify prints a class label as the key of a map.
func identify[T int64 | string](labels []T) []string {
	keys := make([]string, len(labels))
	for i, l := range labels {
		keys[i] = fmt.Sprint(l)
	}
	return keys
}
