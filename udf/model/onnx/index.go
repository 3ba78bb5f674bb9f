package onnx

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// gatherBy is Gather by indices that rows compute: for each of the places before the axis, the elements behind it at each
// index.
func (x *call) gatherBy(v, index *value, at int) error {
	shape := withAxis(v.shape, at, index.shape...)
	if len(shape) > maxRank {
		return fmt.Errorf("more than %d dimensions", maxRank)
	}
	outer, length, inner := around(v.shape, at)
	n := index.size()
	flat, err := x.positionsOf(product(shape), func(dst, src []int64) error {
		for o := range outer {
			for k := range n {
				p, err := within(src[k], length)
				if err != nil {
					return err
				}
				for i := range inner {
					dst[(o*n+k)*inner+i] = int64((o*length+int(p))*inner + i)
				}
			}
		}
		return nil
	}, index)
	if err != nil {
		return err
	}
	return x.pickBy(v, flat, shape)
}

// positionsOf defines a temporary of n positions a row, which fn computes from a row of the index.
func (x *call) positionsOf(n int, fn func(dst, src []int64) error, index *value) (*value, error) {
	if !index.kind.IsInt() {
		return nil, fmt.Errorf("indices of %s", index.kind)
	}
	out, err := x.define("", model.Int64, []int{n})
	if err != nil {
		return nil, err
	}
	width := index.size()
	return out, x.emit(func(f *frame) error {
		src, dst := data[int64](f, index), data[int64](f, out)
		for at := 0; at < len(dst); at += n {
			if err := fn(dst[at:at+n], rowAt(src, at/n*width, width)); err != nil {
				return err
			}
		}
		return nil
	})
}

