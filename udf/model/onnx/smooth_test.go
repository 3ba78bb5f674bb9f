package onnx

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSmooth holds the functions against those of the standard library, and the vector forms against the portable ones: the same bits.
func TestSmooth(t *testing.T) {
	special := []float32{
		0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), 88.7, 88.8, 89, 1e30, -87, -88, -100, -103.5, -104, -105,
		-1e30, 1e-30, -1e-30, 9, -9, 8.99, 0.5, 0.34657, 1,
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		special = append(special, float32(r.NormFloat64()*math.Exp(r.NormFloat64()*2)))
	}
	for _, f := range []struct {
		name string
		smooth
		exact    func(float64) float64
		absolute float64
		relative float64
	}{
		{"exp", smoothExp, math.Exp, 2e-45, 2e-7},
		{"sigmoid", smoothSigmoid, sigmoid, 3e-39, 3e-7}, // 0 where exp(-x) is infinite
		{"tanh", smoothTanh, math.Tanh, 0, 4e-7},
	} {
		got := make([]float32, len(special))
		f.apply(got, special)
		worst := 0.0
		for i, v := range special {
			if p := f.portable(v); math.Float32bits(p) != math.Float32bits(got[i]) {
				t.Fatalf("%s(%g) is %g, the portable form says %g", f.name, v, got[i], p)
			}
			want := f.exact(float64(v))
			if float32(want) == got[i] {
				continue
			}
			diff := math.Abs(float64(got[i]) - want)
			if !(diff <= f.absolute+f.relative*math.Abs(want)) {
				t.Errorf("%s(%g) is %g, want %g", f.name, v, got[i], want)
			}
			if math.Abs(want) > 1e-37 { // below, numbers have fewer digits
				worst = max(worst, diff/math.Abs(want))
			}
		}
		t.Logf("%s: at most %.2g off", f.name, worst)
		nan := []float32{float32(math.NaN()), 1, 2}
		if f.apply(nan, nan); nan[0] == nan[0] || nan[1] != f.portable(1) || f.portable(nan[0]) == f.portable(nan[0]) {
			t.Errorf("%s of NaN and others is %v", f.name, nan)
		}
	}
}
