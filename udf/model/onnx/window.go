package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// span1 is a window that moves along one dimension of an image.
type span1 struct {
	in, out          int // lengths of the image and of the result
	kernel, stride   int
	dilation, before int // distance of its elements; padding before the image
}

// at is the place in the image of element k of window o; it may lie outside.
func (s span1) at(o, k int) int { return o*s.stride - s.before + k*s.dilation }

// window is a window over the rows and columns of an image. Images of one dimension have one row.
type window struct {
	channels int
	y, x     span1
}

// window reads the attributes that convolutions and pools share, for rows of channels of one or two dimensions. kernel is
// the shape of the weights; nil: the attribute says it.
func (x *call) window(v *value, kernel []int) (w window, err error) {
	dims := len(v.shape) - 2
	if v.kind != model.Float32 || slices.Contains(v.shape[1:], batch) || dims < 1 || dims > 2 {
		return w, uncovered("an operand of %s %s", v.kind, shapeText(v.shape))
	}
	w = window{channels: v.shape[1], y: span1{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}}
	shape, strides := x.ints("kernel_shape"), x.ints("strides")
	dilations, pads, auto := x.ints("dilations"), x.ints("pads"), x.text("auto_pad", "NOTSET")
	if shape == nil {
		for _, k := range kernel {
			shape = append(shape, int64(k))
		}
	}
	if len(shape) != dims || kernel != nil && len(kernel) != dims {
		return w, fmt.Errorf("a kernel of %d dimensions for %s", len(shape), shapeText(v.shape))
	}
	ceil := x.int("ceil_mode", 0) != 0
	for d := range dims {
		s := &w.x
		if d < dims-1 {
			s = &w.y
		}
		if kernel != nil && int64(kernel[d]) != shape[d] {
			return w, errors.New("kernel_shape differs from the weights")
		}
		s.in = v.shape[2+d]
		if err := s.read(d, shape, strides, dilations, pads, auto, ceil); err != nil {
			return w, err
		}
	}
	return w, nil
}

// maxWindow bounds what the attributes of a window may say.
const maxWindow = 1 << 15

// read takes dimension d of the attributes; absent lists are of ones, or of no padding.
func (s *span1) read(d int, shape, strides, dilations, pads []int64, auto string, ceil bool) error {
	pick := func(list []int64, i int, def int64) int {
		switch {
		case list == nil:
			return int(def)
		case i >= len(list) || list[i] < 0 || list[i] > maxWindow:
			return -1
		}
		return int(list[i])
	}
	s.kernel, s.stride, s.dilation = pick(shape, d, 1), pick(strides, d, 1), pick(dilations, d, 1)
	s.before = pick(pads, d, 0)
	after := pick(pads, d+len(shape), 0)
	if s.kernel < 1 || s.stride < 1 || s.dilation < 1 || s.before < 0 || after < 0 {
		return errors.New("kernel_shape, strides, dilations or pads")
	}
	reach := (s.kernel-1)*s.dilation + 1
	switch auto {
	case "NOTSET":
	case "VALID":
		s.before, after = 0, 0
	case "SAME_UPPER", "SAME_LOWER":
		total := max(0, ((s.in+s.stride-1)/s.stride-1)*s.stride+reach-s.in)
		s.before, after = total/2, total-total/2
		if auto == "SAME_LOWER" {
			s.before, after = after, s.before
		}
	default:
		return fmt.Errorf("auto_pad %q", auto)
	}
	room := s.in + s.before + after - reach
	if room < 0 || s.before >= reach || after >= reach {
		return uncovered("a window of %d over %d elements with padding %d and %d", reach, s.in, s.before, after)
	}
	if ceil && room%s.stride != 0 {
		return uncovered("ceil_mode where it matters")
	}
	s.out = room/s.stride + 1
	return nil
}

// seen lists, place after place, row by row, where in an image of one channel the elements lie that the window sees; -1 outside the image.
func (w window) seen() []int32 {
	list := make([]int32, 0, w.y.out*w.x.out*w.y.kernel*w.x.kernel)
	for oy := range w.y.out {
		for ox := range w.x.out {
			for ky := range w.y.kernel {
				iy := w.y.at(oy, ky)
				for kx := range w.x.kernel {
					if ix := w.x.at(ox, kx); iy >= 0 && iy < w.y.in && ix >= 0 && ix < w.x.in {
						list = append(list, int32(iy*w.x.in+ix))
					} else {
						list = append(list, -1)
					}
				}
			}
		}
	}
	return list
}

// shape is the shape of a result with so many channels.
func (w window) shape(v *value, channels int) []int {
	if len(v.shape) == 3 {
		return []int{v.shape[0], channels, w.x.out}
	}
	return []int{v.shape[0], channels, w.y.out, w.x.out}
}
