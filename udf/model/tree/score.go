package tree

// lanes is the number of walks that run interleaved.
const lanes = 8

// A block is the rows that pass one tree before the next: the tree stays in the first-level cache, and so do the rows. The more there
// are, the less often trees are fetched from caches farther away; rows with many features make smaller blocks.
const (
	minBlock    = 64
	maxBlock    = 256
	blockValues = 4096
)

// blockRows is the number of rows in a block, whole groups.
func blockRows(features int) int {
	return min(max(blockValues/features, minBlock), maxBlock) &^ (quickLanes - 1)
}

// Targets is the number of scores a row gets.
func (e *Ensemble) Targets() int { return e.targets }

// Trees is the number of trees.
func (e *Ensemble) Trees() int { return len(e.roots) }

// Score writes Targets aggregated scores for each row of x, which holds Features numbers a row, to out. Where no leaf
// that a row reached has a weight for a target, its score is 0 and its element of has is false. has may be nil, unless
// NeedsHas; it is not written for a single target that is a sum, nor for trees with one target each. NaN is a missing value.
func (e *Ensemble) Score(x []float32, rows int, out []float32, has []bool) {
	x, out = x[:rows*e.features], out[:rows*e.targets]
	for from := 0; from < rows; from += e.block {
		to := min(from+e.block, rows)
		xs, o := x[from*e.features:to*e.features], out[from*e.targets:to*e.targets]
		var h []bool
		if has != nil {
			h = has[from*e.targets : to*e.targets]
			clear(h)
			for at := 0; e.has != nil && at < len(h); at += e.targets {
				copy(h[at:], e.has)
			}
		}
		clear(o)
		e.scoreBlock(xs, to-from, o, h)
	}
	if e.aggregate == Average {
		e.average(out)
	}
}

func (e *Ensemble) average(out []float32) {
	if e.perTarget == nil {
		trees := float32(len(e.roots))
		for i := range out {
			out[i] /= trees
		}
		return
	}
	for at := 0; at < len(out); at += e.targets {
		for i, trees := range e.perTarget {
			out[at+i] /= max(trees, 1)
		}
	}
}

// scoreBlock scores the rows of a block in the way that takes the least time. Ensembles that send NaN to the right need a longer walk for
// blocks that hold one.
func (e *Ensemble) scoreBlock(x []float32, rows int, out []float32, has []bool) {
	missing := e.nanRight && anyNaN(x)
	if !missing && e.quick != nil && e.quicker(rows) {
		e.quickBlock(x, rows, out)
		return
	}
	if e.tiled != nil {
		e.tiledBlock(x, rows, missing, out)
		return
	}
	whole := rows &^ (lanes - 1)
	if whole > 0 {
		e.groups(x, whole, missing, out, has)
	}
	for r := whole; r < rows; r++ {
		row := x[r*e.features:][:e.features]
		if missing {
			for _, t := range e.roots {
				e.add(e.walkMissing(row, t), t.target, out, has, r)
			}
		} else {
			e.row(row, out, has, r)
		}
	}
}

// quicker says that so many rows take less time by quick than otherwise. As measured, a tile takes about as long as two thirds of a branch
// for one group of rows, and a branch for four groups as long as for two.
func (e *Ensemble) quicker(rows int) bool {
	if e.tiled == nil {
		return rows*len(e.roots) >= quickRows*len(e.parts)
	}
	groups := (rows + quickLanes - 1) / quickLanes
	return 2*len(e.quick.nodes)*(groups/4*2+groups%4) <= 3*rows*e.tiled.tiles
}

// groups scores rows in groups of lanes.
func (e *Ensemble) groups(x []float32, rows int, missing bool, out []float32, has []bool) {
	buffer := e.blocks.Get().(*[]float32)
	defer e.blocks.Put(buffer)
	xt, width := *buffer, lanes*e.features
	for r := 0; r < rows; r += lanes {
		transpose(xt[r*e.features:][:width], x[r*e.features:], e.features)
	}
	var reached [maxBlock]int32
	leaves := reached[:rows]
	for _, t := range e.roots {
		if missing {
			for r := 0; r < rows; r += lanes {
				leaf := walkRowsMissing(e.nodes, xt[r*e.features:][:width], t)
				copy(leaves[r:], leaf[:])
			}
		} else {
			walkBlock(e.nodes, xt, width, t, leaves)
		}
		if e.spans == nil {
			e.addLeaves(leaves, out[t.target:])
			continue
		}
		for r, l := range leaves {
			e.addWeights(l, out[r*e.targets:][:e.targets], has, r)
		}
	}
}

// walkBlockPortable is walkBlock where there is no assembly.
func walkBlockPortable(nodes []node, xt []float32, width int, t root, leaves []int32) {
	for r := 0; r < len(leaves); r += lanes {
		leaf := walkRows(nodes, xt[r/lanes*width:][:width], t)
		copy(leaves[r:], leaf[:])
	}
}

// addLeaves adds the leaves that rows reached to their sums, which begin at out.
func (e *Ensemble) addLeaves(leaves []int32, out []float32) {
	if e.targets == 1 {
		sums := out[:len(leaves)]
		for r, l := range leaves {
			sums[r] += e.leaves[l]
		}
		return
	}
	for r, l := range leaves {
		out[r*e.targets] += e.leaves[l]
	}
}

// transpose puts the values of a feature side by side, so that one register addresses all rows of a group.
func transpose(dst, src []float32, features int) {
	for k := range lanes {
		row := src[k*features:][:features]
		for i, v := range row {
			dst[i*lanes+k] = v
		}
	}
}

