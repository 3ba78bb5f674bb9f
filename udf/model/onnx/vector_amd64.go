package onnx

import "golang.org/x/sys/cpu"

// useVector says that this processor has the instructions of vector_amd64.s.
var useVector = cpu.X86.HasAVX2

// pass4 is pass for four panels that lie stride bytes apart; n, the length of x, is at least 1.
//
//go:noescape
func pass4(x *float32, n int, panels *float32, stride int, sums *float32)

// pass1 is pass for one panel.
//
//go:noescape
func pass1(x *float32, n int, panel *float32, sums *float32)

// runVector is run with eight outputs a register.
func runVector(d *dense[float32], dst, src []float32, rows int) {
	var sums [4 * panelWidth]float32
	size := panelWidth * d.in
	for r := range rows {
		x, y := src[r*d.in:][:d.in], dst[r*d.out:][:d.out]
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
}
