package onnx

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// along lists the elements of a row that stand at the positions along an axis.
func along(shape []int, axis int, positions []int) []int32 {
	outer, length, inner := around(shape, axis)
	index := make([]int32, 0, outer*len(positions)*inner)
	for o := range outer {
		for _, p := range positions {
			for i := range inner {
				index = append(index, int32((o*length+p)*inner+i))
			}
		}
	}
	return index
}

func withAxis(shape []int, axis int, dims ...int) []int {
	return slices.Concat(shape[:axis], dims, shape[axis+1:])
}

// gather picks positions along an axis, or rows of a constant table by an index that each row computes.
func gather(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	a := x.int("axis", 0)
	at, err := axis(v, a)
	if err != nil {
		return err
	}
	if index.batched() {
		if v.batched() || at != 0 {
			return x.gatherBy(v, index, at)
		}
		return lookupTable(x, v, index, slices.Concat(index.shape, v.shape[1:]))
	}
	positions, err := x.positions(index, v.shape[at])
	if err != nil {
		return err
	}
	return x.gatherAlong(v, at, positions, index.shape)
}

func (x *call) gatherAlong(v *value, at int, positions []int, dims []int) error {
	shape := withAxis(v.shape, at, dims...)
	if len(shape) > maxRank {
		return fmt.Errorf("more than %d dimensions", maxRank)
	}
	if err := checkShape(shape); err != nil {
		return err
	}
	return x.pickOutput(v, along(v.shape, at, positions), shape)
}

// positions checks constant indices against the length of their axis.
func (x *call) positions(index *value, length int) ([]int, error) {
	list, err := x.constInts(index, "indices")
	if err != nil {
		return nil, err
	}
	out := make([]int, len(list))
	for i, p := range list {
		if p < 0 {
			p += int64(length)
		}
		if p < 0 || p >= int64(length) {
			return nil, fmt.Errorf("index %d of %d", list[i], length)
		}
		out[i] = int(p)
	}
	return out, nil
}

// arrayFeatureExtractor picks along the last axis; with a constant list and a computed index it is a table.
func arrayFeatureExtractor(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	if len(v.shape) == 0 {
		return uncovered("a scalar")
	}
	if index.batched() {
		return x.extractBy(v, index)
	}
	last := len(v.shape) - 1
	if v.shape[last] == batch {
		return uncovered("extraction across rows")
	}
	positions, err := x.positions(index, v.shape[last])
	if err != nil {
		return err
	}
	return x.gatherAlong(v, last, positions, []int{len(positions)})
}

// extractBy picks along the last axis by indices that rows compute.
func (x *call) extractBy(v, index *value) error {
	last := len(v.shape) - 1
	flat := *index
	if flat.shape = []int{index.size()}; index.size() == 1 && index.stacked() {
		flat.shape[0] = batch
	}
	if v.shape[last] == batch {
		return uncovered("extraction across rows")
	}
	if len(v.shape) == 1 {
		row := *v
		row.shape = []int{1, v.shape[0]}
		v, last = &row, 1
	}
	if !v.batched() && v.size() == v.shape[last] {
		return lookupTable(x, &value{kind: v.kind, shape: []int{v.size()}, reg: v.reg}, &flat, []int{1, flat.shape[0]})
	}
	return x.gatherBy(v, &flat, last)
}

// lookupTable emits the gathering of rows of a constant by computed indices. An index outside is an error then.
func lookupTable(x *call, table, index *value, shape []int) error {
	if !index.kind.IsInt() {
		return fmt.Errorf("indices of %s", index.kind)
	}
	out, err := x.output(table.kind, shape)
	if err != nil {
		return err
	}
	switch table.kind {
	case model.Float32:
		return x.emit(lookupStep[float32](table, index, out))
	case model.Float64:
		return x.emit(lookupStep[float64](table, index, out))
	case model.Int64, model.Int32:
		return x.emit(lookupStep[int64](table, index, out))
	case model.String:
		return x.emit(lookupStep[string](table, index, out))
	}
	return x.emit(lookupStep[bool](table, index, out))
}

func lookupStep[T element](table, index, out *value) step {
	width := product(table.shape[1:])
	length := int64(table.shape[0])
	return func(f *frame) error {
		src, dst := data[T](f, table), data[T](f, out)
		for r, i := range data[int64](f, index) {
			if i < 0 {
				i += length
			}
			if i < 0 || i >= length {
				return fmt.Errorf("index %d of a table of %d", i, length)
			}
			copy(dst[r*width:][:width], src[int(i)*width:])
		}
		return nil
	}
}
