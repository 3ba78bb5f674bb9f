//go:build !amd64

package onnx

// useVector is false where there is no vector kernel.
const useVector = false

func runVector(d *dense[float32], dst, src []float32, rows int) { d.runPortable(dst, src, rows) }

func runNarrow(d *dense[float32], dst, src []float32, rows int) { d.runPortable(dst, src, rows) }

func reluTo(dst, src []float32) { relu(dst, src) }
