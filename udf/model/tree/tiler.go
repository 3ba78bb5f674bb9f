package tree

import (
	"math"
	"math/bits"
	"slices"
)

const (
	tileSteps = 32      // most steps of a tree: heights fit a byte
	tileBytes = 80      // of a tile
	maxTiles  = 1 << 23 // so that the number of a leaf has room eight times
	fewBytes  = 1 << 15 // of few trees
)

// makeTiled makes the other form; nil if trees have no parts, there are too many features, or trees are so much deeper than they are wide
// that tiles would be mostly empty.
func (e *Ensemble) makeTiled() *tiled {
	if e.parts == nil || e.features > tileWidth {
		return nil
	}
	t := &tiler{e: e, heights: make([]uint8, len(e.nodes)), most: min(len(e.nodes)/2+len(e.parts), maxTiles)}
	t.places.used, t.ends.used = math.MaxUint64, math.MaxUint64
	roots := slices.Clone(e.parts)
	slices.SortStableFunc(roots, func(a, b root) int { return int(a.target - b.target) })
	for range roots {
		t.places.place(1)
	}
	if !t.room() {
		return nil
	}
	for i, r := range roots {
		if r.depth > tileSteps*tileLevels || !t.tree(i, r) {
			return nil
		}
	}
	t.few = max(1, fewBytes*len(roots)/(tileBytes*len(t.limits)+4*len(t.leaves)))
	t.limits, t.features, t.leaves = slices.Clip(t.limits), slices.Clip(t.features), slices.Clip(t.leaves)
	made := t.tiled // without what making it took
	return &made
}

// tiler cuts trees into tiles.
type tiler struct {
	tiled
	e            *Ensemble
	heights      []uint8 // by node: one more than its height; 0: not known
	most         int     // tiles
	target       int32   // of the tree
	places, ends shelf
}

// shelf gives out numbers. Of the last 64 it knows which are free: the gaps between those that a tile has are for others.
type shelf struct {
	end  int    // all after are free
	used uint64 // the highest bit is that of the number before end
}

// place finds a place for numbers that lie to each other as the bits do, bit 0 among them, and returns that of bit 0.
func (s *shelf) place(ways uint16) int {
	back := 64
	for s.used>>(64-back)&uint64(ways) != 0 {
		back--
	}
	at := s.end - back
	more := max(0, bits.Len16(ways)-back)
	s.end += more
	s.used = s.used>>more | uint64(ways)<<(64-back-more)
	return at
}

// room makes the tiles that have numbers, as empty ones, if they are not too many.
func (t *tiler) room() bool {
	if t.places.end > t.most {
		return false
	}
	empty := tileLimits{}
	for i := range empty.limit {
		empty.limit[i] = float32(math.NaN())
	}
	for len(t.limits) < t.places.end {
		t.limits, t.features = append(t.limits, empty), append(t.features, tileFeatures{})
	}
	return true
}

// settle is the node that every row comes to from node i.
func (e *Ensemble) settle(i int32) int32 {
	for n := &e.nodes[i]; n.left != i && n.limit != n.limit && n.nanRight == 0; n = &e.nodes[i] {
		i = n.left
	}
	return i
}

// height is how many comparisons a row may meet from a settled node on.
func (t *tiler) height(i int32) int {
	left := t.e.nodes[i].left
	if left == i {
		return 0
	}
	if t.heights[i] == 0 {
		t.heights[i] = uint8(2 + max(t.height(t.e.settle(left)), t.height(t.e.settle(left+1))))
	}
	return int(t.heights[i]) - 1
}

// tree adds a tree, and says whether there was room for it.
func (t *tiler) tree(number int, r root) bool {
	if len(t.runs) == 0 || t.runs[len(t.runs)-1].target != int(r.target) {
		t.runs = append(t.runs, tiledRun{first: number, target: int(r.target)})
	}
	t.runs[len(t.runs)-1].end, t.target = number+1, r.target
	top := t.e.settle(r.node)
	steps := max(1, (t.height(top)+tileLevels-1)/tileLevels)
	t.steps = append(t.steps, int32(steps))
	t.tiles += steps
	return t.fill(number, top, steps-1)
}

// fill makes a tile of the branches from a node on, and the tiles behind it, which are so many steps, and says whether there was room.
func (t *tiler) fill(tile int, node int32, steps int) bool {
	var to [tileWays]int32
	ways := t.branch(tile, node, 1, steps, &to)
	on := &t.places
	if steps == 0 {
		on = &t.ends
	}
	base := on.place(ways)
	t.limits[tile].base = int32(8 * (base - tileWays))
	if steps == 0 {
		t.leaves = append(t.leaves, make([]float32, on.end-len(t.leaves))...)
	} else if !t.room() {
		return false
	}
	for ; ways != 0; ways &= ways - 1 {
		way := bits.TrailingZeros16(ways)
		if steps == 0 {
			t.leaves[base+way] = t.e.value(to[way], t.target)
		} else if !t.fill(base+way, to[way], steps-1) {
			return false
		}
	}
	return true
}

// branch puts a node at place i of a tile, and those below it, unless the steps behind the tile are enough for them all. It returns the
// ways out, as bits, and notes the nodes that they lead to.
func (t *tiler) branch(tile int, node int32, i, steps int, to *[tileWays]int32) uint16 {
	node = t.e.settle(node)
	if t.height(node) <= steps*tileLevels {
		for i < tileWays {
			i *= 2
		}
		to[i-tileWays] = node
		return 1 << (i - tileWays)
	}
	n := &t.e.nodes[node]
	t.limits[tile].limit[i-1] = n.limit
	t.features[tile].feature[i-1] = uint8(n.feature/lanes | n.nanRight*tileRight)
	return t.branch(tile, n.left, 2*i, steps, to) | t.branch(tile, n.left+1, 2*i+1, steps, to)
}
