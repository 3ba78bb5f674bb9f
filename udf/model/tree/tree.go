// Package tree is the core that scores tree ensembles, whatever file they come from.
//
// New checks an ensemble and flattens it: one array of 16-byte nodes, every branch as "right if x[feature] >= limit,
// else left", the right child behind the left, and leaves that are their own left child. Walking a tree is then a loop
// of fixed length without a branch that could be mispredicted: the comparison's outcome is added to the index of the
// left child. One walk is a chain of dependent loads, so eight of them, of eight rows through one tree or of one row
// through eight trees, run interleaved.
//
// Processors with AVX-512 compare sixteen numbers at once. For them there are two more forms of sums and averages, which take a tree for
// one target at a time: tiled, which goes down four levels in a step, and quick, for many rows at once of small trees, which decides every
// branch.
//
// Whatever the interleaving, a row adds up its leaves in tree order, in float32, so its score does not depend on its
// neighbours.
package tree

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// Mode is what a node does. The names and meanings are those of ONNX's TreeEnsemble operators.
type Mode uint8

// The modes. A branch goes to its true child if the comparison of the feature with the value holds. In compares with
// Bounds instead, and is not ONNX's: it is how sets of categories are written.
const (
	LEQ Mode = iota
	LT
	GTE
	GT
	EQ
	NEQ
	Leaf
	In
)

// Node is one node of a tree as files have it. True and False index Spec.Nodes.
type Node struct {
	Mode        Mode
	Feature     int
	Value       float32
	True, False int
	MissingTrue bool // a missing feature (NaN) goes to the true child; else the comparison decides, as NaN compares

	// Bounds are the ends of the intervals that In accepts, ascending from above -Inf: an odd number of them is not above the feature.
	// {2, 3, 7, 9} accepts what is at least 2 and below 3, and what is at least 7 and below 9.
	Bounds []float32
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

	// TreeTargets, if set, is the target of each tree. The targets of the weights are then not read, Average divides by
	// the trees of a target, and Score does not write has. Min and Max cannot have it.
	TreeTargets []int
}

// node is a flattened node: go to left+1 if x[feature] >= limit, else to left. NaN, which is not greater than
// anything, goes to left too, unless nanRight is 1. The assembly knows the layout.
type node struct {
	limit    float32 // NaN: nothing goes to the right
	feature  int32   // times lanes: where the feature begins in transposed rows
	left     int32
	nanRight int32
}

// root is a tree of the flattened ensemble.
type root struct {
	node   int32
	depth  int32
	target int32 // of all its leaves, if the ensemble has no spans
}

// span is the weights of a leaf.
type span struct{ from, to int32 }

// Ensemble is a flattened ensemble. It is immutable and safe for concurrent use.
type Ensemble struct {
	nodes     []node
	nanRight  bool // some node sends NaN to the right
	leaves    []float32
	spans     []span // by node; nil if every leaf has at most the one weight in leaves
	weights   []Weight
	roots     []root
	parts     []root // the trees, one for each target of a tree, which all of its leaves have; nil: trees have no such targets, or too many
	targets   int
	features  int
	aggregate Aggregate
	perTarget []float32 // trees of each target, for Average with TreeTargets
	has       []bool    // what Score says of the targets of every row; nil: it depends on the row, or is not said
	block     int       // rows that pass a tree before the next
	blocks    sync.Pool // *[]float32: transposed rows of one block, and for quick a group of rows and their sums
	quick     *quick    // nil: not for blocks of rows
	tiled     *tiled    // nil: the trees are walked
}

// MaxNodes bounds an ensemble; node numbers are int32 and an equality takes several nodes.
const MaxNodes = 1 << 28

// MaxBounds bounds the sets of an ensemble, all together; each bound takes two nodes.
const MaxBounds = 1 << 22

const maxFeatures = 1 << 22

