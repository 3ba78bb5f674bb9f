package onnx

// Numbers that the cells compute for each hidden one.
const (
	rnnGates  = 1
	gruGates  = 3
	lstmGates = 4
)

// rnnCell is h = f(x W + h R + b).
func rnnCell(l *recurrent, d *direction, x, h, _, work []float32) {
	d.state.run(work, h, 1)
	for i := range h {
		h[i] = d.act[0](l.bound(x[i] + work[i]))
	}
}

// lstmCell has the gates input, output, forget and cell, in that order.
func lstmCell(l *recurrent, d *direction, x, h, c, work []float32) {
	n := l.hidden
	d.state.run(work, h, 1)
	for i := range 4 * n {
		work[i] += x[i]
	}
	f, g, out := d.act[0], d.act[1], d.act[2]
	for i := range n {
		in, forget := work[i], work[2*n+i]
		if d.peep != nil {
			in += float32(d.peep[i] * c[i])
			forget += float32(d.peep[2*n+i] * c[i])
		}
		in, forget = f(l.bound(in)), f(l.bound(forget))
		memory := float32(forget*c[i]) + float32(in*g(l.bound(work[3*n+i])))
		open := work[n+i]
		if d.peep != nil {
			open += float32(d.peep[n+i] * memory)
		}
		c[i] = memory
		h[i] = f(l.bound(open)) * out(l.bound(memory))
	}
}

// gruCell has the gates update, reset and hidden. The reset applies before the state is multiplied, or after.
func gruCell(l *recurrent, d *direction, x, h, c, work []float32) {
	n := l.hidden
	d.state.run(work, h, 1)
	f, g := d.act[0], d.act[1]
	for i := range n {
		work[n+i] = f(l.bound(x[n+i] + work[n+i]))
	}
	if d.hidden == nil {
		for i := range n {
			state := work[2*n+i]
			if d.stateBias != nil {
				state += d.stateBias[i]
			}
			work[2*n+i] = float32(work[n+i] * state)
		}
	} else {
		for i := range n { // the memory, which a GRU has not, holds the reset state
			c[i] = work[n+i] * h[i]
		}
		d.hidden.run(work[2*n:], c, 1)
	}
	for i := range n {
		update, hidden := f(l.bound(x[i]+work[i])), g(l.bound(x[2*n+i]+work[2*n+i]))
		h[i] = float32((1-update)*hidden) + float32(update*h[i])
	}
}
