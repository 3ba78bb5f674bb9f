package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// constantOutput defines the next output as a tensor that is known now.
func (x *call) constantOutput(t *tensor) error {
	name := x.out[x.defined]
	x.defined++
	if x.values[name] != nil || x.unknown[name] || x.file.tensors[name] != nil {
		return fmt.Errorf("%s is defined twice", name)
	}
	_, err := x.constant(name, t)
	return err
}

func intTensor(shape []int, v ...int64) *tensor {
	return &tensor{kind: model.Int64, shape: shape, data: model.Column{Int64: v}}
}

// dimensions are those of a shape as operators read it: the batch of one row is 1.
func (x *call) dimensions(shape []int) []int64 {
	out := make([]int64, len(shape))
	for i, d := range shape {
		if out[i] = int64(d); d == batch {
			out[i] = int64(max(x.stacked, 1))
		}
	}
	return out
}

// shapeOf gives the dimensions of a tensor, or a range of them.
func shapeOf(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	dims := x.dimensions(v.shape)
	positions := rangeOf(x.int("start", 0), x.int("end", math.MaxInt64), 1, len(dims))
	list := make([]int64, 0, len(positions))
	for _, p := range positions {
		list = append(list, dims[p])
	}
	return x.constantOutput(intTensor([]int{len(list)}, list...))
}

// sizeOf gives the number of elements.
func sizeOf(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	n := int64(1)
	for _, d := range x.dimensions(v.shape) {
		n *= d
	}
	return x.constantOutput(intTensor(nil, n))
}

// constShape reads dimensions from a constant input.
func (x *call) constShape(v *value) ([]int, error) {
	list, err := x.constInts(v, "shapes")
	if err != nil {
		return nil, err
	}
	if len(list) > maxRank {
		return nil, fmt.Errorf("more than %d dimensions", maxRank)
	}
	shape := make([]int, len(list))
	for i, d := range list {
		if d < 0 || d > maxElements {
			return nil, fmt.Errorf("dimension %d", d)
		}
		shape[i] = int(d)
	}
	return shape, checkShape(shape)
}

// expand repeats elements as broadcasting does.
func expand(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v := x.inputs[0]
	dims, err := x.constShape(x.inputs[1])
	if err != nil {
		return err
	}
	shape, err := broadcast(v, &value{shape: dims})
	if err != nil {
		return err
	}
	return x.pickOutput(v, spreadIndex(v.shape, shape), shape)
}

// constantOfShape repeats one element.
func constantOfShape(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	shape, err := x.constShape(x.inputs[0])
	if err != nil {
		return err
	}
	t, err := x.tensorAttr("value")
	if err != nil {
		return err
	}
	if t == nil {
		t = &tensor{kind: model.Float32, data: model.Column{Float32: []float32{0}}}
	}
	if t.data.Len(t.kind) != 1 {
		return errors.New("not one value")
	}
	one, err := x.constant("", t)
	if err != nil {
		return err
	}
	return x.pickOutput(one, make([]int32, product(shape)), shape)
}

// rangeNumbers counts from a start to a limit.
func rangeNumbers(x *call) error {
	if err := x.arity(3, 3); err != nil {
		return err
	}
	if err := x.sameKind(3); err != nil {
		return err
	}
	for _, v := range x.inputs {
		if v.batched() || v.size() != 1 {
			return uncovered("limits that depend on the rows")
		}
	}
	switch kind := x.inputs[0].kind; {
	case kind == model.Float32:
		return counted[float32](x)
	case kind == model.Float64:
		return counted[float64](x)
	case kind.IsInt():
		return counted[int64](x)
	default:
		return uncovered("operands of %s", kind)
	}
}

func counted[T number](x *call) error {
	from, to, by := bank[T](&x.consts)[x.inputs[0].reg][0], bank[T](&x.consts)[x.inputs[1].reg][0], bank[T](&x.consts)[x.inputs[2].reg][0]
	n := math.Ceil((float64(to) - float64(from)) / float64(by))
	if !(n >= 1 && n <= maxRowElements) {
		return uncovered("a range of %v elements", n)
	}
	out, err := x.output(x.inputs[0].kind, []int{int(n)})
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		for i := range data[T](f, out) {
			data[T](f, out)[i] = from + T(i)*by
		}
		return nil
	})
}

// tile repeats a tensor along its axes.
func tile(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v := x.inputs[0]
	times, err := x.constInts(x.inputs[1], "repeats")
	if err != nil {
		return err
	}
	if len(times) != len(v.shape) {
		return fmt.Errorf("%d repeats of %s", len(times), shapeText(v.shape))
	}
	p, err := x.pickAll(v.shape)
	if err != nil {
		return err
	}
	for i, n := range times {
		if n == 1 {
			continue
		}
		if n < 1 || n > maxRowElements || v.shape[i] == batch {
			return uncovered("%d repeats of axis %d of %s", n, i, shapeText(v.shape))
		}
		if err := p.take(i, slices.Repeat(rangeOf(0, int64(v.shape[i]), 1, v.shape[i]), int(min(n, maxRowElements/int64(v.shape[i])+1)))); err != nil {
			return err
		}
	}
	return x.pickOutput(v, p.index, p.shape)
}

