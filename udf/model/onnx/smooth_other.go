//go:build !amd64

package onnx

// vector is never called: useVector is false.
func (smooth) vector(_, _ *float32, _ int) { panic("onnx: no vector form") }
