package onnx

import (
	"errors"
	"fmt"
	"math"
)

// selu is a scaled exponential linear unit. The defaults are ONNX's, which are float32 numbers.
func selu(x *call) error {
	alpha, gamma := float64(x.float("alpha", 1.67326319217681884765625)), float64(x.float("gamma", 1.05070102214813232421875))
	return realFunc(func(v float64) float64 {
		if v > 0 {
			return gamma * v
		}
		return gamma * alpha * math.Expm1(v)
	})(x)
}

func celu(x *call) error {
	alpha := float64(x.float("alpha", 1))
	if alpha == 0 {
		return errors.New("alpha is 0")
	}
	return realFunc(func(v float64) float64 { return max(0, v) + min(0, alpha*math.Expm1(v/alpha)) })(x)
}

func thresholdedRelu(x *call) error {
	alpha := float64(x.float("alpha", 1))
	return realFunc(func(v float64) float64 {
		if v > alpha {
			return v
		}
		return 0
	})(x)
}

func hardSwish(v float64) float64 { return v * max(0, min(1, v/6+0.5)) }

func mish(v float64) float64 { return v * math.Tanh(softplus(v)) }

func softsign(v float64) float64 { return v / (1 + math.Abs(v)) }

// gelu is a Gaussian error linear unit, exact or by ONNX's approximation.
func gelu(x *call) error {
	switch form := x.text("approximate", "none"); form {
	case "none":
		return realFunc(func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) })(x)
	case "tanh":
		return realFunc(func(v float64) float64 {
			return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
		})(x)
	default:
		return fmt.Errorf("approximate is %q", form)
	}
}
