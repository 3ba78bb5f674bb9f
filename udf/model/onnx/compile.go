package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/udf/model"
)

// batch marks the dimension of a shape in which the file stacks rows. A row has 1 there.
const batch = -1

// value is a tensor that flows through the program: its type, its shape and the register that holds it. The elements
// of a row lie together, in row-major order, wherever the batch stands in the shape. What is computed from rows need
// not have a batch: operators may have lost sight of it, or the file may have none.
type value struct {
	name  string
	kind  model.ElemType
	shape []int
	reg   int
	rows  bool      // every row has a tensor of its own; else it is a constant
	keys  []string  // ZipMap: the keys of the columns
	split *splitter // Tokenizer: the text is to be read as its words
}

// batched says whether each row has its own elements. Others are constants.
func (v *value) batched() bool { return v.rows }

// stacked says whether the value has the dimension in which the file stacks rows.
func (v *value) stacked() bool { return slices.Contains(v.shape, batch) }

// size is the number of elements a row, or of the whole constant.
func (v *value) size() int { return product(v.shape) }

// elems is the number of elements that n rows hold.
func (v *value) elems(n int) int {
	if v.batched() {
		return n * v.size()
	}
	return v.size()
}

// formError says that an operator is covered but not in the form that the file uses.
type formError struct{ form string }

func (e *formError) Error() string { return e.form + " not covered" }

func uncovered(format string, args ...any) error { return &formError{fmt.Sprintf(format, args...)} }

// compiler turns nodes into a program. Nodes whose inputs are all constant run at once, so what is left depends on
// the rows alone.
type compiler struct {
	file    *file
	opset   int64 // of the default domain
	values  map[string]*value
	unknown map[string]bool // outputs of uncovered nodes
	consts  frame           // one row; holds the constants
	kinds   []model.ElemType
	sizes   []int // elements a row by register; 0 for constants
	fixed   []int // elements whatever the rows, by register: scratch
	steps   []step
	folding bool // the node being compiled has constant inputs only
	stacked int  // the fixed number of rows that the file is written for; 0: any number, or a row a call
	missing []string

	work       int // steps charged so far
	arranged   int // elements of rearrangements so far
	frameBytes int // what the registers of one row take
}

// Versions of the operator sets whose meaning this package knows.
const (
	minOpset, maxOpset = 6, 26
	maxMLOpset         = 4
)

// compile makes a program that scores a row as the model applied to that row alone.
//
// Exporters leave the first dimension of every input open, or write 1. Where all of them have another fixed number, it
// may be a batch of that size; it is taken as one if no operator mixes its rows. Otherwise all that the model is given
// at once is one row.
func compile(f *file, nodes []*node) (*program, error) {
	if n := f.stacked(); n > 1 {
		budget := f.budget
		if p, err := compileRows(f, nodes, n); err == nil {
			return p, nil
		}
		f.budget = budget
	}
	return compileRows(f, nodes, 0)
}

func compileRows(f *file, nodes []*node, stacked int) (*program, error) {
	c := &compiler{file: f, opset: f.opsets[""], values: map[string]*value{}, unknown: map[string]bool{}, stacked: stacked}
	c.consts.n = 1
	if v, ok := f.opsets[""]; ok && (v < minOpset || v > maxOpset) {
		c.miss(fmt.Sprintf("operator set %d (covered: %d to %d)", v, minOpset, maxOpset))
	}
	if v := f.opsets["ai.onnx.ml"]; v > maxMLOpset {
		c.miss(fmt.Sprintf("operator set ai.onnx.ml %d (covered: 1 to %d)", v, maxMLOpset))
	}
	inputs, err := c.inputs()
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		domain := n.op[:max(strings.LastIndexByte(n.op, '.'), 0)]
		if _, declared := f.opsets[domain]; !declared {
			return nil, fmt.Errorf("node %q (%s): the operator set of its domain %q is not declared", n.name, n.op, domain)
		}
		if err := c.node(n); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.name, n.op, err)
		}
	}
	outputs, err := c.outputs()
	if err != nil {
		return nil, err
	}
	if c.missing != nil {
		return nil, &model.UnsupportedError{Backend: backendName, Missing: c.missing}
	}
	return c.finish(inputs, outputs), nil
}

func (c *compiler) miss(what string) {
	if !slices.Contains(c.missing, what) {
		c.missing = append(c.missing, what)
	}
}

