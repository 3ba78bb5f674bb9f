package onnx

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// broadcast is the shape that NumPy's rules give several operands. The batch lines up with itself and with 1.
func broadcast(vs ...*value) ([]int, error) {
	rank := 0
	for _, v := range vs {
		rank = max(rank, len(v.shape))
	}
	out := slices.Repeat([]int{1}, rank)
	for _, v := range vs {
		offset := rank - len(v.shape)
		for i, d := range v.shape {
			o := &out[offset+i]
			switch {
			case *o == d || d == 1:
			case *o == 1:
				*o = d
			case *o == batch || d == batch:
				return nil, uncovered("operands whose rows do not line up")
			default:
				return nil, fmt.Errorf("operands of lengths %d and %d", *o, d)
			}
		}
	}
	return out, checkShape(out)
}

// spread returns v with as many elements a row as shape has: v itself, or a copy whose elements are repeated. What is
// repeated of a constant is repeated now, and not for each row.
func (x *call) spread(v *value, shape []int) (*value, error) {
	full := product(shape)
	if v.size() == full {
		return v, nil
	}
	if err := checkShape(shape); err != nil {
		return nil, err // before its index is made
	}
	return x.pick(v, spreadIndex(v.shape, shape), "", []int{full}, !v.batched())
}

// spreadIndex maps every element of a row of shape to its element of a row of from.
func spreadIndex(from, shape []int) []int32 {
	padded := append(slices.Repeat([]int{1}, len(shape)-len(from)), from...)
	strides := make([]int, len(shape))
	stride := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if padded[i] > 1 {
			strides[i] = stride
			stride *= padded[i]
		}
	}
	return indexTable(shape, strides)
}

// indexTable lists the offsets of the elements of a row of the shape under the strides, in row-major order.
func indexTable(shape, strides []int) []int32 {
	index := []int32{0}
	for i, d := range shape {
		if d == batch || d == 1 {
			continue
		}
		next := make([]int32, 0, len(index)*d)
		for _, base := range index {
			for k := range d {
				next = append(next, base+int32(k*strides[i]))
			}
		}
		index = next
	}
	return index
}

// pick defines a value whose row holds, in order, the elements index of a row of v. With now set the step runs at
// once, for constants of nodes that do not fold.
func (x *call) pick(v *value, index []int32, name string, shape []int, now bool) (*value, error) {
	if err := x.file.spend(4 * len(index)); err != nil {
		return nil, err
	}
	folding := x.folding
	x.folding = folding || now
	out, err := x.define(name, v.kind, shape)
	x.folding = folding
	if err != nil {
		return nil, err
	}
	var s step
	switch v.kind {
	case model.Float32:
		s = pickStep[float32](v, out, index)
	case model.Float64:
		s = pickStep[float64](v, out, index)
	case model.Int64, model.Int32:
		s = pickStep[int64](v, out, index)
	case model.Bool:
		s = pickStep[bool](v, out, index)
	case model.String:
		s = pickStep[string](v, out, index)
	}
	if now {
		return out, s(&x.consts)
	}
	return out, x.emit(s)
}

func pickStep[T element](v, out *value, index []int32) step {
	width := v.size()
	return func(f *frame) error {
		src, dst := data[T](f, v), data[T](f, out)
		for len(dst) > 0 {
			row := src[:width]
			for j, i := range index {
				dst[j] = row[i]
			}
			src, dst = src[width:], dst[len(index):]
		}
		return nil
	}
}

// pickOutput is pick for the next output of the node; an index that changes nothing only renames.
func (x *call) pickOutput(v *value, index []int32, shape []int) error {
	if len(index) == v.size() && slices.IsSorted(index) && (len(index) == 0 || int(index[len(index)-1]) == len(index)-1) {
		return x.alias(v, shape)
	}
	name := x.out[x.defined]
	x.defined++
	_, err := x.pick(v, index, name, shape, false)
	return err
}
