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
	size, places := w.y.kernel*w.x.kernel, w.y.out*w.x.out
	inside, err := x.scratch(model.Float32, size)
	if err != nil {
		return err
	}
	if err := x.file.spend(4 * places * size); err != nil {
		return err
	}
	seen, image := w.seen(), w.y.in*w.x.in
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, y)
		buffer := f.f32[inside][:size]
		for c := range len(src) / image {
			reduceSeen(dst[c*places:][:places], src[c*image:][:image], buffer, seen, reduce)
		}
		return nil
	})
}

// reduceSeen folds every place of one channel; seen is what window.seen lists.
func reduceSeen(dst, image, buffer []float32, seen []int32, reduce fold) {
	for place := range dst {
		n := 0
		for _, i := range seen[place*len(buffer):][:len(buffer)] {
			if i >= 0 {
				buffer[n] = image[i]
				n++
			}
		}
		dst[place] = reduce(buffer[:n], len(buffer))
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
