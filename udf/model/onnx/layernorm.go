package onnx

import "github.com/millrace/millrace/udf/model"

// layerNormalization gives the elements behind an axis mean 0 and variance 1, then scales and shifts each.
func layerNormalization(x *call) error {
	if err := x.arity(2, 3); err != nil {
		return err
	}
	v, scale, bias := x.inputs[0], x.inputs[1], x.optional(2)
	a, err := axis(v, x.int("axis", -1))
	if err != nil {
		return err
	}
	x.ignore("stash_type") // sums are taken in float64
	size := product(v.shape[a:])
	for _, p := range []*value{scale, bias} {
		if p != nil && (p.batched() || p.kind != model.Float32 || p.size() != size) {
			return uncovered("a scale or bias that is not constant, one an element")
		}
	}
	if v.kind != model.Float32 || size < 1 {
		return uncovered("an operand of %s %s", v.kind, shapeText(v.shape))
	}
	factor, shift := x.consts.f32[scale.reg], make([]float32, size)
	if bias != nil {
		shift = x.consts.f32[bias.reg]
	}
	epsilon := float64(x.float("epsilon", 1e-5))
	y, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, y)
		for at := 0; at < len(src); at += size {
			normalizeLayer(dst[at:][:size], src[at:][:size], factor, shift, epsilon)
		}
		return nil
	})
}

func normalizeLayer(dst, src, factor, shift []float32, epsilon float64) {
	mean, variance := 0.0, 0.0
	for _, v := range src {
		mean += float64(v)
	}
	mean /= float64(len(src))
	for _, v := range src {
		d := float64(v) - mean
		variance += float64(d * d)
	}
	root := rsqrt(variance/float64(len(src)) + epsilon)
	for i, v := range src {
		dst[i] = float32(float32((float64(v)-mean)*root)*factor[i]) + shift[i]
	}
}
