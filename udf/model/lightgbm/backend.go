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
	"fmt"

	"github.com/millrace/millrace/udf/model/boost"
	"github.com/millrace/millrace/udf/model/tree"
)

// Backend is the native backend for LightGBM's files.
var Backend = boost.Backend{Library: "lightgbm", Read: readModel}

// IsText says whether a file begins as LightGBM's models do.
func IsText(b []byte) bool {
	return bytes.HasPrefix(b, []byte("tree\n")) || bytes.HasPrefix(b, []byte("tree\r\n"))
}

func readModel(b []byte) (m boost.Model, err error) {
	if !IsText(b) {
		return m, fmt.Errorf("the file does not begin with the line %q", "tree")
	}
	h, blocks, err := readHeader(b)
	if err != nil {
		return m, err
	}
	o, err := readObjective(h.objective)
	if err != nil {
		return m, err
	}
	f := forest{features: len(h.names)}
	if err := f.read(blocks); err != nil {
		return m, err
	}
	m = boost.Model{Names: h.names, Link: o.link, Form: o.form}
	m.Trees = tree.Spec{
		Nodes: f.nodes, Roots: f.roots, Weights: f.leaves, Targets: h.scores, Features: len(h.names), TreeTargets: make([]int, len(f.roots)),
	}
	for i := range f.roots {
		m.Trees.TreeTargets[i] = i % h.scores // an iteration has a tree for each score
	}
	if h.average {
		m.Trees.Aggregate = tree.Average
	}
	m.ZeroMissing, err = f.zeroMissing()
	return m, err
}
