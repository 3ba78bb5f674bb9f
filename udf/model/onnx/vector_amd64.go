package onnx

import (
	"math"

	"golang.org/x/sys/cpu"
)

// useVector says that this processor has the instructions of vector_amd64.s.
var useVector = cpu.X86.HasAVX2

// useWide says that this processor has the instructions of vector512_amd64.s.
var useWide = cpu.X86.HasAVX512F && cpu.X86.HasAVX2

// pass4 is pass for four panels that lie stride bytes apart; n, the length of x, is at least 1.
//
//go:noescape
func pass4(x *float32, n int, panels *float32, stride int, sums *float32)

// pass1 is pass for one panel.
//
//go:noescape
func pass1(x *float32, n int, panel *float32, sums *float32)

// rows4 computes one panel for four rows, which lie one behind the other at x, adds the bias and writes eight numbers a row to y, whose
// rows begin stride apart.
//
//go:noescape
func rows4(x *float32, n int, panel, bias, y *float32, stride int)

// rows8 is rows4 for eight rows and two panels that lie distance bytes apart.
//
//go:noescape
func rows8(x *float32, n int, panels *float32, distance int, bias, y *float32, stride int)

// noBias changes no bit of what it is added to.
var noBias = func() (b [2 * panelWidth]float32) {
	for i := range b {
		b[i] = float32(math.Copysign(0, -1))
	}
	return b
}()

// runVector is run with sixteen outputs a register, eight rows at a time, where the processor can, and with eight for the rest.
func runVector(d *dense[float32], dst, src []float32, rows int) {
	r := 0
	for ; useWide && r+8 <= rows; r += 8 {
		eightRows(d, dst[r*d.out:][:8*d.out], src[r*d.in:][:8*d.in])
	}
	runNarrow(d, dst[r*d.out:], src[r*d.in:], rows-r)
}

// runNarrow is run with eight outputs a register: four rows at a time, then those that are left one by one.
func runNarrow(d *dense[float32], dst, src []float32, rows int) {
	r := 0
	for ; r+4 <= rows; r += 4 {
		fourRows(d, dst[r*d.out:][:4*d.out], src[r*d.in:][:4*d.in], 0)
	}
	for ; r < rows; r++ {
		singleRow(d, dst[r*d.out:][:d.out], src[r*d.in:][:d.in])
	}
}

func eightRows(d *dense[float32], y, x []float32) {
	const width = 2 * panelWidth
	o, size := 0, panelWidth*d.in
	for ; o+width <= d.out; o += width {
		panels, bias := d.panels[o*d.in:][:2*size], biasFrom(d, o, width)
		rows8(&x[0], d.in, &panels[0], 4*size, &bias[0], &y[o], d.out)
	}
	if o < d.out {
		fourRows(d, y[:4*d.out], x[:4*d.in], o)
		fourRows(d, y[4*d.out:], x[4*d.in:], o)
	}
}

// biasFrom is what is added to so many outputs from o on.
func biasFrom(d *dense[float32], o, width int) []float32 {
	if d.bias == nil {
		return noBias[:width]
	}
	return d.bias[o:][:width]
}

// fourRows computes the outputs from one on.
func fourRows(d *dense[float32], y, x []float32, from int) {
	for o := from; o < d.out; o += panelWidth {
		panel, bias := d.panels[o*d.in:][:panelWidth*d.in], biasFrom(d, o, panelWidth)
		if o+panelWidth <= d.out {
			rows4(&x[0], d.in, &panel[0], &bias[0], &y[o], d.out)
			continue
		}
		var sums [4 * panelWidth]float32 // the last panel is wider than what is left of a row
		rows4(&x[0], d.in, &panel[0], &bias[0], &sums[0], panelWidth)
		for k := range 4 {
			for i := o; i < d.out; i++ {
				y[k*d.out+i] = sums[k*panelWidth+i-o]
			}
		}
	}
}

func singleRow(d *dense[float32], y, x []float32) {
	var sums [4 * panelWidth]float32
	size := panelWidth * d.in
	for o := 0; o < d.out; {
		width := panelWidth
		if panels := d.panels[o*d.in:]; len(panels) >= 4*size {
			width = 4 * panelWidth
			pass4(&x[0], d.in, &panels[0], 4*size, &sums[0])
		} else {
			panels = panels[:size]
			pass1(&x[0], d.in, &panels[0], &sums[0])
		}
		if d.bias != nil {
			for k, b := range d.bias[o:][:width] {
				sums[k] += b
			}
		}
		copy(y[o:], sums[:width])
		o += width
	}
}

// reluLanes is relu for n elements, a multiple of lanes.
//
//go:noescape
func reluLanes(dst, src *float32, n int)

// reluTo is relu.
func reluTo(dst, src []float32) {
	whole := 0
	if useVector {
		whole = len(src) &^ (lanes - 1)
	}
	if whole > 0 {
		reluLanes(&dst[:whole][0], &src[0], whole)
	}
	relu(dst[whole:], src[whole:])
}
