package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// recurrent is what LSTM, GRU and RNN have in common: a cell that goes over the steps of a sequence, in one direction or both.
//
// Sequences lie either step by step (layout 0, the batch being the second dimension) or one after another (layout 1).
type recurrent struct {
	steps, batch, in, hidden int // batch: sequences that one row holds
	rowMajor                 bool
	gates                    int // numbers that a cell computes for each hidden one
	directions               []*direction
	clip                     float32 // bound of what activations are given; 0: none
}

// direction is one pass over the sequence with weights of its own.
type direction struct {
	reverse   bool
	input     *dense[float32] // from the elements of a step to all gates, with the bias
	state     *dense[float32] // from the state before to all gates
	hidden    *dense[float32] // GRU that resets before it multiplies: from the reset state to the hidden gate
	peep      []float32       // LSTM: weights of the memory, in the order input, output, forget
	stateBias []float32       // GRU that resets after it multiplies: bias of the hidden gate
	act       []activation
}

// cell computes one step: from the gates of the input x and the state h (and memory c, LSTM) to the state after.
// work is scratch of as many numbers as there are gates.
type cell func(l *recurrent, d *direction, x, h, c, work []float32)

// activation is a function that gates pass through. It may be given the same slice twice.
type activation func(dst, src []float32)

// byNumber is an activation by a function of one number.
func byNumber(fn func(v float32) float32) activation {
	return func(dst, src []float32) {
		for i, v := range src {
			dst[i] = fn(v)
		}
	}
}

// activationOf finds a function by its name; alpha and beta are nil where the file leaves them out.
func activationOf(name string, alpha, beta *float32) (activation, error) {
	a, b := float32(0.01), float32(0)
	if name == "HardSigmoid" {
		a, b = 0.2, 0.5
	}
	if name == "Elu" {
		a = 1
	}
	if alpha != nil {
		a = *alpha
	}
	if beta != nil {
		b = *beta
	}
	switch name {
	case "Sigmoid":
		return sigmoidTo, nil
	case "Tanh":
		return tanhTo, nil
	case "Relu":
		return reluTo, nil
	case "HardSigmoid":
		return byNumber(func(v float32) float32 { return max(0, min(1, float32(a*v)+b)) }), nil
	case "LeakyRelu":
		return byNumber(func(v float32) float32 { return leak(v, a) }), nil
	case "Elu":
		return byNumber(func(v float32) float32 {
			if v < 0 {
				return a * float32(math.Expm1(float64(v)))
			}
			return v
		}), nil
	case "Softsign":
		return byNumber(func(v float32) float32 { return float32(softsign(float64(v))) }), nil
	case "Softplus":
		return byNumber(func(v float32) float32 { return float32(softplus(float64(v))) }), nil
	}
	return nil, uncovered("activation %s", name)
}

// recurrence makes an operator of a cell. The defaults are the activations of one direction.
func recurrence(gates int, step cell, defaults ...string) operator {
	return func(x *call) error {
		if err := x.arity(3, 8); err != nil {
			return err
		}
		l, err := x.recurrent(gates, defaults)
		if err != nil {
			return err
		}
		return x.unroll(l, step)
	}
}

