package onnx

import "math"

// The smooth functions of layers, exp, sigmoid and tanh, over float32 slices, eight numbers at a time. They are accurate to some
// units in the last place of a float32 (a test says how many), and the vector form and the portable one give the same bits: both do
// the same operations in the same order, each rounded. Exp is 2^n times a polynomial in what is left of the exponent, by the
// coefficients of the Cephes library; tanh is a quotient of polynomials, by those of Eigen.

const lanes = 8

// lane is a constant as the vector form reads it.
type lane = [lanes]float32

// expTable are the constants of exp and sigmoid, and tanhTable those of tanh, in the order in which the vector forms read them.
var (
	expTable = spread(expHigh, expLow, log2E, magic, ln2High, ln2Low, expP0, expP1, expP2, expP3, expP4, expP5, 1,
		math.Float32frombits(exponentBias), math.Float32frombits(1<<31))
	tanhTable = spread(tanhMax, -tanhMax, tanhA13, tanhA11, tanhA9, tanhA7, tanhA5, tanhA3, tanhA1, tanhB6, tanhB4, tanhB2, tanhB0)
)

const (
	expHigh, expLow = 100, -104 // beyond, the result is infinite or 0 in any case
	log2E           = 1.44269504088896341
	magic           = 12582912 // adding and subtracting it rounds to whole numbers
	ln2High, ln2Low = 0.693359375, -2.12194440e-4
	exponentBias    = 127
	fractionBits    = 23

	expP0, expP1, expP2 = 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3
	expP3, expP4, expP5 = 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1

	tanhMax                 = 9
	tanhA1, tanhA3, tanhA5  = 4.89352455891786e-03, 6.37261928875436e-04, 1.48572235717979e-05
	tanhA7, tanhA9, tanhA11 = 5.12229709037114e-08, -8.60467152213735e-11, 2.00018790482477e-13
	tanhA13                 = -2.76076847742355e-16
	tanhB0, tanhB2          = 4.89352518554385e-03, 2.26843463243900e-03
	tanhB4, tanhB6          = 1.18534705686654e-04, 1.19825839466702e-06
)

func spread(values ...float32) []lane {
	table := make([]lane, len(values))
	for i, v := range values {
		for k := range table[i] {
			table[i][k] = v
		}
	}
	return table
}

// smooth is one of the functions.
type smooth int

const (
	smoothExp smooth = iota
	smoothSigmoid
	smoothTanh
)

// expTo, sigmoidTo and tanhTo may be given the same slice twice.
func expTo(dst, src []float32)     { smoothExp.apply(dst, src) }
func sigmoidTo(dst, src []float32) { smoothSigmoid.apply(dst, src) }
func tanhTo(dst, src []float32)    { smoothTanh.apply(dst, src) }

// apply computes eight elements at a time. Those left over are filled up, and so computed like all others.
func (s smooth) apply(dst, src []float32) {
	if !useVector {
		for i, v := range src {
			dst[i] = s.portable(v)
		}
		return
	}
	whole := len(src) &^ (lanes - 1)
	if whole > 0 {
		s.vector(&dst[0], &src[0], whole)
	}
	if whole < len(src) {
		var rest lane
		copy(rest[:], src[whole:])
		s.vector(&rest[0], &rest[0], lanes)
		copy(dst[whole:], rest[:])
	}
}

func (s smooth) portable(v float32) float32 {
	switch s {
	case smoothExp:
		return expPortable(v)
	case smoothSigmoid:
		return 1 / (expPortable(-v) + 1)
	}
	return tanhPortable(v)
}

// expPortable is exp as the vector form computes it. The conversions round each product before it is added.
func expPortable(v float32) float32 {
	if expHigh < v {
		v = expHigh
	}
	if expLow > v {
		v = expLow
	}
	n := float32(float32(v*log2E)+magic) - magic
	v -= float32(n * ln2High)
	v -= float32(n * ln2Low)
	p := float32(expP0)
	for _, c := range [...]float32{expP1, expP2, expP3, expP4, expP5} {
		p = float32(p*v) + c
	}
	p = float32(p*float32(v*v)) + v + 1
	// Two factors: one alone could not be as small, or as large, as the result can.
	half := int32(n) >> 1
	return float32(p*powerOf2(half)) * powerOf2(int32(n)-half)
}

func powerOf2(n int32) float32 { return math.Float32frombits(uint32(n+exponentBias) << fractionBits) }

// tanhPortable is tanh as the vector form computes it.
func tanhPortable(v float32) float32 {
	if tanhMax < v {
		v = tanhMax
	}
	if -tanhMax > v {
		v = -tanhMax
	}
	x := float32(v * v)
	p := float32(tanhA13)
	for _, c := range [...]float32{tanhA11, tanhA9, tanhA7, tanhA5, tanhA3, tanhA1} {
		p = float32(p*x) + c
	}
	q := float32(tanhB6)
	for _, c := range [...]float32{tanhB4, tanhB2, tanhB0} {
		q = float32(q*x) + c
	}
	return float32(p*v) / q
}
