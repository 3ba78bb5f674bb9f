package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// identity passes its first input on; Dropout does nothing when a model is used.
func identity(x *call) error {
	x.ignore("ratio", "seed", "is_test", "consumed_inputs")
	v, err := x.input(0)
	if err != nil {
		return err
	}
	for _, extra := range x.inputs[1:] {
		if extra != nil && extra.kind == model.Bool && (extra.batched() || x.consts.bln[extra.reg][0]) {
			return uncovered("training mode")
		}
	}
	return x.alias(v, v.shape)
}

// constantOf defines a constant from whichever value attribute is there.
func constantOf(x *call) error {
	t, err := x.tensorAttr("value")
	if err != nil {
		return err
	}
	switch {
	case t != nil:
	case x.has("value_float"):
		t = &tensor{kind: model.Float32, data: model.Column{Float32: []float32{x.float("value_float", 0)}}}
	case x.has("value_floats"):
		v := x.floats("value_floats")
		t = &tensor{kind: model.Float32, shape: []int{len(v)}, data: model.Column{Float32: v}}
	case x.has("value_int"):
		t = &tensor{kind: model.Int64, data: model.Column{Int64: []int64{x.int("value_int", 0)}}}
	case x.has("value_ints"):
		v := x.ints("value_ints")
		t = &tensor{kind: model.Int64, shape: []int{len(v)}, data: model.Column{Int64: v}}
	case x.has("value_string"):
		t = &tensor{kind: model.String, data: model.Column{String: []string{x.text("value_string", "")}}}
	case x.has("value_strings"):
		v := x.texts("value_strings")
		t = &tensor{kind: model.String, shape: []int{len(v)}, data: model.Column{String: v}}
	default:
		return uncovered("a constant without a value")
	}
	if x.err != nil {
		return x.err
	}
	if x.values[x.out[0]] != nil {
		return fmt.Errorf("%s is defined twice", x.out[0])
	}
	_, err = x.constant(x.out[0], t)
	return err
}

// reshape gives a value another shape. The batch stays where the new shape says 0 for it, or takes the place of -1.
func reshape(x *call) error {
	if err := x.arity(1, 2); err != nil {
		return err
	}
	var dims []int64
	if len(x.inputs) == 1 {
		dims = x.ints("shape")
	} else {
		var err error
		if dims, err = x.constInts(x.inputs[1], "shapes"); err != nil {
			return err
		}
	}
	if x.int("allowzero", 0) != 0 && slices.Contains(dims, 0) {
		return uncovered("empty shapes")
	}
	v := x.inputs[0]
	shape, err := resolveShape(v, dims)
	if err != nil {
		return err
	}
	return x.alias(v, shape)
}

func resolveShape(v *value, dims []int64) ([]int, error) {
	shape, wild := make([]int, len(dims)), -1
	for i, d := range dims {
		switch {
		case d == 0 && i < len(v.shape):
			shape[i] = v.shape[i]
		case d == -1 && wild < 0:
			wild = i
			shape[i] = 1
		case d > 0 && d <= maxRowElements:
			shape[i] = int(d)
		default:
			return nil, fmt.Errorf("shape %v", dims)
		}
	}
	size := int64(1)
	for _, d := range shape {
		if size *= int64(max(d, 1)); size > maxRowElements {
			return nil, fmt.Errorf("shape %v is too large", dims)
		}
	}
	switch {
	case wild < 0:
	case v.batched() && !slices.Contains(shape, batch):
		shape[wild] = batch
	case v.size()%int(size) == 0:
		shape[wild] = v.size() / int(size)
	}
	if v.batched() && (!slices.Contains(shape, batch) || product(shape) != v.size()) {
		return nil, uncovered("reshaping %s to %v, which mixes rows", shapeText(v.shape), dims)
	}
	return shape, nil
}

// flatten keeps the rows apart and makes one dimension of the rest.
func flatten(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	at := x.int("axis", 1)
	if at < 0 {
		at += int64(len(v.shape))
	}
	if at < 0 || at > int64(len(v.shape)) {
		return fmt.Errorf("axis %d of a tensor of rank %d", at, len(v.shape))
	}
	left, right := v.shape[:at], v.shape[at:]
	if !v.batched() {
		return x.alias(v, []int{product(left), product(right)})
	}
	if !slices.Contains(left, batch) || product(left) != 1 {
		return uncovered("axis %d, across rows", at)
	}
	return x.alias(v, []int{batch, product(right)})
}

// axes reads a list of axes: an attribute, or from operator set 13 on an input.
func (x *call) axes(input int) ([]int64, error) {
	if v := x.optional(input); v != nil {
		return x.constInts(v, "axes")
	}
	return x.ints("axes"), nil
}

func squeeze(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	axes, err := x.axes(1)
	if err != nil {
		return err
	}
	drop := make([]bool, len(v.shape))
	for _, a := range axes {
		if a < 0 {
			a += int64(len(v.shape))
		}
		if a < 0 || a >= int64(len(v.shape)) {
			return fmt.Errorf("axis %d of a tensor of rank %d", a, len(v.shape))
		}
		if v.shape[a] != 1 {
			return uncovered("squeezing the rows or an axis longer than 1")
		}
		drop[a] = true
	}
	var shape []int
	for i, d := range v.shape {
		if !drop[i] && (len(axes) > 0 || d != 1) {
			shape = append(shape, d)
		}
	}
	return x.alias(v, shape)
}