// recurrent reads the attributes and weights.
func (x *call) recurrent(gates int, defaults []string) (*recurrent, error) {
	if x.int("input_forget", 0) != 0 {
		return nil, uncovered("input_forget")
	}
	v, w, r := x.inputs[0], x.inputs[1], x.inputs[2]
	l := &recurrent{gates: gates, rowMajor: x.int("layout", 0) != 0, clip: x.float("clip", 0)}
	for _, p := range []*value{v, w, r, x.optional(3), x.optional(7)} {
		if p != nil && p.kind != model.Float32 {
			return nil, uncovered("an operand of %s", p.kind)
		}
	}
	if len(v.shape) != 3 || len(w.shape) != 3 || len(r.shape) != 3 || w.batched() || r.batched() {
		return nil, uncovered("operands %s, %s and %s", shapeText(v.shape), shapeText(w.shape), shapeText(r.shape))
	}
	l.steps, l.batch, l.in = v.shape[0], max(v.shape[1], 1), v.shape[2]
	if l.rowMajor {
		l.steps, l.batch = v.shape[1], max(v.shape[0], 1)
	}
	if l.steps == batch || l.in == batch {
		return nil, uncovered("steps across rows")
	}
	reverse := map[string][]bool{"forward": {false}, "reverse": {true}, "bidirectional": {false, true}}[x.text("direction", "forward")]
	l.hidden = r.shape[2]
	if n := x.int("hidden_size", int64(l.hidden)); n != int64(l.hidden) || l.hidden < 1 {
		return nil, fmt.Errorf("a hidden size of %d, and weights of %d", n, l.hidden)
	}
	want := []int{len(reverse), gates * l.hidden, l.in, len(reverse), gates * l.hidden, l.hidden}
	if got := slices.Concat(w.shape, r.shape); len(reverse) == 0 || !slices.Equal(got, want) {
		return nil, fmt.Errorf("weights %s and %s for %d inputs", shapeText(w.shape), shapeText(r.shape), l.in)
	}
	if err := x.file.spend(8 * len(reverse) * (gates*l.hidden + panelWidth) * (l.in + l.hidden)); err != nil {
		return nil, err
	}
	acts, err := x.activations(len(reverse), defaults)
	if err != nil {
		return nil, err
	}
	for i, back := range reverse {
		d := &direction{reverse: back, act: acts[i]}
		d.input = newDense(x.consts.f32[w.reg][i*gates*l.hidden*l.in:], l.in, gates*l.hidden, true)
		d.state = newDense(x.consts.f32[r.reg][i*gates*l.hidden*l.hidden:], l.hidden, gates*l.hidden, true)
		if err := x.recurrentBias(l, d, i); err != nil {
			return nil, err
		}
		l.directions = append(l.directions, d)
	}
	return l, nil
}

// recurrentBias adds the two biases of a direction, and takes the weights of peepholes.
func (x *call) recurrentBias(l *recurrent, d *direction, i int) error {
	n := l.gates * l.hidden
	if b := x.optional(3); b != nil {
		if b.batched() || len(b.shape) != 2 || b.size() != 2*n*b.shape[0] || i >= b.shape[0] {
			return uncovered("a bias of shape %s", shapeText(b.shape))
		}
		list := x.consts.f32[b.reg][2*n*i:][:2*n]
		sums := make([]float32, n)
		for k := range sums {
			sums[k] = list[k] + list[n+k]
		}
		if l.gates == gruGates && x.int("linear_before_reset", 0) != 0 {
			last := n - l.hidden
			copy(sums[last:], list[last:])
			d.stateBias = list[n+last:]
		}
		d.input.setBias(sums)
	}
	if p := x.optional(7); p != nil {
		if p.batched() || len(p.shape) != 2 || p.size() != 3*l.hidden*p.shape[0] || i >= p.shape[0] {
			return uncovered("peepholes of shape %s", shapeText(p.shape))
		}
		d.peep = x.consts.f32[p.reg][3*l.hidden*i:][:3*l.hidden]
	}
	if l.gates == gruGates && x.int("linear_before_reset", 0) == 0 {
		r := x.inputs[2]
		last := (i*l.gates + l.gates - 1) * l.hidden * l.hidden
		d.hidden = newDense(x.consts.f32[r.reg][last:], l.hidden, l.hidden, true)
	}
	return nil
}

// activations lists the functions of each direction.
func (x *call) activations(directions int, defaults []string) ([][]activation, error) {
	names, alpha, beta := x.texts("activations"), x.floats("activation_alpha"), x.floats("activation_beta")
	if names == nil {
		names = slices.Repeat(defaults, directions)
	}
	if len(names) != directions*len(defaults) {
		return nil, fmt.Errorf("%d activations for %d directions", len(names), directions)
	}
	out := make([][]activation, directions)
	for i, name := range names {
		var a, b *float32
		if i < len(alpha) {
			a = &alpha[i]
		}
		if i < len(beta) {
			b = &beta[i]
		}
		fn, err := activationOf(name, a, b)
		if err != nil {
			return nil, err
		}
		out[i/len(defaults)] = append(out[i/len(defaults)], fn)
	}
	return out, nil
}

