// Package tree is the core that scores tree ensembles, whatever file they come from.
//
// New checks an ensemble and flattens it: one array of 16-byte nodes, every branch as "x[feature] <= threshold", both
// children by index, and leaves that point at themselves. Walking a tree is then a loop of fixed length without a
// branch that could be mispredicted: the comparison's outcome selects the child. One walk is a chain of dependent
// loads, so eight of them, of eight rows through one tree or of one row through eight trees, run interleaved.
//
// Whatever the interleaving, a row adds up its leaves in tree order, in float32, so its score does not depend on its
// neighbours.
package tree

import (
	"errors"
	"fmt"
	"math"
)

// Mode is what a node does. The names and meanings are those of ONNX's TreeEnsemble operators.
type Mode uint8

// The modes. A branch goes to its true child if the comparison of the feature with the value holds.
const (
	LEQ Mode = iota
	LT
	GTE
	GT
	EQ
	NEQ
	Leaf
)

// Node is one node of a tree as files have it. True and False index Spec.Nodes.
type Node struct {
	Mode        Mode
	Feature     int
	Value       float32
	True, False int
	MissingTrue bool // a missing feature (NaN) goes to the true child; else the comparison decides, as NaN compares
}

// Weight is what a leaf contributes to a target.
type Weight struct {
	Node   int
	Target int
	Value  float32
}

// Aggregate says how the contributions of the trees combine, per target.
type Aggregate uint8

// The aggregates. Average is Sum divided by the number of trees, whether they contribute or not.
const (
	Sum Aggregate = iota
	Average
	Min
	Max
)

// Spec describes an ensemble.
type Spec struct {
	Nodes     []Node
	Roots     []int // one a tree
	Weights   []Weight
	Targets   int
	Features  int
	Aggregate Aggregate
}

// node is a flattened node: go to kid[0] if x[feature] <= threshold, else kid[1].
type node struct {
	threshold float32
	feature   int32
	kid       [2]int32
}

// root is a tree of the flattened ensemble.
type root struct {
	node  int32
	depth int32
}

// span is the weights of a leaf.
type span struct{ from, to int32 }

// Ensemble is a flattened ensemble. It is immutable and safe for concurrent use.
type Ensemble struct {
	nodes     []node
	nanLeft   []bool // by node: NaN goes to kid[0]; nil if it never does
	leaves    []float32
	spans     []span // by node; nil if every leaf has at most the one weight in leaves
	weights   []Weight
	roots     []root
	targets   int
	features  int
	aggregate Aggregate
}

// MaxNodes bounds an ensemble; node numbers are int32 and an equality takes two nodes.
const MaxNodes = 1 << 28

