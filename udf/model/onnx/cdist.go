package onnx

import (
	"math"

	"github.com/millrace/millrace/udf/model"
)

// distances is com.microsoft's CDist: how far each row of the first table is from each row of the second.
func distances(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	a, b := x.inputs[0], x.inputs[1]
	n, err := table(a)
	if err != nil {
		return err
	}
	m, err := table(b)
	if err != nil {
		return err
	}
	if a.kind != model.Float32 || b.kind != a.kind || n != m {
		return uncovered("operands %s of %s and %s of %s", shapeText(a.shape), a.kind, shapeText(b.shape), b.kind)
	}
	root := false
	switch metric := x.text("metric", "sqeuclidean"); metric {
	case "euclidean":
		root = true
	case "sqeuclidean":
	default:
		return uncovered("metric %s", metric)
	}
	out, err := x.output(model.Float32, []int{a.shape[0], b.shape[0]})
	if err != nil {
		return err
	}
	if err := x.charge(b.size(), a.shape[0]); err != nil {
		return err
	}
	rows, each := max(a.shape[0], 1), max(b.shape[0], 1)
	return x.emit(func(f *frame) error {
		left, right, dst := data[float32](f, a), data[float32](f, b), data[float32](f, out)
		for i := range dst {
			row, other := i/each, i%each
			if b.batched() {
				other += row / rows * each
			}
			p, q := left[row*n%len(left):][:n], right[other*n:][:n]
			var sum float32
			for k, v := range p {
				d := v - q[k]
				sum += float32(d * d)
			}
			if root {
				sum = float32(math.Sqrt(float64(sum)))
			}
			dst[i] = sum
		}
		return nil
	})
}