// unroll defines the outputs and emits the pass over the sequences.
func (x *call) unroll(l *recurrent, step cell) error {
	v, d := x.inputs[0], len(l.directions)
	all, last := []int{l.steps, d, v.shape[1], l.hidden}, []int{d, v.shape[1], l.hidden}
	if l.rowMajor {
		all, last = []int{v.shape[0], l.steps, d, l.hidden}, []int{v.shape[0], d, l.hidden}
	}
	lengths, start, memory := x.optional(4), x.optional(5), x.optional(6)
	for _, s := range []*value{start, memory} {
		if s != nil && (s.kind != model.Float32 || s.size() != product(last)) {
			return uncovered("an initial state of %s %s", s.kind, shapeText(s.shape))
		}
	}
	if lengths != nil && (!lengths.kind.IsInt() || lengths.size() != l.batch) {
		return uncovered("lengths of %s %s", lengths.kind, shapeText(lengths.shape))
	}
	var err error
	output := func(shape []int) *value {
		y, e := x.output(model.Float32, shape)
		err = errors.Join(err, e)
		return y
	}
	if err := x.charge(l.steps, l.batch, d, l.gates*l.hidden, l.in+2*l.hidden); err != nil {
		return err
	}
	y, h, c := output(all), output(last), output(last)
	gates, e := x.scratch(model.Float32, l.steps*l.batch*l.gates*l.hidden)
	work, e2 := x.scratch(model.Float32, l.gates*l.hidden+panelWidth)
	if err := errors.Join(err, e, e2); err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, v), data[float32](f, y)
		hs, cs := data[float32](f, h), data[float32](f, c)
		initial(hs, f, start)
		initial(cs, f, memory)
		var n []int64
		if lengths != nil {
			n = data[int64](f, lengths)
		}
		for r := range len(dst) / y.size() {
			s := sequences{x: rowAt(src, r*v.size(), v.size()), y: dst[r*y.size():][:y.size()], h: hs[r*h.size():][:h.size()], c: cs[r*c.size():][:c.size()]}
			if n != nil {
				s.lengths = n[r*l.batch%len(n):][:l.batch]
			}
			if err := l.run(s, step, f.f32[gates], f.f32[work]); err != nil {
				return err
			}
		}
		return nil
	})
}

// initial fills the states of all rows.
func initial(dst []float32, f *frame, v *value) {
	if v == nil {
		clear(dst)
		return
	}
	repeat(dst, data[float32](f, v))
}

// sequences are those of one row: elements, states after each step, and the states at the ends, which begin as the initial ones.
type sequences struct {
	x, y, h, c []float32
	lengths    []int64 // nil: all steps count
}

func (l *recurrent) run(s sequences, step cell, gates, work []float32) error {
	width, places := l.gates*l.hidden, l.steps*l.batch
	clear(s.y)
	for i, d := range l.directions {
		d.input.run(gates, s.x, places)
		for b := range l.batch {
			n := l.steps
			if s.lengths != nil {
				if s.lengths[b] < 0 || s.lengths[b] > int64(l.steps) {
					return fmt.Errorf("a sequence of %d steps, of at most %d", s.lengths[b], l.steps)
				}
				n = int(s.lengths[b])
			}
			end := l.end(i, b)
			h, c := s.h[end:][:l.hidden], s.c[end:][:l.hidden]
			for k := range n {
				t := k
				if d.reverse {
					t = n - 1 - k
				}
				step(l, d, gates[l.place(t, b)*width:][:width], h, c, work)
				copy(s.y[l.after(t, i, b):], h)
			}
		}
	}
	return nil
}

// place is the number of the step of a sequence among all of a row.
func (l *recurrent) place(t, b int) int {
	if l.rowMajor {
		return b*l.steps + t
	}
	return t*l.batch + b
}

// after is where the state after a step goes, and end where that after all steps goes.
func (l *recurrent) after(t, direction, b int) int {
	if l.rowMajor {
		return ((b*l.steps+t)*len(l.directions) + direction) * l.hidden
	}
	return ((t*len(l.directions)+direction)*l.batch + b) * l.hidden
}

func (l *recurrent) end(direction, b int) int {
	if l.rowMajor {
		return (b*len(l.directions) + direction) * l.hidden
	}
	return (direction*l.batch + b) * l.hidden
}

// activate passes gates through a function, which is given no more than the bound.
func (l *recurrent) activate(fn activation, dst, src []float32) {
	if l.clip > 0 {
		for i, v := range src {
			dst[i] = max(-l.clip, min(l.clip, v))
		}
		src = dst
	}
	fn(dst, src)
}
