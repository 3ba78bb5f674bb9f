package onnx

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestVectorKernel wants the vector kernel to give the bits of the portable one, for every width around the panels.
func TestVectorKernel(t *testing.T) {
	if !useVector {
		t.Skip("this processor has no vector kernel")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		in, out, rows := 1+r.IntN(40), 1+r.IntN(90), 1+r.IntN(11)
		w, x := make([]float32, in*out), make([]float32, in*rows)
		for i := range w {
			w[i] = float32(r.NormFloat64())
		}
		for i := range x {
			x[i] = float32(r.NormFloat64() * 1e3)
		}
		d := newDense(w, in, out, round%2 == 0)
		if round%3 == 0 {
			d.setBias(w[:out])
		}
		got, want := make([]float32, rows*out), make([]float32, rows*out)
		runVector(d, got, x, rows)
		d.runPortable(want, x, rows)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%d by %d: element %d is %v, want %v", in, out, i, got[i], want[i])
			}
		}
	}
}
