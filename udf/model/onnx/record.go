package onnx

import (
	"fmt"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
)

// node is one operation of the graph, in the order of the file.
type node struct {
	nodeExtra
	op      string // with its domain, unless that is the default
	attrs   map[string]any
	in, out []string

	read map[string]bool // attributes that the operator looked at
	err  error           // the first attribute of a wrong type
}

// recorder is the onnx-go backend that writes down the operations the decoder calls it with. It builds no graph: the
// decoder announces a node's edges, each output to every input in input order, and then applies the operation.
type recorder struct {
	file    *file
	ids     int64
	pending []recordedEdge
	nodes   []*node
}

var _ onnxgo.Backend = (*recorder)(nil)

// decode runs onnx-go's decoder over the rewritten file. The pre-pass leaves nothing that it is known to fail on; its
// panics are caught all the same, since it was not written for hostile files.
func decode(f *file) (nodes []*node, err error) {
	defer func() {
		if p := recover(); p != nil {
			nodes, err = nil, fmt.Errorf("decode: the decoder failed: %v", p)
		}
	}()
	r := &recorder{file: f}
	if err := onnxgo.NewModel(r).UnmarshalBinary(f.rewritten); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if len(r.nodes) != len(f.nodes) {
		return nil, fmt.Errorf("decode: %d of %d nodes decoded", len(r.nodes), len(f.nodes))
	}
	return r.nodes, nil
}

// ApplyOperation records the operation whose edges were announced last.
func (r *recorder) ApplyOperation(o onnxgo.Operation, outputs ...graph.Node) error {
	if len(r.nodes) == len(r.file.nodes) || len(outputs) == 0 {
		return fmt.Errorf("operation %s is not in the file", o.Name)
	}
	n := &node{nodeExtra: r.file.nodes[len(r.nodes)], op: o.Name, attrs: o.Attributes, read: map[string]bool{}}
	for _, g := range outputs {
		n.out = append(n.out, g.(*recordedValue).name)
	}
	for _, e := range r.pending {
		if len(n.in) < n.inputs && e.from == outputs[0] && int(e.weight) == len(n.in) {
			n.in = append(n.in, e.to.(*recordedValue).name)
		}
	}
	r.pending = r.pending[:0]
	r.nodes = append(r.nodes, n)
	return nil
}

// NewNode makes a value; the decoder names it.
func (r *recorder) NewNode() graph.Node {
	r.ids++
	return &recordedValue{id: r.ids}
}

// AddNode has nothing to add to.
func (r *recorder) AddNode(graph.Node) {}

// NewWeightedEdge makes the edge from an output to its weight-th input.
func (r *recorder) NewWeightedEdge(from, to graph.Node, weight float64) graph.WeightedEdge {
	return recordedEdge{from, to, weight}
}

// SetWeightedEdge keeps the edge until its operation is applied.
func (r *recorder) SetWeightedEdge(e graph.WeightedEdge) {
	r.pending = append(r.pending, e.(recordedEdge))
}

// The rest of graph.DirectedWeightedBuilder, which the decoder never asks for.

func (r *recorder) Node(int64) graph.Node            { return nil }
func (r *recorder) Nodes() graph.Nodes               { return graph.Empty }
func (r *recorder) From(int64) graph.Nodes           { return graph.Empty }
func (r *recorder) To(int64) graph.Nodes             { return graph.Empty }
func (r *recorder) HasEdgeBetween(int64, int64) bool { return false }
func (r *recorder) HasEdgeFromTo(int64, int64) bool  { return false }
func (r *recorder) Edge(int64, int64) graph.Edge     { return nil }

type recordedValue struct {
	id   int64
	name string
}

func (v *recordedValue) ID() int64           { return v.id }
func (v *recordedValue) SetName(name string) { v.name = name }
func (v *recordedValue) GetName() string     { return v.name }

type recordedEdge struct {
	from, to graph.Node
	weight   float64
}

func (e recordedEdge) From() graph.Node         { return e.from }
func (e recordedEdge) To() graph.Node           { return e.to }
func (e recordedEdge) Weight() float64          { return e.weight }
func (e recordedEdge) ReversedEdge() graph.Edge { return recordedEdge{e.to, e.from, e.weight} }