// elementPlaces is where the elements of an index of GatherElements or ScatterElements lie in v, but for the axis, and how far
// apart those along the axis are.
func (x *call) elementPlaces(v, index *value, at int) ([]int32, int, error) {
	if len(v.shape) != len(index.shape) {
		return nil, 0, fmt.Errorf("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
	}
	for i, d := range index.shape {
		switch {
		case i == at:
		case d == batch && v.shape[i] > 1 || (d == batch) != (v.shape[i] == batch) && x.stacked > 0:
			return nil, 0, uncovered("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
		case d > max(v.shape[i], 1):
			return nil, 0, fmt.Errorf("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
		}
	}
	strides := rowStrides(v.shape)
	stride := strides[at]
	strides[at] = 0
	return indexTable(index.shape, strides), stride, nil
}

// gatherElements picks, for every element of the index, the one of its place that the index says along the axis.
func gatherElements(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	at, err := axis(v, x.int("axis", 0))
	if err != nil {
		return err
	}
	flat, err := x.elementPositions(v, index, at)
	if err != nil {
		return err
	}
	return x.pickBy(v, flat, slices.Clone(index.shape))
}

func (x *call) elementPositions(v, index *value, at int) (*value, error) {
	places, stride, err := x.elementPlaces(v, index, at)
	if err != nil {
		return nil, err
	}
	if err := x.file.spend(4 * len(places)); err != nil {
		return nil, err
	}
	length := v.shape[at]
	return x.positionsOf(len(places), func(dst, src []int64) error {
		for j, base := range places {
			p, err := within(src[j], length)
			if err != nil {
				return err
			}
			dst[j] = int64(base) + p*int64(stride)
		}
		return nil
	}, index)
}

// gatherND picks blocks by tuples of positions.
func gatherND(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	rank, skip := len(index.shape), int(x.int("batch_dims", 0))
	if rank == 0 || skip < 0 || skip >= rank || skip >= len(v.shape) {
		return fmt.Errorf("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
	}
	for i := range skip {
		if v.shape[i] != index.shape[i] {
			return uncovered("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
		}
	}
	positions, width, err := x.tuplePositions(v, index, skip)
	if err != nil {
		return err
	}
	return x.pickBy(v, positions, slices.Concat(index.shape[:rank-1], v.shape[skip+width:]))
}

// tuplePositions are the elements of v that the tuples of an index name, and the length of a tuple. The first skip dimensions
// are shared.
func (x *call) tuplePositions(v, index *value, skip int) (*value, int, error) {
	rank := len(index.shape)
	width := index.shape[rank-1]
	if width < 1 || skip+width > len(v.shape) || slices.Contains(v.shape[skip:skip+width], batch) {
		return nil, 0, uncovered("indices of shape %s for %s", shapeText(index.shape), shapeText(v.shape))
	}
	strides := rowStrides(v.shape)
	lengths := v.shape[skip : skip+width]
	tuples, block := product(index.shape[:rank-1]), product(v.shape[skip+width:])
	each := tuples / product(index.shape[:skip]) // tuples for one place of the shared dimensions
	span := product(v.shape[skip:])
	if block > maxRowElements/tuples {
		return nil, 0, fmt.Errorf("a result of more than %d elements", maxRowElements)
	}
	flat, err := x.positionsOf(tuples*block, func(dst, src []int64) error {
		for t := range tuples {
			base := int64(t / each * span)
			for k, length := range lengths {
				p, err := within(src[t*width+k], length)
				if err != nil {
					return err
				}
				base += p * int64(strides[skip+k])
			}
			for i := range block {
				dst[t*block+i] = base + int64(i)
			}
		}
		return nil
	}, index)
	return flat, width, err
}

// scatterElements writes, or adds, updates to the places that an index says.
func scatterElements(x *call) error {
	if err := x.arity(3, 3); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	at, err := axis(v, x.int("axis", 0))
	if err != nil {
		return err
	}
	flat, err := x.elementPositions(v, index, at)
	if err != nil {
		return err
	}
	return x.scatter(v, flat)
}

// scatterND writes blocks to the places that tuples name.
func scatterND(x *call) error {
	if err := x.arity(3, 3); err != nil {
		return err
	}
	v, index := x.inputs[0], x.inputs[1]
	if len(index.shape) == 0 {
		return fmt.Errorf("indices of shape %s", shapeText(index.shape))
	}
	if v.stacked() && index.stacked() {
		return uncovered("indices across rows")
	}
	flat, _, err := x.tuplePositions(v, index, 0)
	if err != nil {
		return err
	}
	return x.scatter(v, flat)
}

// scatter defines the next output as v with input 2 written to the positions.
func (x *call) scatter(v, positions *value) error {
	updates := x.inputs[2]
	if updates.kind != v.kind || updates.size() != positions.size() {
		return fmt.Errorf("updates of %s %s", updates.kind, shapeText(updates.shape))
	}
	reduce := x.text("reduction", "none")
	switch v.kind {
	case model.Float32:
		return scatterAll(x, v, positions, updates, scatterWays[float32](reduce))
	case model.Float64:
		return scatterAll(x, v, positions, updates, scatterWays[float64](reduce))
	case model.Int64:
		return scatterAll(x, v, positions, updates, scatterWays[int64](reduce))
	}
	return uncovered("an operand of %s", v.kind)
}

func scatterWays[T number](reduce string) func(old, by T) T {
	return map[string]func(old, by T) T{
		"none": func(_, by T) T { return by },
		"add":  func(old, by T) T { return old + by },
		"mul":  func(old, by T) T { return old * by },
		"min":  func(old, by T) T { return min(old, by) },
		"max":  func(old, by T) T { return max(old, by) },
	}[reduce]
}

func scatterAll[T number](x *call, v, positions, updates *value, combine func(old, by T) T) error {
	if combine == nil {
		return uncovered("reduction %s", x.text("reduction", ""))
	}
	out, err := x.output(v.kind, slices.Clone(v.shape))
	if err != nil {
		return err
	}
	width, n := v.size(), positions.size()
	return x.emit(func(f *frame) error {
		src, at, by, dst := data[T](f, v), data[int64](f, positions), data[T](f, updates), data[T](f, out)
		repeat(dst, src)
		for r := 0; r*width < len(dst); r++ {
			row, from := dst[r*width:][:width], rowAt(by, r*n, n)
			for j, p := range rowAt(at, r*n, n) {
				row[p] = combine(row[p], from[j])
			}
		}
		return nil
	})
}