// row walks one row through eight trees at a time.
func (e *Ensemble) row(x []float32, out []float32, has []bool, r int) {
	roots := e.roots
	if e.spans == nil && e.targets == 1 { // the sum stays in a register
		sum := out[r]
		for ; len(roots) >= lanes; roots = roots[lanes:] {
			leaf := walkTrees(e.nodes, x, roots[:lanes])
			for _, l := range leaf {
				sum += e.leaves[l]
			}
		}
		out[r] = sum
	}
	for ; len(roots) >= lanes; roots = roots[lanes:] {
		leaf := walkTrees(e.nodes, x, roots[:lanes])
		for k := range leaf {
			e.add(leaf[k], roots[k].target, out, has, r)
		}
	}
	for _, t := range roots {
		e.add(e.walk(x, t), t.target, out, has, r)
	}
}

// add gives the weights of a leaf to a row.
func (e *Ensemble) add(leaf, target int32, out []float32, has []bool, r int) {
	if e.spans == nil {
		out[r*e.targets+int(target)] += e.leaves[leaf]
		return
	}
	e.addWeights(leaf, out[r*e.targets:][:e.targets], has, r)
}

func (e *Ensemble) addWeights(leaf int32, out []float32, has []bool, r int) {
	s := e.spans[leaf]
	for _, w := range e.weights[s.from:s.to] {
		switch e.aggregate {
		case Min:
			if !has[r*e.targets+w.Target] || w.Value < out[w.Target] {
				out[w.Target] = w.Value
			}
		case Max:
			if !has[r*e.targets+w.Target] || w.Value > out[w.Target] {
				out[w.Target] = w.Value
			}
		default:
			out[w.Target] += w.Value
		}
		if has != nil {
			has[r*e.targets+w.Target] = true
		}
	}
}

// NeedsHas says that Score must be given has: minimum and maximum have no neutral start.
func (e *Ensemble) NeedsHas() bool { return e.aggregate == Min || e.aggregate == Max }

// bit is 1 for true. It compiles to a flag, not to a branch.
func bit(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func (e *Ensemble) walk(x []float32, t root) int32 {
	nodes, i := e.nodes, t.node
	for range t.depth {
		n := &nodes[i]
		i = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
	}
	return i
}

func (e *Ensemble) walkMissing(x []float32, t root) int32 {
	nodes, i := e.nodes, t.node
	for range t.depth {
		n := &nodes[i]
		i = n.next(x[uint32(n.feature)/lanes])
	}
	return i
}

// next is the child that a value, which may be NaN, leads to.
func (n *node) next(v float32) int32 { return n.left + (bit(v >= n.limit) | bit(v != v)&n.nanRight) }

// walkRows walks eight transposed rows through one tree.
func walkRows(nodes []node, x []float32, t root) [lanes]int32 {
	a, b, c, d, g, h, i, j := t.node, t.node, t.node, t.node, t.node, t.node, t.node, t.node
	for range t.depth {
		n := &nodes[a]
		a = n.left + bit(x[n.feature] >= n.limit)
		n = &nodes[b]
		b = n.left + bit(x[n.feature+1] >= n.limit)
		n = &nodes[c]
		c = n.left + bit(x[n.feature+2] >= n.limit)
		n = &nodes[d]
		d = n.left + bit(x[n.feature+3] >= n.limit)
		n = &nodes[g]
		g = n.left + bit(x[n.feature+4] >= n.limit)
		n = &nodes[h]
		h = n.left + bit(x[n.feature+5] >= n.limit)
		n = &nodes[i]
		i = n.left + bit(x[n.feature+6] >= n.limit)
		n = &nodes[j]
		j = n.left + bit(x[n.feature+7] >= n.limit)
	}
	return [lanes]int32{a, b, c, d, g, h, i, j}
}

// walkRowsMissing is walkRows for rows that may hold NaN.
func walkRowsMissing(nodes []node, x []float32, t root) [lanes]int32 {
	a, b, c, d, g, h, i, j := t.node, t.node, t.node, t.node, t.node, t.node, t.node, t.node
	for range t.depth {
		n := &nodes[a]
		a = n.next(x[n.feature])
		n = &nodes[b]
		b = n.next(x[n.feature+1])
		n = &nodes[c]
		c = n.next(x[n.feature+2])
		n = &nodes[d]
		d = n.next(x[n.feature+3])
		n = &nodes[g]
		g = n.next(x[n.feature+4])
		n = &nodes[h]
		h = n.next(x[n.feature+5])
		n = &nodes[i]
		i = n.next(x[n.feature+6])
		n = &nodes[j]
		j = n.next(x[n.feature+7])
	}
	return [lanes]int32{a, b, c, d, g, h, i, j}
}

// walkTreesPortable is walkTrees where there is no assembly.
func walkTreesPortable(nodes []node, x []float32, t []root) [lanes]int32 {
	_ = t[7]
	a, b, c, d, g, h, i, j := t[0].node, t[1].node, t[2].node, t[3].node, t[4].node, t[5].node, t[6].node, t[7].node
	depth := int32(0)
	for _, r := range t {
		depth = max(depth, r.depth)
	}
	for range depth { // a walk that is done stays at its leaf
		n := &nodes[a]
		a = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[b]
		b = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[c]
		c = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[d]
		d = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[g]
		g = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[h]
		h = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[i]
		i = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
		n = &nodes[j]
		j = n.left + bit(x[uint32(n.feature)/lanes] >= n.limit)
	}
	return [lanes]int32{a, b, c, d, g, h, i, j}
}

func anyNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}
