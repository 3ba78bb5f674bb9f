package onnx

import (
	"fmt"
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
	return x.constantOutput(t)
}

// reshape gives a value another shape. The batch stays where the new shape has a place for it.
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
	shape, err := x.resolveShape(v, dims)
	if err != nil {
		return err
	}
	return x.alias(v, shape)
}

// resolveShape works out what a row of v becomes under the dimensions, 0 and -1 as ONNX reads them.
func (x *call) resolveShape(v *value, dims []int64) ([]int, error) {
	if len(dims) > maxRank {
		return nil, fmt.Errorf("more than %d dimensions", maxRank)
	}
	shape, wild := make([]int, len(dims)), -1
	at := slices.Index(v.shape, batch)
	before := 1 // elements before the batch
	if at >= 0 {
		before = product(v.shape[:at])
	}
	kept := -1 // where the batch stands by the file's word
	for i, d := range dims {
		switch {
		case d == 0 && i < len(v.shape):
			if shape[i] = max(v.shape[i], 1); i == at {
				kept = i
			}
		case d == -1 && wild < 0:
			wild = i
			shape[i] = 1
		case x.stacked > 1 && at >= 0 && kept < 0 && d == int64(x.stacked) && wild < 0 && product(shape[:i]) == before:
			shape[i], kept = 1, i
		case d > 0 && d <= maxRowElements:
			shape[i] = int(d)
		default:
			return nil, fmt.Errorf("shape %v", dims)
		}
	}
	size := int64(1)
	for _, d := range shape {
		if size *= int64(d); size > maxRowElements {
			return nil, fmt.Errorf("shape %v is too large", dims)
		}
	}
	if wild >= 0 && v.size()%int(size) == 0 {
		shape[wild] = v.size() / int(size)
	}
	if product(shape) != v.size() {
		return nil, uncovered("reshaping %s to %v, which mixes rows", shapeText(v.shape), dims)
	}
	if at >= 0 {
		markBatch(shape, before, kept, wild, at)
	}
	return shape, nil
}

// markBatch marks the dimension of 1 that has as many elements before it as the batch had: first choice is what the file
// said, then the dimension left open, then the old place.
func markBatch(shape []int, before int, candidates ...int) {
	for i := range shape {
		candidates = append(candidates, i)
	}
	for _, i := range candidates {
		if i >= 0 && i < len(shape) && shape[i] == 1 && product(shape[:i]) == before {
			shape[i] = batch
			return
		}
	}
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
	shape := []int{product(left), product(right)}
	if v.stacked() && shape[0] == 1 && slices.Contains(left, batch) {
		shape[0] = batch
	}
	return x.alias(v, shape)
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

// transpose permutes dimensions.
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
	order, seen := make([]int, len(perm)), make([]bool, len(perm))
	for i, p := range perm {
		if p < 0 || p >= int64(len(perm)) || seen[p] {
			return fmt.Errorf("permutation %v", perm)
		}
		seen[p], order[i] = true, int(p)
	}
	shape, index := permuted(v.shape, order)
	return x.pickOutput(v, index, shape)
}

// permuted is a shape with its dimensions in another order, and where the elements of a row come from.
func permuted(shape, order []int) ([]int, []int32) {
	strides := rowStrides(shape)
	dims, steps := make([]int, len(order)), make([]int, len(order))
	for i, p := range order {
		dims[i], steps[i] = shape[p], strides[p]
	}
	return dims, indexTable(dims, steps)
}

// permute defines a temporary that is v with its dimensions in another order.
func (x *call) permute(v *value, order []int) (*value, error) {
	shape, index := permuted(v.shape, order)
	return x.pick(v, index, "", shape, !v.batched())
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
