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
	addTo(work[:l.hidden], work[:l.hidden], x)
	l.activate(d.act[0], h, work[:l.hidden])
}

// lstmCell has the gates input, output, forget and cell, in that order.
func lstmCell(l *recurrent, d *direction, x, h, c, work []float32) {
	n := l.hidden
	d.state.run(work, h, 1)
	addTo(work[:4*n], work[:4*n], x)
	in, open, forget, cell := work[:n], work[n:2*n], work[2*n:3*n], work[3*n:4*n]
	if d.peep != nil {
		addProducts(in, d.peep, c)
		addProducts(forget, d.peep[2*n:], c)
	}
	l.activate(d.act[0], in, in)
	l.activate(d.act[0], forget, forget)
	l.activate(d.act[1], cell, cell)
	for i, v := range cell {
		c[i] = float32(forget[i]*c[i]) + float32(in[i]*v)
	}
	if d.peep != nil {
		addProducts(open, d.peep[n:], c)
	}
	l.activate(d.act[0], open, open)
	l.activate(d.act[2], cell, c)
	for i, v := range cell {
		h[i] = open[i] * v
	}
}

// addProducts adds to each element the product of two others.
func addProducts(dst, a, b []float32) {
	for i := range dst {
		dst[i] += float32(a[i] * b[i])
	}
}

// gruCell has the gates update, reset and hidden. The reset applies before the state is multiplied, or after.
func gruCell(l *recurrent, d *direction, x, h, c, work []float32) {
	n := l.hidden
	d.state.run(work, h, 1)
	update, reset, hidden := work[:n], work[n:2*n], work[2*n:3*n]
	addTo(reset, reset, x[n:])
	l.activate(d.act[0], reset, reset)
	if d.hidden == nil {
		for i, v := range hidden {
			if d.stateBias != nil {
				v += d.stateBias[i]
			}
			hidden[i] = float32(reset[i] * v)
		}
	} else {
		mulTo(c[:n], reset, h) // the memory, which a GRU has not, holds the reset state
		d.hidden.run(work[2*n:], c, 1)
	}
	addTo(update, update, x)
	l.activate(d.act[0], update, update)
	addTo(hidden, x[2*n:3*n], hidden)
	l.activate(d.act[1], hidden, hidden)
	for i, v := range hidden {
		h[i] = float32((1-update[i])*v) + float32(update[i]*h[i])
	}
}
