// Package modeltest makes model files for tests.
package modeltest

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Linear is the ONNX file of a linear regressor over one input X of as many features as there are coefficients: their products with
// the features and the intercept, added up, are its output score.
func Linear(intercept float32, coefficients ...float32) []byte {
	weights := text(1, "coefficients")
	for _, c := range coefficients {
		weights = append(weights, float(7, c)...)
	}
	node := join(text(1, "X"), text(2, "score"), text(4, "LinearRegressor"), text(7, "ai.onnx.ml"),
		message(5, weights, number(20, 6)),
		message(5, text(1, "intercepts"), float(7, intercept), number(20, 6)))
	graph := join(message(1, node), text(2, "linear"), tensor(11, "X", uint64(len(coefficients))), tensor(12, "score", 1))
	return join(number(1, 8), message(8, text(1, ""), number(2, 15)), message(8, text(1, "ai.onnx.ml"), number(2, 3)), message(7, graph))
}

// tensor describes an input or output of floats, width to a row.
func tensor(field protowire.Number, name string, width uint64) []byte {
	shape := join(message(1), message(1, number(1, width)))
	return message(field, text(1, name), message(2, message(1, number(1, 1), message(2, shape))))
}

func message(field protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), join(parts...))
}

func text(field protowire.Number, s string) []byte { return message(field, []byte(s)) }

func number(field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), n)
}

func float(field protowire.Number, f float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, field, protowire.Fixed32Type), math.Float32bits(f))
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
