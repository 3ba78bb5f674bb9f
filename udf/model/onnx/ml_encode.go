package onnx

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/udf/model"
)

// zipMap names the columns of a row of scores: the output is a map.
func zipMap(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	n, err := table(v)
	if err != nil {
		return err
	}
	keys := identify(x.ints("classlabels_int64s"))
	if s := x.texts("classlabels_strings"); len(s) > 0 {
		keys = append(keys, s...)
	}
	if v.kind != model.Float32 || len(keys) != n {
		return fmt.Errorf("%d keys for %s of %s", len(keys), shapeText(v.shape), v.kind)
	}
	if err := x.alias(v, v.shape); err != nil {
		return err
	}
	if out := x.values[x.out[0]]; out != nil {
		out.keys = keys
	}
	return nil
}

// oneHotEncoder gives each category a column.
func oneHotEncoder(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	ints, strs := x.ints("cats_int64s"), x.texts("cats_strings")
	zeros := x.int("zeros", 1) != 0
	if v.kind == model.String {
		return oneHot(x, v, strs, zeros)
	}
	if v.kind != model.Int64 {
		if !v.kind.IsInt() && !v.kind.IsFloat() {
			return uncovered("an operand of %s", v.kind)
		}
		if v, err = x.convert(v, model.Int64, false); err != nil {
			return err
		}
	}
	return oneHot(x, v, ints, zeros)
}

func oneHot[K int64 | string](x *call, v *value, categories []K, zeros bool) error {
	if len(categories) == 0 {
		return fmt.Errorf("no categories of type %s", v.kind)
	}
	column := make(map[K]int, len(categories))
	for i, c := range categories {
		column[c] = i
	}
	n := len(categories)
	shape := append(append([]int(nil), v.shape...), n)
	if len(shape) > maxRank {
		return fmt.Errorf("more than %d dimensions", maxRank)
	}
	out, err := x.output(model.Float32, shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst := data[float32](f, out)
		clear(dst)
		for i, k := range data[K](f, v) {
			c, known := column[k]
			if known {
				dst[i*n+c] = 1
			} else if !zeros {
				return fmt.Errorf("unknown category %v", k)
			}
		}
		return nil
	})
}

// labelEncoder maps labels to labels. Version 1 has one list of strings, numbered by position.
func labelEncoder(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	if x.has("classes_strings") {
		return x.numberLabels(v)
	}
	if len(x.tensors) > 0 {
		return uncovered("keys or values as tensors")
	}
	switch v.kind {
	case model.String:
		return encodeFrom(x, v, x.texts("keys_strings"))
	case model.Int64:
		return encodeFrom(x, v, x.ints("keys_int64s"))
	case model.Float32:
		return encodeFrom(x, v, x.floats("keys_floats"))
	}
	return uncovered("an operand of %s", v.kind)
}

func (x *call) numberLabels(v *value) error {
	classes := x.texts("classes_strings")
	numbers := make([]int64, len(classes))
	for i := range numbers {
		numbers[i] = int64(i)
	}
	unknownText, unknown := x.text("default_string", "_Unused"), x.int("default_int64", -1)
	switch v.kind {
	case model.String:
		return encode(x, v, model.Int64, classes, numbers, unknown)
	case model.Int64:
		return encode(x, v, model.String, numbers, classes, unknownText)
	}
	return fmt.Errorf("an operand of %s", v.kind)
}

func encodeFrom[K label](x *call, v *value, keys []K) error {
	text, number := x.text("default_string", "_Unused"), x.int("default_int64", -1)
	real := x.float("default_float", float32(math.Copysign(0, -1)))
	strs, ints, floats := x.texts("values_strings"), x.ints("values_int64s"), x.floats("values_floats")
	switch {
	case strs != nil:
		return encode(x, v, model.String, keys, strs, text)
	case ints != nil:
		return encode(x, v, model.Int64, keys, ints, number)
	case floats != nil:
		return encode(x, v, model.Float32, keys, floats, real)
	}
	return errors.New("no values")
}

type label interface{ string | int64 | float32 }

func encode[K, V label](x *call, v *value, kind model.ElemType, keys []K, values []V, unknown V) error {
	if len(keys) == 0 || len(keys) != len(values) {
		return fmt.Errorf("%d keys and %d values", len(keys), len(values))
	}
	table := make(map[K]V, len(keys))
	missing := unknown // what NaN, which no map finds, becomes
	for i, k := range keys {
		if _, repeated := table[k]; repeated {
			continue // the first wins
		}
		table[k] = values[i]
		if k != k {
			missing = values[i]
		}
	}
	return unary(x, kind, func(dst []V, src []K) {
		for i, k := range src {
			value, ok := table[k]
			switch {
			case k != k:
				value = missing
			case !ok:
				value = unknown
			}
			dst[i] = value
		}
	})
}
