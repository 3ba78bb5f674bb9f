package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// panelWidth is the number of outputs that one pass over a row computes.
const panelWidth = 8

// dense is a matrix of weights, laid out so that one pass over a row of inputs computes panelWidth outputs: panel p
// holds, input after input, the weights of outputs 8p to 8p+7, zero-padded. Every output adds up its products in
// input order and then its bias, in the element type.
type dense[T float32 | float64] struct {
	in, out int
	panels  []T
	bias    []T // padded; nil: none
}

// newDense takes weights with in rows and out columns, or the transpose.
func newDense[T float32 | float64](w []T, in, out int, transposed bool) *dense[T] {
	d := &dense[T]{in: in, out: out, panels: make([]T, (out+panelWidth-1)/panelWidth*panelWidth*in)}
	for o := range out {
		panel := d.panels[o/panelWidth*panelWidth*in:]
		for i := range in {
			v := i*out + o
			if transposed {
				v = o*in + i
			}
			panel[i*panelWidth+o%panelWidth] = w[v]
		}
	}
	return d
}

func (d *dense[T]) setBias(b []T) {
	d.bias = make([]T, (d.out+panelWidth-1)/panelWidth*panelWidth)
	copy(d.bias, b)
}

// run computes dst = src * weights + bias over rows.
func (d *dense[T]) run(dst, src []T, rows int) {
	if f, ok := any(d).(*dense[float32]); ok && useVector {
		runVector(f, any(dst).([]float32), any(src).([]float32), rows)
		return
	}
	d.runPortable(dst, src, rows)
}

func (d *dense[T]) runPortable(dst, src []T, rows int) {
	for r := range rows {
		x, y := src[r*d.in:][:d.in], dst[r*d.out:][:d.out]
		for o := 0; o < d.out; o += panelWidth {
			sums := pass(x, d.panels[o*d.in:][:panelWidth*d.in])
			if d.bias != nil {
				for k, b := range d.bias[o:][:panelWidth] {
					sums[k] += b
				}
			}
			copy(y[o:], sums[:])
		}
	}
}

// pass computes one panel for one row. The conversions round each product, so that it is never fused with the sum.
func pass[T float32 | float64](x, panel []T) [panelWidth]T {
	var a, b, c, d, e, f, g, h T
	for i, v := range x {
		w := panel[i*panelWidth:][:panelWidth:panelWidth]
		a += T(v * w[0])
		b += T(v * w[1])
		c += T(v * w[2])
		d += T(v * w[3])
		e += T(v * w[4])
		f += T(v * w[5])
		g += T(v * w[6])
		h += T(v * w[7])
	}
	return [panelWidth]T{a, b, c, d, e, f, g, h}
}

// multiply defines the next output as rows by a constant matrix, plus a bias.
func (x *call) multiply(v, w, bias *value, transposed bool) error {
	in, out := w.shape[0], w.shape[1]
	if transposed {
		in, out = out, in
	}
	if v.kind != w.kind || bias != nil && bias.kind != v.kind {
		return errors.New("operands of different types")
	}
	last := len(v.shape) - 1
	if v.shape[last] != in {
		return fmt.Errorf("rows of %s by a matrix of %d rows", shapeText(v.shape), in)
	}
	shape := withAxis(v.shape, last, out)
	if bias != nil {
		spread, err := broadcast(&value{shape: shape}, bias)
		if err != nil || !slices.Equal(spread, shape) {
			return uncovered("a bias of shape %s", shapeText(bias.shape))
		}
		bias = &value{kind: bias.kind, shape: []int{bias.size()}, reg: bias.reg}
		if bias, err = x.spread(bias, []int{out}); err != nil || bias.size() != out {
			return uncovered("a bias that is not one row")
		}
	}
	if err := x.charge(v.size(), out); err != nil {
		return err
	}
	y, err := x.output(v.kind, shape)
	if err != nil {
		return err
	}
	if err := x.file.spend(8 * (out + panelWidth) * in); err != nil {
		return err
	}
	switch v.kind {
	case model.Float32:
		return emitDense[float32](x, v, w, bias, y, transposed)
	case model.Float64:
		return emitDense[float64](x, v, w, bias, y, transposed)
	}
	return uncovered("operands of %s", v.kind)
}

func emitDense[T float32 | float64](x *call, v, w, bias, y *value, transposed bool) error {
	out, in := y.shape[len(y.shape)-1], v.shape[len(v.shape)-1]
	d := newDense(bank[T](&x.consts)[w.reg], in, out, transposed)
	if bias != nil {
		d.setBias(bank[T](&x.consts)[bias.reg])
	}
	return x.emit(func(f *frame) error {
		dst := data[T](f, y)
		d.run(dst, data[T](f, v), len(dst)/out)
		return nil
	})
}

// batchNormalization applies, per channel, the statistics of training.
func batchNormalization(x *call) error {
	if err := x.arity(5, 5); err != nil {
		return err
	}
	x.ignore("momentum", "spatial")
	if x.int("training_mode", 0) != 0 || x.int("is_test", 1) != 1 {
		return uncovered("training mode")
	}
	v := x.inputs[0]
	if v.kind != model.Float32 || len(v.shape) < 2 || slices.Contains(v.shape[1:], batch) {
		return uncovered("an operand of %s %s", v.kind, shapeText(v.shape))
	}
	channels, inner := v.shape[1], product(v.shape[2:])
	var params [4][]float32 // scale, bias, mean, variance
	for i, p := range x.inputs[1:] {
		if p.batched() || p.kind != model.Float32 || p.size() != channels {
			return uncovered("statistics that are not constant, one a channel")
		}
		params[i] = x.consts.f32[p.reg]
	}
	epsilon := x.float("epsilon", 1e-5)
	out, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	factor, shift := make([]float32, channels), make([]float32, channels)
	root := lift[float32](func(variance float64) float64 { return rsqrt(variance + float64(epsilon)) })
	root(factor, params[3])
	for c := range channels {
		factor[c] *= params[0][c]
		shift[c] = params[1][c] - float32(params[2][c]*factor[c])
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, out)
		if inner == 1 {
			for at := 0; at < len(src); at += channels {
				scaleShift(dst[at:], src[at:], factor, shift)
			}
			return nil
		}
		for i, c := 0, 0; i < len(src); i, c = i+inner, (c+1)%channels {
			k, b, y := factor[c], shift[c], dst[i:][:inner]
			for j, s := range src[i:][:inner] {
				y[j] = float32(s*k) + b
			}
		}
		return nil
	})
}

// scaleShift computes as many elements as there are factors.
func scaleShift(dst, src, factor, shift []float32) {
	dst, src, shift = dst[:len(factor)], src[:len(factor)], shift[:len(factor)]
	for i, k := range factor {
		dst[i] = float32(src[i]*k) + shift[i]
	}
}