func (c *compiler) inputs() ([]*value, error) {
	if len(c.file.inputs) == 0 {
		c.miss("a model without inputs")
	}
	var in []*value
	for _, info := range c.file.inputs {
		kind, ok := elemTypes[info.elem]
		shape, err := c.inputShape(info)
		if info.form != "tensor" || !ok {
			c.miss(fmt.Sprintf("input %s of type %s %s", info.name, info.form, elemName(info.elem)))
			c.unknown[info.name] = true
			continue
		}
		if err != nil {
			c.miss(err.Error())
			c.unknown[info.name] = true
			continue
		}
		v, err := c.define(info.name, kind, shape)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	return in, nil
}

// stacked is the first dimension of all inputs, if it is the same fixed number; 0 otherwise.
func (f *file) stacked() int {
	n := int64(0)
	for i, info := range f.inputs {
		if len(info.shape) == 0 || info.shape[0] < 1 || info.shape[0] > maxElements || i > 0 && info.shape[0] != n {
			return 0
		}
		n = info.shape[0]
	}
	return int(n)
}

// inputShape makes the one open dimension the batch.
func (c *compiler) inputShape(info valueInfo) ([]int, error) {
	if !info.known {
		return nil, fmt.Errorf("input %s without dimensions", info.name)
	}
	shape := make([]int, len(info.shape))
	for i, d := range info.shape {
		shape[i] = int(d)
		switch {
		case d > maxElements:
			return nil, fmt.Errorf("input %s whose dimension %d is too large", info.name, i)
		case d < 1 && slices.Contains(shape[:i], batch):
			return nil, fmt.Errorf("input %s whose dimension %d is not fixed", info.name, i)
		case d < 1 || i == 0 && c.stacked > 0:
			shape[i] = batch
		}
	}
	return shape, nil
}

// checkShape refuses shapes that are empty, too large, or have the batch twice.
func checkShape(shape []int) error {
	if len(shape) > maxRank {
		return fmt.Errorf("more than %d dimensions", maxRank)
	}
	n, seen := 1, false
	for _, d := range shape {
		switch {
		case d == batch && seen:
			return uncovered("a result of shape %s, of rows by rows", shapeText(shape))
		case d == batch:
			seen = true
		case d < 1:
			return uncovered("an empty result of shape %s", shapeText(shape))
		default:
			if n *= d; n > maxRowElements {
				return fmt.Errorf("a result of shape %s is too large", shapeText(shape))
			}
		}
	}
	return nil
}

func shapeText(shape []int) string {
	s := "["
	for i, d := range shape {
		if i > 0 {
			s += ","
		}
		if d == batch {
			s += "?"
		} else {
			s += fmt.Sprint(d)
		}
	}
	return s + "]"
}

// emptyList is the shape of a list without elements, as exporters write "no axes" and "the shape of a scalar".
var emptyList = []int{0}

// takesEmpty says whether an operator can have an empty list as that input.
func takesEmpty(op string, input int) bool {
	switch op {
	case "Concat", "Slice", "Cast", "Identity", "ConstantOfShape":
		return true
	case "Reshape", "Expand", "Squeeze", "Unsqueeze":
		return input > 0
	}
	return input > 0 && strings.HasPrefix(op, "Reduce")
}

// register adds a register for a value of the kind. Constants get their storage now, rows when a frame is made.
func (c *compiler) register(kind model.ElemType, shape []int, rows bool) (int, error) {
	if err := checkShape(shape); err != nil && !(slices.Equal(shape, emptyList) && !rows) {
		return 0, err
	}
	if len(c.kinds) >= 4*maxNodes {
		return 0, errors.New("the program needs too many registers")
	}
	if err := c.charge(product(shape)); err != nil {
		return 0, err
	}
	reg := len(c.kinds)
	c.kinds = append(c.kinds, kind)
	c.sizes, c.fixed = append(c.sizes, 0), append(c.fixed, 0)
	if rows {
		if err := c.reserve(kind, product(shape)); err != nil {
			return 0, err
		}
		c.sizes[reg] = product(shape)
		c.consts.add(kind, 0)
	} else {
		if err := c.file.spend(elemBytes(kind) * product(shape)); err != nil {
			return 0, err
		}
		c.consts.add(kind, product(shape))
	}
	return reg, nil
}

// scratch adds a register of n numbers that a step may use while it runs.
func (c *compiler) scratch(kind model.ElemType, n int) (int, error) {
	reg, err := c.register(kind, []int{n}, false)
	if err != nil {
		return 0, err
	}
	c.fixed[reg] = n
	return reg, c.reserve(kind, n)
}

// define makes a new value under a name that nothing else has: a constant while a node is folded.
func (c *compiler) define(name string, kind model.ElemType, shape []int) (*value, error) {
	reg, err := c.register(kind, shape, !c.folding)
	if err != nil {
		return nil, err
	}
	v := &value{name: name, kind: kind, shape: shape, reg: reg, rows: !c.folding}
	return v, c.bind(v)
}

func (c *compiler) bind(v *value) error {
	if v.name == "" {
		return nil
	}
	if v.rows && c.stacked > 0 && !v.stacked() {
		return uncovered("a result of shape %s, of all rows", shapeText(v.shape))
	}
	if c.values[v.name] != nil || c.unknown[v.name] || c.file.tensors[v.name] != nil {
		return fmt.Errorf("%s is defined twice", v.name)
	}
	c.values[v.name] = v
	return nil
}

// constant enters a decoded tensor as a value.
func (c *compiler) constant(name string, t *tensor) (*value, error) {
	reg, err := c.register(t.kind, t.shape, false)
	if err != nil {
		return nil, err
	}
	c.consts.set(t.kind, reg, t.data)
	v := &value{name: name, kind: t.kind, shape: t.shape, reg: reg}
	if name != "" {
		c.values[name] = v
	}
	return v, nil
}

// lookup finds an input of a node, decoding an initializer on first use. known is false if it comes from an
// uncovered node.
func (c *compiler) lookup(name string) (v *value, known bool, err error) {
	if v := c.values[name]; v != nil {
		return v, true, nil
	}
	if c.unknown[name] {
		return nil, false, nil
	}
	raw, ok := c.file.tensors[name]
	if !ok {
		return nil, false, fmt.Errorf("%s is read before it is computed: the graph is cyclic or not in order", name)
	}
	t, err := decodeTensor(raw, c.file.spend)
	if err == nil {
		v, err = c.constant(name, t)
	}
	if err != nil {
		return nil, false, fmt.Errorf("initializer %s: %w", name, err)
	}
	return v, true, nil
}

// node compiles one node. Uncovered operators and forms are noted, and their outputs unknown from there on.
func (c *compiler) node(n *node) error {
	compileOp, covered := operators[n.op]
	if !covered {
		c.miss("operator " + n.op)
	}
	known := covered
	c.folding = true
	x := &call{compiler: c, node: n}
	for _, name := range n.in {
		if name == "" { // an optional input left out
			x.inputs = append(x.inputs, nil)
			continue
		}
		v, ok, err := c.lookup(name)
		var form *formError
		if errors.As(err, &form) {
			c.miss("operator " + n.op + ": " + form.form)
		} else if err != nil {
			return err
		}
		if ok && v.split != nil && !slices.Contains(splittable, n.op) {
			c.miss("operator " + n.op + ": words of a text")
			known = false
		}
		if ok && v.size() == 0 && !takesEmpty(n.op, len(x.inputs)) {
			c.miss("operator " + n.op + ": an empty operand")
			known = false
		}
		known = known && ok
		c.folding = c.folding && ok && !v.batched()
		x.inputs = append(x.inputs, v)
	}
	if known {
		err := x.compile(compileOp)
		var form *formError
		if !errors.As(err, &form) {
			return err
		}
		c.miss("operator " + n.op + ": " + form.form)
	}
	for _, out := range n.out {
		if out != "" && c.values[out] == nil {
			c.unknown[out] = true
		}
	}
	return nil
}

func (c *compiler) outputs() ([]*value, error) {
	if len(c.file.outputs) == 0 {
		return nil, errors.New("the model has no output")
	}
	var out []*value
	for _, info := range c.file.outputs {
		v, ok, err := c.lookup(info.name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("output %s: %w", info.name, err)
		case !ok:
		case v.split != nil:
			c.miss(fmt.Sprintf("output %s, words of a text", info.name))
		case !v.batched() && c.stacked > 0:
			c.miss(fmt.Sprintf("output %s, which does not depend on the rows", info.name))
		default:
			named := *v
			named.name = info.name
			out = append(out, &named)
		}
	}
	return out, nil
}