// New checks and flattens an ensemble.
func New(s Spec) (*Ensemble, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	b := &builder{spec: s, e: &Ensemble{targets: s.Targets, features: s.Features, aggregate: s.Aggregate, block: blockRows(s.Features)}}
	b.collectWeights()
	b.seen = make([]bool, len(s.Nodes))
	for i, r := range s.Roots {
		if err := b.tree(r); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	if s.TreeTargets != nil {
		b.e.perTarget = make([]float32, s.Targets)
		for i, t := range s.TreeTargets {
			b.e.roots[i].target = int32(t)
			b.e.perTarget[t]++
		}
	}
	b.e.split()
	if useTiled {
		b.e.tiled = b.e.makeTiled()
	}
	room := b.e.block * s.Features
	if useQuick {
		if b.e.quick = b.e.makeQuick(); b.e.quick != nil {
			room += quickLanes*s.Features + s.Targets*b.e.block
		}
	}
	b.e.blocks.New = func() any {
		x := make([]float32, room)
		return &x
	}
	return b.e, nil
}

func (s *Spec) check() error {
	if len(s.Roots) == 0 || s.Targets < 1 || s.Features < 1 {
		return errors.New("an ensemble needs trees, targets and features")
	}
	if s.Features > maxFeatures {
		return fmt.Errorf("%d features exceed the limit of %d", s.Features, maxFeatures)
	}
	if len(s.Nodes) > MaxNodes {
		return fmt.Errorf("%d nodes exceed the limit of %d", len(s.Nodes), MaxNodes)
	}
	bounds := 0
	for i, n := range s.Nodes {
		if n.Mode == Leaf {
			continue
		}
		if n.Mode > In {
			return fmt.Errorf("node %d has an unknown mode", i)
		}
		if bounds += len(n.Bounds); bounds > MaxBounds {
			return fmt.Errorf("the sets of the nodes exceed the limit of %d bounds", MaxBounds)
		}
		last := -infinity
		for _, v := range n.Bounds {
			if !(v > last) {
				return fmt.Errorf("the bounds of node %d do not ascend", i)
			}
			last = v
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
	return s.checkTargets()
}

func (s *Spec) checkTargets() error {
	for i, w := range s.Weights {
		if w.Node < 0 || w.Node >= len(s.Nodes) || s.Nodes[w.Node].Mode != Leaf {
			return fmt.Errorf("weight %d is not at a leaf", i)
		}
		if w.Target < 0 || w.Target >= s.Targets {
			return fmt.Errorf("weight %d is for target %d of %d", i, w.Target, s.Targets)
		}
	}
	if s.TreeTargets == nil {
		return nil
	}
	if len(s.TreeTargets) != len(s.Roots) || s.Aggregate == Min || s.Aggregate == Max {
		return errors.New("every tree needs one target, and a sum or an average")
	}
	for i, t := range s.TreeTargets {
		if t < 0 || t >= s.Targets {
			return fmt.Errorf("tree %d is for target %d of %d", i, t, s.Targets)
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
	plain bool     // one target a tree, sums: a leaf is one number
}

// collectWeights groups the weights by node with a counting sort.
func (b *builder) collectWeights() {
	b.plain = (b.spec.Targets == 1 || b.spec.TreeTargets != nil) && (b.spec.Aggregate == Sum || b.spec.Aggregate == Average)
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
	r := root{node: b.add(1)}
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
		t, f, levels := b.branch(p.slot, n)
		queue = append(queue, place{n.True, t, p.depth + levels}, place{n.False, f, p.depth + levels})
	}
	b.e.roots = append(b.e.roots, r)
	return nil
}

// add makes n adjacent slots and returns the first.
func (b *builder) add(n int) int32 {
	e := b.e
	first := int32(len(e.nodes))
	for range n {
		e.nodes = append(e.nodes, node{})
		e.leaves = append(e.leaves, 0)
		if !b.plain {
			e.spans = append(e.spans, span{})
		}
	}
	return first
}

var infinity = float32(math.Inf(1))

func (b *builder) leaf(p place) {
	e := b.e
	e.nodes[p.slot] = node{limit: limitAbove(infinity), left: p.slot}
	from, to := b.first[p.spec], b.first[p.spec+1]
	if !b.plain {
		e.spans[p.slot] = span{from, to}
		return
	}
	for _, w := range b.order[from:to] {
		e.leaves[p.slot] += w.Value
	}
}

// branch fills a slot and makes those of the true and the false child; it takes levels steps to reach them, at most.
func (b *builder) branch(slot int32, n Node) (t, f, levels int32) {
	nanTrue := n.MissingTrue || n.Mode == NEQ
	below := math.Nextafter32(n.Value, -infinity) // x < v is x <= the number before v
	first := n.Value == -infinity                 // there is none
	switch {
	case n.Mode == In:
		return b.intervals(slot, n)
	case n.Value != n.Value: // no comparison holds but "not equal"
		t, f = b.always(slot, n, n.Mode == NEQ, nanTrue)
		return t, f, 1
	case n.Mode == EQ || n.Mode == NEQ:
		return b.equality(slot, n, nanTrue)
	case first && (n.Mode == LT || n.Mode == GTE):
		t, f = b.always(slot, n, n.Mode == GTE, nanTrue)
		return t, f, 1
	}
	left := b.add(2)
	threshold := n.Value
	if n.Mode == LT || n.Mode == GTE {
		threshold = below
	}
	trueLeft := n.Mode == LEQ || n.Mode == LT
	b.put(slot, n, threshold, left, nanTrue != trueLeft)
	if trueLeft {
		return left, left + 1, 1
	}
	return left + 1, left, 1
}

// limitAbove is the least number above a threshold: what is greater than the one is not less than the other.
func limitAbove(threshold float32) float32 {
	if threshold == infinity {
		return float32(math.NaN())
	}
	return math.Nextafter32(threshold, infinity)
}

// put fills a slot: numbers greater than the threshold go to the right.
func (b *builder) put(slot int32, n Node, threshold float32, left int32, nanRight bool) {
	x := node{limit: limitAbove(threshold), feature: int32(n.Feature) * lanes, left: left}
	if nanRight {
		x.nanRight, b.e.nanRight = 1, true
	}
	b.e.nodes[slot] = x
}

// always makes a branch whose comparison gives one outcome for all numbers; only NaN may go elsewhere.
func (b *builder) always(slot int32, n Node, outcome, nanTrue bool) (t, f int32) {
	left := b.add(2)
	b.put(slot, n, infinity, left, nanTrue != outcome)
	if outcome {
		return left, left + 1
	}
	return left + 1, left
}

// equality makes "x == v" of two comparisons: x > v leads to the unequal child, and so does x <= the number before v.
// The unequal child has one slot, which two nodes lead to by a jump.
func (b *builder) equality(slot int32, n Node, nanTrue bool) (t, f, levels int32) {
	second := b.add(2) // and the jump from the first
	inner := b.add(2)  // the jump from the second, and the equal child
	unequal := b.add(1)
	nanEqual := nanTrue == (n.Mode == EQ)
	b.put(slot, n, n.Value, second, !nanEqual)
	b.put(second+1, n, infinity, unequal, false)
	if n.Value == -infinity { // what is not greater is equal
		b.put(second, n, infinity, inner, false)
		inner--
	} else {
		b.put(second, n, math.Nextafter32(n.Value, -infinity), inner, nanEqual)
		b.put(inner, n, infinity, unequal, false)
	}
	if n.Mode == EQ {
		return inner + 1, unequal, 3
	}
	return unequal, inner + 1, 3
}

// intervals makes "x is in one of the intervals" of a binary search over their ends. Regions are counted from below;
// the odd ones are inside. Both children have one slot, which the ends of the search lead to by jumps.
func (b *builder) intervals(slot int32, n Node) (t, f, levels int32) {
	f, t = b.add(1), b.add(1)
	nan := 0 // the region where NaN belongs
	if n.MissingTrue {
		nan = 1
	}
	if nan > len(n.Bounds) { // there is no inside, but NaN is inside
		left := b.add(2)
		b.put(slot, n, infinity, left, true)
		b.put(left, n, infinity, f, false)
		b.put(left+1, n, infinity, t, false)
		return t, f, 2
	}
	return t, f, b.search(slot, n, [2]int32{f, t}, 0, len(n.Bounds), nan)
}

// search fills slot with the search over the regions from to to, and returns its levels.
func (b *builder) search(slot int32, n Node, ends [2]int32, from, to, nan int) int32 {
	if from == to {
		b.put(slot, n, infinity, ends[from%2], false)
		return 1
	}
	mid := (from + to) / 2
	left := b.add(2)
	b.put(slot, n, math.Nextafter32(n.Bounds[mid], -infinity), left, nan > mid)
	return 1 + max(b.search(left, n, ends, from, mid, nan), b.search(left+1, n, ends, mid+1, to, nan))
}
