package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// slice takes ranges along axes; a range over the rows must be all of them.
func slice(x *call) error {
	starts, ends, axes, steps, err := x.sliceRanges()
	if err != nil {
		return err
	}
	v := x.inputs[0]
	p, err := x.pickAll(v.shape)
	if err != nil {
		return err
	}
	for i, a := range axes {
		if a < 0 {
			a += int64(len(p.shape))
		}
		if a < 0 || a >= int64(len(p.shape)) || i >= len(starts) || i >= len(ends) || i >= len(steps) || steps[i] == 0 {
			return fmt.Errorf("ranges %v to %v along %v", starts, ends, axes)
		}
		if p.shape[a] == batch {
			if starts[i] != 0 || ends[i] < math.MaxInt32 || steps[i] != 1 {
				return uncovered("a range of rows")
			}
			continue
		}
		if err := p.take(int(a), rangeOf(starts[i], ends[i], steps[i], p.shape[a])); err != nil {
			return err
		}
	}
	return x.pickOutput(v, p.index, p.shape)
}

// sliceRanges reads the attributes of operator sets before 10, or the inputs since.
func (x *call) sliceRanges() (starts, ends, axes, steps []int64, err error) {
	if err = x.arity(1, 5); err != nil {
		return
	}
	starts, ends, axes = x.ints("starts"), x.ints("ends"), x.ints("axes")
	for i, list := range []*[]int64{&starts, &ends, &axes, &steps} {
		if v := x.optional(i + 1); v != nil {
			if *list, err = x.constInts(v, "ranges"); err != nil {
				return
			}
		}
	}
	if axes == nil {
		for i := range starts {
			axes = append(axes, int64(i))
		}
	}
	if steps == nil {
		steps = slices.Repeat([]int64{1}, len(axes))
	}
	return
}

// rangeOf lists the positions of a range as NumPy counts them.
func rangeOf(start, end, step int64, length int) []int {
	n := int64(length)
	clamp := func(p, low, high int64) int64 {
		if p < 0 {
			p = max(p, -n-1) + n
		}
		return min(max(p, low), high)
	}
	var out []int
	if step > 0 {
		step = min(step, n)
		for p := clamp(start, 0, n); p < clamp(end, 0, n); p += step {
			out = append(out, int(p))
		}
		return out
	}
	step = max(step, -n)
	for p := clamp(start, -1, n-1); p > clamp(end, -1, n-1); p += step {
		out = append(out, int(p))
	}
	return out
}

// split cuts an axis into parts.
func split(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	at, err := axis(v, x.int("axis", 0))
	if err != nil {
		return err
	}
	parts := x.ints("split")
	if sizes := x.optional(1); sizes != nil {
		if parts, err = x.constInts(sizes, "sizes"); err != nil {
			return err
		}
	}
	x.ignore("num_outputs") // it is the number of outputs
	if parts == nil {
		each := (v.shape[at] + len(x.out) - 1) / len(x.out)
		for left := v.shape[at]; left > 0; left -= each {
			parts = append(parts, int64(min(each, left)))
		}
	}
	from := int64(0)
	if len(parts) != len(x.out) {
		return fmt.Errorf("%d outputs for %d parts", len(x.out), len(parts))
	}
	for _, n := range parts {
		if n == 0 {
			return uncovered("empty parts")
		}
		if n < 1 || from+n > int64(v.shape[at]) {
			return fmt.Errorf("parts %v of %d", parts, v.shape[at])
		}
		positions := rangeOf(from, from+n, 1, v.shape[at])
		if err := x.pickOutput(v, along(v.shape, at, positions), withAxis(v.shape, at, len(positions))); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// concat joins values along an axis.
func concat(x *call) error {
	if err := x.sameKind(1); err != nil {
		return err
	}
	at, err := anyAxis(x.inputs[0], x.int("axis", 1))
	if err == nil && x.stacked > 0 {
		at, err = axis(x.inputs[0], int64(at))
	}
	if err != nil {
		return err
	}
	return x.join(at)
}

// join concatenates the inputs, all of one type, along an axis.
func (x *call) join(at int) error {
	shape := slices.Clone(x.inputs[0].shape)
	shape[at] = oneRow(shape[at])
	for _, v := range x.inputs[1:] {
		if len(v.shape) != len(shape) {
			return fmt.Errorf("operands %s and %s", shapeText(shape), shapeText(v.shape))
		}
		for i, d := range v.shape {
			switch {
			case i == at && x.stacked > 0 && d == batch:
				return uncovered("axis %d, across rows", at)
			case i == at:
				shape[i] += oneRow(d)
			case d == shape[i]:
			case max(d, 1) == max(shape[i], 1) && x.stacked == 0: // one row, and a constant for it
				shape[i] = batch
			case d == batch || shape[i] == batch:
				return uncovered("joining rows with constants")
			default:
				return fmt.Errorf("operands %s and %s", shapeText(shape), shapeText(v.shape))
			}
		}
	}
	out, err := x.output(x.inputs[0].kind, shape)
	if err != nil {
		return err
	}
	switch out.kind {
	case model.Float32:
		return x.emit(joinStep[float32](x.inputs, out, at))
	case model.Float64:
		return x.emit(joinStep[float64](x.inputs, out, at))
	case model.Int64, model.Int32:
		return x.emit(joinStep[int64](x.inputs, out, at))
	case model.String:
		return x.emit(joinStep[string](x.inputs, out, at))
	}
	return x.emit(joinStep[bool](x.inputs, out, at))
}

// oneRow is the length of a dimension in one row.
func oneRow(d int) int {
	if d == batch {
		return 1
	}
	return d
}

func joinStep[T element](in []*value, out *value, at int) step {
	total := product(out.shape[at:])
	return func(f *frame) error {
		dst, offset := data[T](f, out), 0
		for _, v := range in {
			src, width := data[T](f, v), product(v.shape[at:])
			if len(src) == 0 {
				continue
			}
			for o := 0; o*total < len(dst); o++ {
				copy(dst[o*total+offset:][:width], src[o*width%len(src):])
			}
			offset += width
		}
		return nil
	}
}