func unsqueeze(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	axes, err := x.axes(1)
	if err != nil {
		return err
	}
	rank := len(v.shape) + len(axes)
	if rank > maxRank {
		return fmt.Errorf("more than %d dimensions", maxRank)
	}
	shape := make([]int, rank)
	for _, a := range axes {
		if a < 0 {
			a += int64(rank)
		}
		if a < 0 || a >= int64(rank) || shape[a] != 0 {
			return fmt.Errorf("axes %v", axes)
		}
		shape[a] = 1
	}
	rest := v.shape
	for i := range shape {
		if shape[i] == 0 {
			shape[i], rest = rest[0], rest[1:]
		}
	}
	return x.alias(v, shape)
}

// transpose permutes dimensions; the batch must stay in front.
func transpose(x *call) error {
	v, err := x.input(0)
	if err != nil {
		return err
	}
	perm := x.ints("perm")
	if perm == nil {
		for i := range v.shape {
			perm = append(perm, int64(len(v.shape)-1-i))
		}
	}
	if len(perm) != len(v.shape) {
		return fmt.Errorf("permutation %v of rank %d", perm, len(v.shape))
	}
	strides := rowStrides(v.shape)
	shape, permuted, seen := make([]int, len(perm)), make([]int, len(perm)), make([]bool, len(perm))
	for i, p := range perm {
		if p < 0 || p >= int64(len(perm)) || seen[p] {
			return fmt.Errorf("permutation %v", perm)
		}
		seen[p] = true
		shape[i], permuted[i] = v.shape[p], strides[p]
	}
	if err := checkShape(shape); err != nil {
		return err
	}
	return x.pickOutput(v, indexTable(shape, permuted), shape)
}

// rowStrides are the strides of the dimensions within a row.
func rowStrides(shape []int) []int {
	strides, stride := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = stride
		if shape[i] != batch {
			stride *= shape[i]
		}
	}
	return strides
}

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
	if index.batched() {
		if v.batched() || a != 0 && a != -int64(len(v.shape)) || len(v.shape) == 0 {
			return uncovered("indices that depend on the rows")
		}
		return lookupTable(x, v, index, slices.Concat(index.shape, v.shape[1:]))
	}
	at, err := axis(v, a)
	if err != nil {
		return err
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
		if v.batched() || v.size() != v.shape[len(v.shape)-1] || index.size() != 1 {
			return uncovered("indices that depend on the rows")
		}
		return lookupTable(x, &value{kind: v.kind, shape: []int{v.size()}, reg: v.reg}, index, []int{1, batch})
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

// slice takes ranges along axes; a range over the rows must be all of them.
func slice(x *call) error {
	starts, ends, axes, steps, err := x.sliceRanges()
	if err != nil {
		return err
	}
	v := x.inputs[0]
	shape := slices.Clone(v.shape)
	index := indexTable(shape, rowStrides(shape))
	for i, a := range axes {
		if a < 0 {
			a += int64(len(shape))
		}
		if a < 0 || a >= int64(len(shape)) || i >= len(starts) || i >= len(ends) || i >= len(steps) || steps[i] == 0 {
			return fmt.Errorf("ranges %v to %v along %v", starts, ends, axes)
		}
		if shape[a] == batch {
			if starts[i] != 0 || ends[i] < math.MaxInt32 || steps[i] != 1 {
				return uncovered("a range of rows")
			}
			continue
		}
		positions := rangeOf(starts[i], ends[i], steps[i], shape[a])
		picked := along(shape, int(a), positions)
		next := make([]int32, len(picked))
		for k, p := range picked {
			next[k] = index[p]
		}
		index = next
		shape[a] = len(positions)
	}
	if err := checkShape(shape); err != nil {
		return err
	}
	return x.pickOutput(v, index, shape)
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
	at, err := axis(x.inputs[0], x.int("axis", 1))
	if err != nil {
		return err
	}
	return x.join(at)
}

// join concatenates the inputs, all of one type, along an axis.
func (x *call) join(at int) error {
	shape := slices.Clone(x.inputs[0].shape)
	for _, v := range x.inputs[1:] {
		if len(v.shape) != len(shape) {
			return fmt.Errorf("operands %s and %s", shapeText(shape), shapeText(v.shape))
		}
		for i, d := range v.shape {
			switch {
			case i == at && d > 0:
				shape[i] += d
			case d == batch || shape[i] == batch && d != shape[i]:
				if d != shape[i] {
					return uncovered("joining rows with constants")
				}
			case d != shape[i]:
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

func joinStep[T element](in []*value, out *value, at int) step {
	total := product(out.shape[at:])
	return func(f *frame) error {
		dst, offset := data[T](f, out), 0
		for _, v := range in {
			src, width := data[T](f, v), product(v.shape[at:])
			for o := 0; o*total < len(dst); o++ {
				copy(dst[o*total+offset:][:width], src[o*width:])
			}
			offset += width
		}
		return nil
	}
}
