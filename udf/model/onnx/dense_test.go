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
		in, out, rows := 1+r.IntN(40), 1+r.IntN(90), 1+r.IntN(22)
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
		if runVector(d, got, x, rows); round%4 == 0 {
			clear(got)
			runNarrow(d, got, x, rows)
		}
		d.runPortable(want, x, rows)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%d by %d: element %d is %v, want %v", in, out, i, got[i], want[i])
			}
		}
	}
}

// TestReluTo holds it against relu, with what compares oddly in every lane.
func TestReluTo(t *testing.T) {
	odd := []float32{float32(math.Copysign(0, -1)), 0, float32(math.NaN()), float32(math.Inf(-1)), float32(math.Inf(1)), -1, 1, 1e-45, -1e-45}
	for n := range 40 {
		src, got, want := make([]float32, n), make([]float32, n), make([]float32, n)
		for i := range src {
			src[i] = odd[(i+n)%len(odd)]
		}
		reluTo(got, src)
		relu(want, src)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Errorf("%d numbers: of %v it is %v, want %v", n, src[i], got[i], want[i])
			}
		}
	}
}
