package tree

import (
	"math"
	"math/bits"
	"slices"
)

// quick is another form of an ensemble of small trees: instead of walking, every branch of a tree is decided, for sixteen rows at once,
// and strikes out the leaves that the rows which go to its right cannot reach. The first leaf that is left is the one that a walk
// would end at. So nothing depends on where a row is, and a branch takes about as long as a step of one walk. (C. Lucchese et al.,
// QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees, SIGIR 2015.)
type quick struct {
	trees  []quickTree
	nodes  []quickNode
	leaves []float32 // quickLeaves of them a tree
}

// quickTree is a tree: its nodes and its leaves.
type quickTree struct {
	first, end int
	leaves     int
	wide       bool // more leaves than a half of the masks has
	target     int
}

// quickNode is a branch. The assembly knows the layout.
type quickNode struct {
	limit  float32
	offset int32 // of the feature in a group of rows, in bytes
	// The leaves that a row can still reach which is not below the limit; leaf 0 is the highest bit of high, leaf 32 that of low.
	high, low uint32
}

const (
	quickLanes  = 16 // rows of a group
	quickLeaves = 64 // most leaves of a tree
	quickRows   = 3  // fewer rows than these are walked
	quickTrees  = 1 << 14
)

// makeQuick makes the other form; nil if there is a tree that is too large, if there are too many trees, or they have no parts.
func (e *Ensemble) makeQuick() *quick {
	if e.parts == nil || len(e.parts) > quickTrees {
		return nil
	}
	q := &quick{}
	for _, r := range e.parts {
		t := quickTree{first: len(q.nodes), leaves: len(q.leaves), target: int(r.target)}
		if !q.grow(e, &t, r.node) {
			return nil
		}
		t.end, t.wide = len(q.nodes), len(q.leaves)-t.leaves > quickLeaves/2
		q.leaves = append(q.leaves, make([]float32, t.leaves+quickLeaves-len(q.leaves))...)
		q.trees = append(q.trees, t)
	}
	q.nodes, q.leaves = slices.Clip(q.nodes), slices.Clip(q.leaves)
	return q
}

// grow adds the branches and leaves below a node, and says whether there is room for them. It goes as deep as there are branches.
func (q *quick) grow(e *Ensemble, t *quickTree, i int32) bool {
	n := &e.nodes[i]
	for n.left != i && n.limit != n.limit { // all go to the left
		i = n.left
		n = &e.nodes[i]
	}
	if n.left == i {
		q.leaves = append(q.leaves, e.value(i, int32(t.target)))
		return len(q.leaves)-t.leaves <= quickLeaves
	}
	at, first := len(q.nodes), len(q.leaves)-t.leaves
	if at-t.first >= quickLeaves {
		return false
	}
	q.nodes = append(q.nodes, quickNode{limit: n.limit, offset: n.feature / lanes * quickLanes * 4})
	if !q.grow(e, t, n.left) {
		return false
	}
	end := len(q.leaves) - t.leaves
	kept := ^(uint64(math.MaxUint64) >> first &^ (uint64(math.MaxUint64) >> end))
	q.nodes[at].high, q.nodes[at].low = uint32(kept>>32), uint32(kept)
	return q.grow(e, t, n.left+1)
}

// quickBlock scores the rows of a block, none of which goes to the right for want of a value.
func (e *Ensemble) quickBlock(x []float32, rows int, out []float32) {
	buffer := e.blocks.Get().(*[]float32)
	defer e.blocks.Put(buffer)
	f := e.features
	group := quickLanes * f
	groups := (rows + quickLanes - 1) / quickLanes
	xt, rest := (*buffer)[:groups*group], (*buffer)[e.block*f:]
	padded, sums := rest[:group], rest[group:]
	whole := rows / quickLanes
	if whole > 0 {
		transposeGroups(xt, x[:whole*group], f)
	}
	if whole < groups {
		clear(padded[copy(padded, x[whole*group:]):])
		transposeGroups(xt[whole*group:], padded, f)
	}
	clear(sums)
	for i := range e.quick.trees {
		t := &e.quick.trees[i]
		e.quick.score(t, xt, group, sums[t.target*e.block:][:groups*quickLanes])
	}
	for k := range e.targets {
		for r, sum := range sums[k*e.block:][:rows] {
			out[r*e.targets+k] = sum
		}
	}
}

// scorePortable adds what a tree gives to the sums of groups of transposed rows.
func (q *quick) scorePortable(t *quickTree, xt []float32, group int, sums []float32) {
	leaves := q.leaves[t.leaves:][:quickLeaves]
	for r := range sums {
		row := xt[r/quickLanes*group+r%quickLanes:]
		left := uint64(math.MaxUint64)
		for _, n := range q.nodes[t.first:t.end] {
			if row[n.offset/4] >= n.limit {
				left &= uint64(n.high)<<32 | uint64(n.low)
			}
		}
		sums[r] += leaves[bits.LeadingZeros64(left)]
	}
}

// transposePortable puts the values of a feature side by side, for each group of rows.
func transposePortable(xt, x []float32, features int) {
	for at := 0; at < len(x); at += quickLanes * features {
		for k := range quickLanes {
			for i, v := range x[at+k*features:][:features] {
				xt[at+i*quickLanes+k] = v
			}
		}
	}
}
