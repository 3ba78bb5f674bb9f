package onnx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/udf/model"
)

// call is what an operator sees while its node is compiled.
type call struct {
	*compiler
	*node
	inputs  []*value // nil: an optional input left out
	defined int      // outputs defined so far
}

// operator compiles a node: it checks inputs and attributes, defines the outputs and emits the steps.
type operator func(x *call) error

// compile runs the operator and refuses attributes that it did not look at: they could change the meaning.
func (x *call) compile(op operator) error {
	for _, v := range x.inputs {
		if v != nil {
			if err := x.charge(v.size()); err != nil {
				return err
			}
		}
	}
	err := op(x)
	if x.err != nil {
		return x.err
	}
	if err != nil {
		return err
	}
	for i, out := range x.out {
		if out != "" && x.values[out] == nil {
			return uncovered("output %d", i)
		}
	}
	if len(x.graphs) > 0 {
		return uncovered("attribute %s", x.graphs[0])
	}
	var unread []string
	for name := range x.attrs {
		if !x.read[name] {
			unread = append(unread, name)
		}
	}
	for name := range x.tensors {
		if !x.read[name] {
			unread = append(unread, name)
		}
	}
	if unread != nil {
		slices.Sort(unread)
		return uncovered("attribute %s", strings.Join(unread, ", "))
	}
	return nil
}

// input returns input i, which must be there.
func (x *call) input(i int) (*value, error) {
	if v := x.optional(i); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("input %d is missing", i)
}

// optional returns input i, or nil.
func (x *call) optional(i int) *value {
	if i < len(x.inputs) {
		return x.inputs[i]
	}
	return nil
}

// arity checks the number of inputs.
func (x *call) arity(least, most int) error {
	if len(x.inputs) < least || len(x.inputs) > most {
		return fmt.Errorf("%d inputs, want %d to %d", len(x.inputs), least, most)
	}
	for i := range least {
		if x.inputs[i] == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// output defines the next output.
func (x *call) output(kind model.ElemType, shape []int) (*value, error) {
	name := ""
	if x.defined < len(x.out) {
		name = x.out[x.defined]
	}
	x.defined++
	return x.define(name, kind, shape)
}

// alias defines the next output as another shape of v: no data moves.
func (x *call) alias(v *value, shape []int) error {
	if err := checkShape(shape); err != nil && !(v.size() == 0 && slices.Equal(shape, emptyList)) {
		return err
	}
	if product(shape) != v.size() {
		return fmt.Errorf("shape %s does not fit %s", shapeText(shape), shapeText(v.shape))
	}
	name := x.out[x.defined]
	x.defined++
	return x.bind(&value{name: name, kind: v.kind, shape: shape, reg: v.reg, rows: v.rows, keys: v.keys, split: v.split})
}

// emit adds a step, or runs it at once if all inputs are constant.
func (x *call) emit(s step) error {
	if x.folding {
		return s(&x.consts)
	}
	x.steps = append(x.steps, s)
	return nil
}

// constInts returns the elements of a constant integer input.
func (x *call) constInts(v *value, what string) ([]int64, error) {
	if v.batched() {
		return nil, uncovered("%s that depend on the rows", what)
	}
	if !v.kind.IsInt() {
		return nil, fmt.Errorf("%s of type %s", what, v.kind)
	}
	return x.consts.i64[v.reg], nil
}

// attr fetches an attribute of the wanted Go type; ok is false if it is absent or of another type, which is an error.
func attr[T any](n *node, name string) (v T, ok bool) {
	n.read[name] = true
	a, present := n.attrs[name]
	if !present {
		return v, false
	}
	v, ok = a.(T)
	if !ok && n.err == nil {
		n.err = fmt.Errorf("attribute %s is of the wrong type", name)
	}
	return v, ok
}

func (n *node) has(name string) bool {
	_, ok := n.attrs[name]
	return ok
}

func (n *node) int(name string, def int64) int64 {
	if v, ok := attr[int64](n, name); ok {
		return v
	}
	return def
}

func (n *node) float(name string, def float32) float32 {
	if v, ok := attr[float32](n, name); ok {
		return v
	}
	return def
}

func (n *node) text(name, def string) string {
	if v, ok := attr[string](n, name); ok {
		return v
	}
	return def
}

func (n *node) ints(name string) []int64 {
	v, _ := attr[[]int64](n, name)
	return v
}

func (n *node) floats(name string) []float32 {
	v, _ := attr[[]float32](n, name)
	return v
}

func (n *node) texts(name string) []string {
	v, _ := attr[[]string](n, name)
	return v
}

// ignore marks attributes that do not change results.
func (n *node) ignore(names ...string) {
	for _, name := range names {
		n.read[name] = true
	}
}

// tensorAttr decodes a tensor attribute; nil if it is absent.
func (x *call) tensorAttr(name string) (*tensor, error) {
	x.read[name] = true
	raw, ok := x.tensors[name]
	if !ok {
		return nil, nil
	}
	t, err := decodeTensor(raw, x.file.spend)
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", name, err)
	}
	return t, nil
}

// axis normalises an axis of v and refuses the batch.
func axis(v *value, a int64) (int, error) {
	at, err := anyAxis(v, a)
	if err == nil && v.shape[at] == batch {
		err = uncovered("axis %d, across rows", at)
	}
	return at, err
}

// anyAxis normalises an axis of v.
func anyAxis(v *value, a int64) (int, error) {
	rank := len(v.shape)
	if a < -int64(rank) || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d of a tensor of rank %d", a, rank)
	}
	if a < 0 {
		a += int64(rank)
	}
	return int(a), nil
}

// around splits a shape at an axis: elements a row before it, its length, and elements after it.
func around(shape []int, axis int) (outer, length, inner int) {
	return product(shape[:axis]), shape[axis], product(shape[axis+1:])
}