// depthToSpace moves channels into squares of an image.
func depthToSpace(x *call) error {
	v, size, err := x.blocks()
	if err != nil {
		return err
	}
	b, c, h, w := v.shape[0], v.shape[1], v.shape[2], v.shape[3]
	if c%(size*size) != 0 {
		return fmt.Errorf("%d channels in squares of %d", c, size)
	}
	c /= size * size
	split, order := []int{b, size, size, c, h, w}, []int{0, 3, 4, 1, 5, 2}
	if mode := x.text("mode", "DCR"); mode == "CRD" {
		split, order = []int{b, c, size, size, h, w}, []int{0, 1, 4, 2, 5, 3}
	} else if mode != "DCR" {
		return fmt.Errorf("mode %q", mode)
	}
	_, index := permuted(split, order)
	return x.pickOutput(v, index, []int{b, c, h * size, w * size})
}

// spaceToDepth moves squares of an image into channels.
func spaceToDepth(x *call) error {
	v, size, err := x.blocks()
	if err != nil {
		return err
	}
	b, c, h, w := v.shape[0], v.shape[1], v.shape[2], v.shape[3]
	if h%size != 0 || w%size != 0 {
		return fmt.Errorf("squares of %d in %s", size, shapeText(v.shape))
	}
	_, index := permuted([]int{b, c, h / size, size, w / size, size}, []int{0, 3, 5, 1, 2, 4})
	return x.pickOutput(v, index, []int{b, c * size * size, h / size, w / size})
}

func (x *call) blocks() (*value, int, error) {
	v, err := x.input(0)
	if err != nil {
		return nil, 0, err
	}
	size := x.int("blocksize", 0)
	if len(v.shape) != 4 || slices.Contains(v.shape[1:], batch) || size < 1 || size > maxWindow {
		return nil, 0, uncovered("squares of %d in %s", size, shapeText(v.shape))
	}
	return v, int(size), nil
}

// trilu keeps the upper or the lower triangle of matrices.
func trilu(x *call) error {
	if err := x.arity(1, 2); err != nil {
		return err
	}
	v, k := x.inputs[0], int64(0)
	if shift := x.optional(1); shift != nil {
		list, err := x.constInts(shift, "diagonals")
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return errors.New("not one diagonal")
		}
		k = list[0]
	}
	upper := x.int("upper", 1) != 0
	n := len(v.shape)
	if n < 2 || slices.Contains(v.shape[n-2:], batch) {
		return uncovered("matrices %s", shapeText(v.shape))
	}
	p, err := x.pickAll(v.shape)
	if err != nil {
		return err
	}
	rows, columns := v.shape[n-2], v.shape[n-1]
	for i := range p.index {
		row, column := int64(i/columns%rows), int64(i%columns)
		if upper && column-row < k || !upper && column-row > k {
			p.index[i] = outside
		}
	}
	return x.pickOrFill(v, nil, p)
}

// eyeLike is a matrix with ones on a diagonal.
func eyeLike(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	code := x.int("dtype", -1)
	kind, ok := elemTypes[int32(code)]
	if code == -1 {
		kind, ok = v.kind, true
	}
	if !ok || len(v.shape) != 2 || v.stacked() {
		return uncovered("a matrix %s of %s", shapeText(v.shape), elemName(int32(code)))
	}
	k, rows, columns := x.int("k", 0), v.shape[0], v.shape[1]
	t := &tensor{kind: model.Float32, shape: v.shape, data: model.Column{Float32: make([]float32, rows*columns)}}
	for r := range int64(rows) {
		if c := r + k; c >= 0 && c < int64(columns) {
			t.data.Float32[r*int64(columns)+c] = 1
		}
	}
	ones, err := x.constant("", t)
	if err != nil {
		return err
	}
	folding := x.folding
	x.folding = true
	defer func() { x.folding = folding }()
	out, err := x.convert(ones, kind, true)
	if err == nil && out == ones {
		err = x.alias(ones, ones.shape)
	}
	return err
}

// compress keeps the positions for which a constant says so.
func compress(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, keep := x.inputs[0], x.inputs[1]
	if keep.batched() || keep.kind != model.Bool {
		return uncovered("conditions that depend on the rows")
	}
	shape, at := v.shape, 0
	if x.has("axis") {
		var err error
		if at, err = axis(v, x.int("axis", 0)); err != nil {
			return err
		}
	} else {
		if v.stacked() {
			return uncovered("all elements, across rows")
		}
		shape = []int{v.size()}
	}
	var positions []int
	for i, k := range x.consts.bln[keep.reg] {
		if k && i < shape[at] {
			positions = append(positions, i)
		}
	}
	p, err := x.pickAll(shape)
	if err != nil {
		return err
	}
	if err := p.take(at, positions); err != nil {
		return err
	}
	return x.pickOutput(v, p.index, p.shape)
}
