package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// convTranspose spreads each element of an image over a window of the result, weighted by a constant kernel.
func convTranspose(x *call) error {
	if err := x.arity(2, 3); err != nil {
		return err
	}
	v, k, bias := x.inputs[0], x.inputs[1], x.optional(2)
	if k.batched() || v.kind != model.Float32 || k.kind != model.Float32 || len(k.shape) != len(v.shape) || len(v.shape) < 3 ||
		len(v.shape) > 4 || slices.Contains(v.shape[1:], batch) {
		return uncovered("operands %s and %s", shapeText(v.shape), shapeText(k.shape))
	}
	groups := int(x.int("group", 1))
	if groups < 1 || v.shape[1]%groups != 0 || k.shape[0] != v.shape[1] {
		return fmt.Errorf("weights %s for %d channels in %d groups", shapeText(k.shape), v.shape[1], groups)
	}
	per := k.shape[1]
	if bias != nil && (bias.batched() || bias.kind != model.Float32 || bias.size() != per*groups) {
		return uncovered("a bias that is not constant, one a channel")
	}
	w, err := x.transposedWindow(v, k.shape[2:])
	if err != nil {
		return err
	}
	w.channels = v.shape[1]
	if err := x.charge(w.channels, per, w.y.in, w.x.in, w.y.kernel, w.x.kernel); err != nil {
		return err
	}
	y, err := x.output(model.Float32, w.shape(v, per*groups))
	if err != nil {
		return err
	}
	kernel := x.consts.f32[k.reg]
	var shift []float32
	if bias != nil {
		shift = x.consts.f32[bias.reg]
	}
	image, row := w.y.in*w.x.in, product(v.shape[1:])
	size := product(y.shape[1:])
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, y)
		for r := range len(src) / row {
			to := dst[r*size:][:size]
			fillChannels(to, shift, per*groups)
			for c := range w.channels {
				first := c / (w.channels / groups) * per
				for o := range per {
					w.spread(to[(first+o)*w.y.out*w.x.out:], src[r*row+c*image:][:image], kernel[(c*per+o)*w.y.kernel*w.x.kernel:])
				}
			}
		}
		return nil
	})
}

// fillChannels starts every channel with its bias.
func fillChannels(dst, bias []float32, channels int) {
	clear(dst)
	size := len(dst) / channels
	for c, b := range bias {
		for i := range dst[c*size:][:size] {
			dst[c*size+i] = b
		}
	}
}

// spread adds one channel of an image, weighted, to one channel of the result.
func (w window) spread(dst, image, kernel []float32) {
	for iy := range w.y.in {
		for ix := range w.x.in {
			v := image[iy*w.x.in+ix]
			for ky := range w.y.kernel {
				oy := w.y.at(iy, ky)
				if oy < 0 || oy >= w.y.out {
					continue
				}
				for kx := range w.x.kernel {
					if ox := w.x.at(ix, kx); ox >= 0 && ox < w.x.out {
						dst[oy*w.x.out+ox] += float32(v * kernel[ky*w.x.kernel+kx])
					}
				}
			}
		}
	}
}

// transposedWindow reads the attributes of a window that moves over the result.
func (x *call) transposedWindow(v *value, kernel []int) (w window, err error) {
	w = window{y: span1{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}}
	strides, dilations, pads := x.ints("strides"), x.ints("dilations"), x.ints("pads")
	extra, wanted, auto := x.ints("output_padding"), x.ints("output_shape"), x.text("auto_pad", "NOTSET")
	x.ignore("kernel_shape") // the weights say it
	dims := len(kernel)
	pick := func(list []int64, i int, def int) int {
		switch {
		case list == nil:
			return def
		case i >= len(list) || list[i] < 0 || list[i] > maxWindow:
			err = errors.New("strides, dilations or pads")
			return def
		}
		return int(list[i])
	}
	for d := range dims {
		s := &w.x
		if d < dims-1 {
			s = &w.y
		}
		s.in, s.kernel, s.stride, s.dilation = v.shape[2+d], kernel[d], pick(strides, d, 1), pick(dilations, d, 1)
		s.before = pick(pads, d, 0)
		after := pick(pads, d+dims, 0)
		full := s.stride*(s.in-1) + pick(extra, d, 0) + (s.kernel-1)*s.dilation + 1
		if len(wanted) > dims {
			return w, uncovered("an output_shape of %d dimensions", len(wanted))
		}
		same := auto == "SAME_UPPER" || auto == "SAME_LOWER"
		if wanted != nil || same {
			s.out = s.in * s.stride
			if wanted != nil {
				s.out = pick(wanted, d, 0)
			}
			total := max(full-s.out, 0)
			if s.before = total / 2; auto == "SAME_LOWER" {
				s.before = total - total/2
			}
		} else if s.out = full - s.before - after; auto != "NOTSET" && auto != "VALID" {
			return w, fmt.Errorf("auto_pad %q", auto)
		}
		if err != nil || s.stride < 1 || s.dilation < 1 || s.kernel < 1 || s.out < 1 || s.out > maxRowElements {
			return w, errors.Join(err, errors.New("a window that does not fit"))
		}
	}
	return w, err
}
