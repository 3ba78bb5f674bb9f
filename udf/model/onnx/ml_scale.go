package onnx

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/udf/model"
)

// table checks that v holds rows of features, and returns their number.
func table(v *value) (int, error) {
	if len(v.shape) != 2 || v.shape[1] == batch {
		return 0, uncovered("an operand of shape %s", shapeText(v.shape))
	}
	return v.shape[1], nil
}

// perFeature repeats a list of one number for every feature.
func perFeature[T any](list []T, features int, what string) ([]T, error) {
	switch len(list) {
	case features:
		return list, nil
	case 1:
		out := make([]T, features)
		for i := range out {
			out[i] = list[0]
		}
		return out, nil
	}
	return nil, fmt.Errorf("%d %s for %d features", len(list), what, features)
}

// rows emits a step that maps rows of float to rows of float of the same width.
func (x *call) floatRows(v *value, fn func(dst, src []float32)) error {
	out, err := x.output(model.Float32, v.shape)
	if err != nil {
		return err
	}
	width := v.shape[1]
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, out)
		for at := 0; at < len(dst); at += width {
			fn(dst[at:at+width], src[at:at+width])
		}
		return nil
	})
}

// floatTable returns input 0 as rows of float features.
func (x *call) floatTable() (v *value, features int, err error) {
	if v, err = x.input(0); err != nil {
		return nil, 0, err
	}
	if features, err = table(v); err != nil {
		return nil, 0, err
	}
	v, err = x.toFloat(v)
	return v, features, err
}

// scaler subtracts an offset and multiplies by a scale.
func scaler(x *call) error {
	v, features, err := x.floatTable()
	if err != nil {
		return err
	}
	offset, err := perFeature(x.floats("offset"), features, "offsets")
	if err != nil {
		return err
	}
	scale, err := perFeature(x.floats("scale"), features, "scales")
	if err != nil {
		return err
	}
	return x.floatRows(v, func(dst, src []float32) {
		for i, s := range src {
			dst[i] = (s - offset[i]) * scale[i]
		}
	})
}

// imputer replaces missing values: NaN, or the value that stands for missing.
func imputer(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	features, err := table(v)
	if err != nil {
		return err
	}
	switch v.kind {
	case model.Float32:
		by, err := perFeature(x.floats("imputed_value_floats"), features, "imputed values")
		if err != nil {
			return err
		}
		missing := x.float("replaced_value_float", 0)
		x.ignore("imputed_value_int64s", "replaced_value_int64")
		return x.floatRows(v, func(dst, src []float32) {
			for i, s := range src {
				if s == missing || s != s && missing != missing {
					s = by[i]
				}
				dst[i] = s
			}
		})
	case model.Int64:
		by, err := perFeature(x.ints("imputed_value_int64s"), features, "imputed values")
		if err != nil {
			return err
		}
		missing := x.int("replaced_value_int64", 0)
		x.ignore("imputed_value_floats", "replaced_value_float")
		return unary(x, v.kind, func(dst, src []int64) {
			for i, s := range src {
				if s == missing {
					s = by[i%features]
				}
				dst[i] = s
			}
		})
	}
	return uncovered("an operand of %s", v.kind)
}

// normalizer divides a row by its norm; a row whose norm is zero stays as it is.
func normalizer(x *call) error {
	v, _, err := x.floatTable()
	if err != nil {
		return err
	}
	switch norm := x.text("norm", "MAX"); norm {
	case "MAX":
		return x.floatRows(v, func(dst, src []float32) { divideBy(dst, src, largestOf(src, len(src), 1)) })
	case "L1":
		return x.floatRows(v, func(dst, src []float32) { divideBy(dst, src, sumAbsOf(src, len(src), 1)) })
	case "L2":
		return x.floatRows(v, func(dst, src []float32) { divideBy(dst, src, normOf(src, len(src), 1)) })
	default:
		return fmt.Errorf("norm %s", norm)
	}
}

func divideBy(dst, src []float32, norm float32) {
	if norm == 0 {
		norm = 1
	}
	for i, s := range src {
		dst[i] = s / norm
	}
}

// binarizer gives 1 above the threshold, else 0.
func binarizer(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	threshold := x.float("threshold", 0)
	if v.kind != model.Float32 {
		return uncovered("an operand of %s", v.kind)
	}
	return unary(x, v.kind, func(dst, src []float32) {
		for i, s := range src {
			dst[i] = ones[float32](s > threshold)
		}
	})
}

// featureVectorizer joins its inputs, as float, into one row.
func featureVectorizer(x *call) error {
	x.ignore("inputdimensions") // the shapes say it
	if err := x.arity(1, 1<<10); err != nil {
		return err
	}
	for i, v := range x.inputs {
		if _, err := table(v); err != nil {
			return err
		}
		var err error
		if x.inputs[i], err = x.toFloat(v); err != nil {
			return err
		}
	}
	return x.join(1)
}

// postTransform is what ONNX-ML operators do to a row of scores in the end.
type postTransform func(scores []float32)

func (x *call) postTransform() (string, postTransform, error) {
	name := x.text("post_transform", "NONE")
	fn, ok := map[string]postTransform{
		"NONE": func([]float32) {}, "LOGISTIC": logistic, "SOFTMAX": softmaxRow, "SOFTMAX_ZERO": softmaxZero, "PROBIT": probit,
	}[name]
	if !ok {
		return "", nil, fmt.Errorf("post_transform %q", name)
	}
	return name, fn, nil
}

func logistic(scores []float32) {
	for i, s := range scores {
		scores[i] = logistic1(s)
	}
}

// logistic1 keeps the symmetry of the two sides exact.
func logistic1(s float32) float32 {
	v := float32(1 / (1 + math.Exp(-math.Abs(float64(s)))))
	if s < 0 {
		return 1 - v
	}
	return v
}

func softmaxRow(scores []float32) { softmaxOf(scores, scores, len(scores), 1, false) }

// softmaxZero is softmax in which scores of zero count for nothing.
func softmaxZero(scores []float32) {
	top := largestOf(scores, len(scores), 1)
	var sum float32
	for i, s := range scores {
		if s > 1e-7 || s < -1e-7 {
			scores[i] = float32(math.Exp(float64(s - top)))
			sum += scores[i]
		} else {
			scores[i] = s * float32(math.Exp(float64(-top)))
		}
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// probit is the inverse of the normal distribution, by the approximation that ONNX Runtime uses (Winitzki's).
func probit(scores []float32) {
	for i, s := range scores {
		v := 2*s - 1
		l := float32(math.Log(float64((1 - v) * (1 + v))))
		a := 2/(float32(3.14159)*0.147) + 0.5*l
		inner := float32(math.Sqrt(float64(float32(a*a)-l/0.147))) - a
		root := float32(math.Sqrt(float64(inner)))
		if v < 0 {
			root = -root
		}
		scores[i] = 1.41421356 * root
	}
}
