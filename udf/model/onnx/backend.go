// Package onnx scores ONNX and ONNX-ML models in the process, without a runtime library.
//
// Loading has four stages, each with a narrow job:
//
//	prepass   walks the protobuf once, bounds what the file may ask for, keeps what onnx-go's decoder would drop
//	          (operator sets, domains, types, constants) and rewrites the rest so that the decoder meets nothing it
//	          cannot decode
//	decode    runs onnx-go's decoder, which calls the recorder back with operations in node order
//	compile   infers every shape, folds constants, and asks the operator table for a step for each node; operators and
//	          forms that are not covered are collected and refused by name
//	program   runs the steps over blocks of rows
//
// The batch is the one dimension that may vary. Wherever it stands in a shape, the elements of a row lie together in memory,
// and no operator reaches across rows. Each row is computed by the same operations in the same order
// whatever batch it comes in, so its scores are bit-identical. Sums are taken in float32 in a fixed order, as ONNX
// Runtime does, and products are rounded before they are added, so that no compiler fuses them differently.
package onnx

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

const backendName = "native"

// Backend is the native backend. The zero value is ready.
type Backend struct{}

var _ model.Backend = Backend{}

// Name returns "native".
func (Backend) Name() string { return backendName }

// Load implements model.Backend.
func (Backend) Load(_ context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	if len(a.Bytes) > o.Limit() {
		return nil, fmt.Errorf("onnx: %d bytes exceed the limit of %d", len(a.Bytes), o.Limit())
	}
	f, err := prepass(a.Bytes, o.Limit())
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	nodes, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	p, err := compile(f, nodes)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return p, nil
}
