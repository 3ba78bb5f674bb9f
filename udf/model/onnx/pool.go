package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// fold reduces what a window sees of one channel: the elements inside the image, and how many there are in all.
type fold func(inside []float32, all int) float32

func greatest(inside []float32, _ int) float32 {
	top := float32(math.Inf(-1))
	for _, v := range inside {
		top = max(top, v)
	}
	return top
}

func meanInside(inside []float32, _ int) float32 { return meanAll(inside, len(inside)) }

func meanAll(inside []float32, all int) float32 {
	sum := float32(0)
	for _, v := range inside {
		sum += v
	}
	return sum / float32(all)
}

// maxPool takes the greatest element of each window.
func maxPool(x *call) error {
	if x.int("storage_order", 0) != 0 {
		return uncovered("storage_order")
	}
	return x.pool(greatest)
}

// averagePool takes the mean of each window, of what lies inside the image unless the padding counts.
func averagePool(x *call) error {
	if x.int("count_include_pad", 0) != 0 {
		return x.pool(meanAll)
	}
	return x.pool(meanInside)
}

func (x *call) pool(reduce fold) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	v := x.inputs[0]
	if len(v.shape) < 3 {
		return uncovered("an operand of shape %s", shapeText(v.shape))
	}
	w, err := x.window(v, nil)
	if err != nil {
		return err
	}
	if err := x.charge(w.y.out, w.x.out, w.channels, w.y.kernel, w.x.kernel); err != nil {
		return err
	}
	y, err := x.output(model.Float32, w.shape(v, w.channels))
	if err != nil {
		return err
	}
	seen, err := x.scratch(model.Float32, w.y.kernel*w.x.kernel)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, y)
		buffer, image := f.f32[seen], w.y.in*w.x.in
		for c := range len(src) / image {
			w.reduce(dst[c*w.y.out*w.x.out:], src[c*image:][:image], buffer, reduce)
		}
		return nil
	})
}

// reduce folds every place of one channel.
func (w window) reduce(dst, image, buffer []float32, reduce fold) {
	for oy := range w.y.out {
		for ox := range w.x.out {
			n := 0
			for ky := range w.y.kernel {
				iy := w.y.at(oy, ky)
				for kx := range w.x.kernel {
					ix := w.x.at(ox, kx)
					if iy >= 0 && iy < w.y.in && ix >= 0 && ix < w.x.in {
						buffer[n] = image[iy*w.x.in+ix]
						n++
					}
				}
			}
			dst[oy*w.x.out+ox] = reduce(buffer[:n], len(buffer))
		}
	}
}

// globalPool reduces each channel to one element.
func globalPool(reduce fold) operator {
	return func(x *call) error {
		if err := x.arity(1, 1); err != nil {
			return err
		}
		v := x.inputs[0]
		if v.kind != model.Float32 || len(v.shape) < 3 || slices.Contains(v.shape[1:], batch) {
			return uncovered("an operand of %s %s", v.kind, shapeText(v.shape))
		}
		shape := []int{v.shape[0], v.shape[1]}
		for range v.shape[2:] {
			shape = append(shape, 1)
		}
		size := product(v.shape[2:])
		if size < 1 {
			return fmt.Errorf("channels of shape %s are empty", shapeText(v.shape))
		}
		y, err := x.output(model.Float32, shape)
		if err != nil {
			return err
		}
		return x.emit(func(f *frame) error {
			src, dst := data[float32](f, v), data[float32](f, y)
			for c := range dst {
				dst[c] = reduce(src[c*size:][:size], size)
			}
			return nil
		})
	}
}
