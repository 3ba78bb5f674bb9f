package onnx

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// outside marks a place in an index that no element of the source fills.
const outside = -1

// picker is a rearrangement under construction: the shape of the result, and by element the one of the source row that goes
// there.
type picker struct {
	call  *call
	shape []int
	index []int32
}

func (x *call) pickAll(shape []int) (picker, error) {
	if err := x.arrange(product(shape)); err != nil {
		return picker{}, err
	}
	return picker{x, slices.Clone(shape), indexTable(shape, rowStrides(shape))}, nil
}

// take keeps, along an axis, the positions in their order; outside is none.
func (p *picker) take(axis int, positions []int) error {
	outer, length, inner := around(p.shape, axis)
	if outer*inner > maxRowElements/max(len(positions), 1) {
		return fmt.Errorf("a result of more than %d elements", maxRowElements)
	}
	if err := p.call.arrange(outer * inner * len(positions)); err != nil {
		return err
	}
	next := make([]int32, 0, outer*inner*len(positions))
	for o := range outer {
		for _, at := range positions {
			for i := range inner {
				if at == outside {
					next = append(next, outside)
				} else {
					next = append(next, p.index[(o*length+at)*inner+i])
				}
			}
		}
	}
	p.index, p.shape[axis] = next, len(positions)
	return nil
}

// pickOrFill defines the next output by a picker; the places outside get the one element of fill, or zero.
func (x *call) pickOrFill(v, fill *value, p picker) error {
	if !slices.Contains(p.index, outside) {
		return x.pickOutput(v, p.index, p.shape)
	}
	if fill != nil && (fill.kind != v.kind || fill.batched() || fill.size() != 1) {
		return uncovered("a filling of %s %s", fill.kind, shapeText(fill.shape))
	}
	if err := x.file.spend(4 * len(p.index)); err != nil {
		return err
	}
	out, err := x.output(v.kind, p.shape)
	if err != nil {
		return err
	}
	switch v.kind {
	case model.Float32:
		return x.emit(fillStep[float32](v, fill, out, p.index))
	case model.Float64:
		return x.emit(fillStep[float64](v, fill, out, p.index))
	case model.Int64, model.Int32:
		return x.emit(fillStep[int64](v, fill, out, p.index))
	case model.String:
		return x.emit(fillStep[string](v, fill, out, p.index))
	}
	return x.emit(fillStep[bool](v, fill, out, p.index))
}

func fillStep[T element](v, fill, out *value, index []int32) step {
	width := v.size()
	return func(f *frame) error {
		var other T
		if fill != nil {
			other = data[T](f, fill)[0]
		}
		src, dst := data[T](f, v), data[T](f, out)
		for at := 0; at < len(dst); at += len(index) {
			row := rowAt(src, at/len(index)*width, width)
			for j, i := range index {
				if i == outside {
					dst[at+j] = other
				} else {
					dst[at+j] = row[i]
				}
			}
		}
		return nil
	}
}

// pickBy defines the next output by an index that each row computes: element j is the one of v's row that index[j] says.
func (x *call) pickBy(v, index *value, shape []int) error {
	out, err := x.output(v.kind, shape)
	if err != nil {
		return err
	}
	switch v.kind {
	case model.Float32:
		return x.emit(pickByStep[float32](v, index, out))
	case model.Float64:
		return x.emit(pickByStep[float64](v, index, out))
	case model.Int64, model.Int32:
		return x.emit(pickByStep[int64](v, index, out))
	case model.String:
		return x.emit(pickByStep[string](v, index, out))
	}
	return x.emit(pickByStep[bool](v, index, out))
}

func pickByStep[T element](v, index, out *value) step {
	width, n := v.size(), out.size()
	return func(f *frame) error {
		src, by, dst := data[T](f, v), data[int64](f, index), data[T](f, out)
		for at := 0; at < len(dst); at += n {
			row := rowAt(src, at/n*width, width)
			for j, i := range rowAt(by, at, n) {
				dst[at+j] = row[i]
			}
		}
		return nil
	}
}

// within counts a negative position from the end.
func within(position int64, length int) (int64, error) {
	p := position
	if p < 0 {
		p += int64(length)
	}
	if p < 0 || p >= int64(length) {
		return 0, fmt.Errorf("index %d of %d", position, length)
	}
	return p, nil
}