// New checks and flattens an ensemble.
func New(s Spec) (*Ensemble, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	b := &builder{spec: s, e: &Ensemble{targets: s.Targets, features: s.Features, aggregate: s.Aggregate}}
	b.collectWeights()
	b.seen = make([]bool, len(s.Nodes))
	for i, r := range s.Roots {
		if err := b.tree(r); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return b.e, nil
}

func (s *Spec) check() error {
	if len(s.Roots) == 0 || s.Targets < 1 || s.Features < 1 {
		return errors.New("an ensemble needs trees, targets and features")
	}
	if len(s.Nodes) > MaxNodes {
		return fmt.Errorf("%d nodes exceed the limit of %d", len(s.Nodes), MaxNodes)
	}
	for i, n := range s.Nodes {
		if n.Mode == Leaf {
			continue
		}
		if n.Mode > Leaf {
			return fmt.Errorf("node %d has an unknown mode", i)
		}
		if n.Feature < 0 || n.Feature >= s.Features {
			return fmt.Errorf("node %d reads feature %d of %d", i, n.Feature, s.Features)
		}
		if n.True < 0 || n.True >= len(s.Nodes) || n.False < 0 || n.False >= len(s.Nodes) {
			return fmt.Errorf("node %d has a child that does not exist", i)
		}
	}
	for _, r := range s.Roots {
		if r < 0 || r >= len(s.Nodes) {
			return fmt.Errorf("root %d does not exist", r)
		}
	}
	for i, w := range s.Weights {
		if w.Node < 0 || w.Node >= len(s.Nodes) || s.Nodes[w.Node].Mode != Leaf {
			return fmt.Errorf("weight %d is not at a leaf", i)
		}
		if w.Target < 0 || w.Target >= s.Targets {
			return fmt.Errorf("weight %d is for target %d of %d", i, w.Target, s.Targets)
		}
	}
	return nil
}

// builder flattens one ensemble.
type builder struct {
	spec  Spec
	e     *Ensemble
	seen  []bool
	order []Weight // the weights, grouped by node, in their order within a node
	first []int32  // by spec node: where its weights begin in order; one more at the end
	plain bool     // one target, sums: a leaf is one number
}

// collectWeights groups the weights by node with a counting sort.
func (b *builder) collectWeights() {
	b.plain = b.spec.Targets == 1 && (b.spec.Aggregate == Sum || b.spec.Aggregate == Average)
	b.first = make([]int32, len(b.spec.Nodes)+1)
	for _, w := range b.spec.Weights {
		b.first[w.Node+1]++
	}
	for i := range b.spec.Nodes {
		b.first[i+1] += b.first[i]
	}
	next := append([]int32(nil), b.first...)
	b.order = make([]Weight, len(b.spec.Weights))
	for _, w := range b.spec.Weights {
		b.order[next[w.Node]] = w
		next[w.Node]++
	}
	if !b.plain {
		b.e.weights = b.order
	}
}

// place is a node waiting for its slot to be filled.
type place struct {
	spec  int
	slot  int32
	depth int32
}

// tree lays a tree out breadth first, so that the levels every row passes lie together. A node that is reached twice
// is a cycle or a shared branch, and refused.
func (b *builder) tree(start int) error {
	r := root{node: b.add()}
	queue := []place{{start, r.node, 0}}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if b.seen[p.spec] {
			return fmt.Errorf("node %d is reached twice: the tree is cyclic or shares branches", p.spec)
		}
		b.seen[p.spec] = true
		n := b.spec.Nodes[p.spec]
		if n.Mode == Leaf {
			b.leaf(p)
			r.depth = max(r.depth, p.depth)
			continue
		}
		t, f := b.add(), b.add()
		depth := p.depth + b.branch(p.slot, n, t, f)
		queue = append(queue, place{n.True, t, depth}, place{n.False, f, depth})
	}
	b.e.roots = append(b.e.roots, r)
	return nil
}

func (b *builder) add() int32 {
	e := b.e
	e.nodes = append(e.nodes, node{})
	e.leaves = append(e.leaves, 0)
	if !b.plain {
		e.spans = append(e.spans, span{})
	}
	if e.nanLeft != nil {
		e.nanLeft = append(e.nanLeft, false)
	}
	return int32(len(e.nodes) - 1)
}

func (b *builder) leaf(p place) {
	e := b.e
	e.nodes[p.slot] = node{threshold: float32(math.Inf(1)), kid: [2]int32{p.slot, p.slot}}
	from, to := b.first[p.spec], b.first[p.spec+1]
	if !b.plain {
		e.spans[p.slot] = span{from, to}
		return
	}
	for _, w := range b.order[from:to] {
		e.leaves[p.slot] += w.Value
	}
}

// branch writes a branch as one comparison by <=, or two for equality, and returns how many. x < v is x <= the number
// before v; when there is none (minus infinity) that is NaN, by which no comparison holds.
func (b *builder) branch(slot int32, n Node, t, f int32) int32 {
	below := math.Nextafter32(n.Value, float32(math.Inf(-1)))
	if math.IsInf(float64(n.Value), -1) {
		below = float32(math.NaN())
	}
	feature := int32(n.Feature)
	put := func(slot int32, threshold float32, left, right, nan int32) {
		b.e.nodes[slot] = node{threshold: threshold, feature: feature, kid: [2]int32{left, right}}
		if nan == left && left != right {
			b.nanGoesLeft(slot)
		}
	}
	nan := f
	if n.MissingTrue || n.Mode == NEQ {
		nan = t
	}
	switch n.Mode {
	case LEQ:
		put(slot, n.Value, t, f, nan)
	case LT:
		put(slot, below, t, f, nan)
	case GTE:
		put(slot, below, f, t, nan)
	case GT:
		put(slot, n.Value, f, t, nan)
	case EQ, NEQ:
		equal, other := t, f
		if n.Mode == NEQ {
			equal, other = f, t
		}
		second := b.add()
		put(second, below, other, equal, nan)
		if nan == equal && nan != other { // the first node sends NaN on to the second
			put(slot, n.Value, second, other, second)
		} else {
			put(slot, n.Value, second, other, other)
		}
		return 2
	}
	return 1
}

func (b *builder) nanGoesLeft(slot int32) {
	if b.e.nanLeft == nil {
		b.e.nanLeft = make([]bool, len(b.e.nodes))
	}
	b.e.nanLeft[slot] = true
}
