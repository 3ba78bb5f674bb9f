package tree

// lanes is the number of walks that run interleaved.
const lanes = 8

// rowBlock is the number of rows that pass one tree before the next: the tree stays in the first-level cache, and so
// do the rows.
const rowBlock = 64

// Targets is the number of scores a row gets.
func (e *Ensemble) Targets() int { return e.targets }

// Trees is the number of trees.
func (e *Ensemble) Trees() int { return len(e.roots) }

// Score writes Targets aggregated scores for each row of x, which holds Features numbers a row, to out. Where no leaf
// that a row reached has a weight for a target, its score is 0 and its element of has is false; has may be nil. NaN is
// a missing value.
func (e *Ensemble) Score(x []float32, rows int, out []float32, has []bool) {
	x, out = x[:rows*e.features], out[:rows*e.targets]
	for from := 0; from < rows; from += rowBlock {
		to := min(from+rowBlock, rows)
		xs, o := x[from*e.features:to*e.features], out[from*e.targets:to*e.targets]
		var h []bool
		if has != nil {
			h = has[from*e.targets : to*e.targets]
			clear(h)
		}
		clear(o)
		e.block(xs, to-from, o, h)
	}
	if e.aggregate == Average {
		trees := float32(len(e.roots))
		for i := range out {
			out[i] /= trees
		}
	}
}

// block scores up to rowBlock rows. Ensembles that send NaN anywhere but where a failed comparison goes need a slower
// walk for rows that hold one.
func (e *Ensemble) block(x []float32, rows int, out []float32, has []bool) {
	if e.nanLeft != nil && anyNaN(x) {
		e.walkMissing(x, rows, out, has)
		return
	}
	whole := rows &^ (lanes - 1)
	if whole > 0 {
		for _, t := range e.roots {
			for r := 0; r < whole; r += lanes {
				leaf := e.walkRows(x[r*e.features:], t)
				for k := range leaf {
					e.add(leaf[k], out, has, r+k)
				}
			}
		}
	}
	for r := whole; r < rows; r++ {
		e.row(x[r*e.features:][:e.features], out, has, r)
	}
}

// row walks one row through eight trees at a time.
func (e *Ensemble) row(x []float32, out []float32, has []bool, r int) {
	roots := e.roots
	for ; len(roots) >= lanes; roots = roots[lanes:] {
		leaf := e.walkTrees(x, roots[:lanes])
		for k := range leaf {
			e.add(leaf[k], out, has, r)
		}
	}
	for _, t := range roots {
		e.add(e.walk(x, t), out, has, r)
	}
}

// add gives the weights of a leaf to a row.
func (e *Ensemble) add(leaf int32, out []float32, has []bool, r int) {
	if e.spans == nil {
		out[r] += e.leaves[leaf]
		if has != nil {
			has[r] = true
		}
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

// side is the index of the child: 0 if the comparison holds. It compiles to a flag, not to a branch.
func side(left bool) int32 {
	if left {
		return 0
	}
	return 1
}

func (e *Ensemble) walk(x []float32, t root) int32 {
	nodes, i := e.nodes, t.node
	for range t.depth {
		n := &nodes[i]
		i = n.kid[side(x[n.feature] <= n.threshold)&1]
	}
	return i
}

func (e *Ensemble) walkRows(x []float32, t root) [lanes]int32 {
	nodes, f := e.nodes, e.features
	x0, x1, x2, x3 := x[:f], x[f:2*f], x[2*f:3*f], x[3*f:4*f]
	x4, x5, x6, x7 := x[4*f:5*f], x[5*f:6*f], x[6*f:7*f], x[7*f:8*f]
	a, b, c, d, g, h, i, j := t.node, t.node, t.node, t.node, t.node, t.node, t.node, t.node
	for range t.depth {
		n := &nodes[a]
		a = n.kid[side(x0[n.feature] <= n.threshold)&1]
		n = &nodes[b]
		b = n.kid[side(x1[n.feature] <= n.threshold)&1]
		n = &nodes[c]
		c = n.kid[side(x2[n.feature] <= n.threshold)&1]
		n = &nodes[d]
		d = n.kid[side(x3[n.feature] <= n.threshold)&1]
		n = &nodes[g]
		g = n.kid[side(x4[n.feature] <= n.threshold)&1]
		n = &nodes[h]
		h = n.kid[side(x5[n.feature] <= n.threshold)&1]
		n = &nodes[i]
		i = n.kid[side(x6[n.feature] <= n.threshold)&1]
		n = &nodes[j]
		j = n.kid[side(x7[n.feature] <= n.threshold)&1]
	}
	return [lanes]int32{a, b, c, d, g, h, i, j}
}

func (e *Ensemble) walkTrees(x []float32, t []root) [lanes]int32 {
	nodes := e.nodes
	_ = t[7]
	a, b, c, d, g, h, i, j := t[0].node, t[1].node, t[2].node, t[3].node, t[4].node, t[5].node, t[6].node, t[7].node
	depth := int32(0)
	for _, r := range t {
		depth = max(depth, r.depth)
	}
	for range depth { // a walk that is done stays at its leaf
		n := &nodes[a]
		a = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[b]
		b = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[c]
		c = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[d]
		d = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[g]
		g = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[h]
		h = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[i]
		i = n.kid[side(x[n.feature] <= n.threshold)&1]
		n = &nodes[j]
		j = n.kid[side(x[n.feature] <= n.threshold)&1]
	}
	return [lanes]int32{a, b, c, d, g, h, i, j}
}

// walkMissing scores rows one at a time and sends NaN where each node says.
func (e *Ensemble) walkMissing(x []float32, rows int, out []float32, has []bool) {
	for r := range rows {
		row := x[r*e.features:][:e.features]
		for _, t := range e.roots {
			i := t.node
			for {
				n := &e.nodes[i]
				v := row[n.feature]
				next := n.kid[side(v <= n.threshold || v != v && e.nanLeft[i])&1]
				if next == i {
					break
				}
				i = next
			}
			e.add(i, out, has, r)
		}
	}
}

func anyNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}
