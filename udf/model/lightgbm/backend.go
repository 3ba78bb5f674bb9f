// Package lightgbm scores LightGBM models in the process, from the text that save_model writes.
//
// The text is a header of key=value lines, then a block a tree, each a handful of lists. It is read line by line
// (text.go), trees become nodes of the tree core (tree.go), and the objective says what the scores mean (objective.go).
//
// LightGBM compares in double precision. Rows are float32 here, so a threshold is rounded down to the largest float32
// that is not above it: for every float32 value the comparison then falls out as the library's does.
package lightgbm

import (
	"bytes"
	"context"
	"fmt"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/boost"
	"github.com/millrace/millrace/udf/model/tree"
)

const backendName = "native"

// Backend is the native backend for LightGBM's files. The zero value is ready.
type Backend struct{}

var _ model.Backend = Backend{}

// Name returns "native".
func (Backend) Name() string { return backendName }

// Load implements model.Backend.
func (Backend) Load(_ context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	s, err := load(a.Bytes, o.Limit())
	if err != nil {
		return nil, fmt.Errorf("lightgbm: %w", err)
	}
	return s, nil
}

// IsText says whether a file begins as LightGBM's models do.
func IsText(b []byte) bool {
	return bytes.HasPrefix(b, []byte("tree\n")) || bytes.HasPrefix(b, []byte("tree\r\n"))
}

func load(b []byte, limit int) (model.Scorer, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("%d bytes exceed the limit of %d", len(b), limit)
	}
	if !IsText(b) {
		return nil, fmt.Errorf("the file does not begin with the line %q", "tree")
	}
	h, blocks, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	o, err := readObjective(h.objective)
	if err != nil {
		return nil, err
	}
	f := forest{features: len(h.names)}
	if err := f.read(blocks); err != nil {
		return nil, err
	}
	m := boost.Model{Names: h.names, Link: o.link, Form: o.form}
	m.Trees = tree.Spec{
		Nodes: f.nodes, Roots: f.roots, Weights: f.leaves, Targets: h.scores, Features: len(h.names), TreeTargets: make([]int, len(f.roots)),
	}
	for i := range f.roots {
		m.Trees.TreeTargets[i] = i % h.scores // an iteration has a tree for each score
	}
	if h.average {
		m.Trees.Aggregate = tree.Average
	}
	if m.ZeroMissing, err = f.zeroMissing(); err != nil {
		return nil, err
	}
	return boost.New(m)
}

func uncovered(format string, args ...any) error {
	return &model.UnsupportedError{Backend: backendName, Missing: []string{fmt.Sprintf(format, args...)}}
}
