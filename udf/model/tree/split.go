package tree

import "slices"

// maxParts is the most targets of a tree that is gone through for each of them: a walk that adds all weights of a leaf took as long as
// tiles for about five targets.
const maxParts = 4

// split finds the parts. Leaves become plain numbers if trees have one target each, as boosters of several classes do; forests have all
// classes at every leaf, and keep their weights for walks.
func (e *Ensemble) split() {
	if e.spans == nil {
		e.parts = e.roots
		return
	}
	if e.aggregate == Min || e.aggregate == Max {
		return
	}
	var parts []root
	has := make([]bool, e.targets)
	for t, r := range e.roots {
		end := int32(len(e.nodes))
		if t+1 < len(e.roots) {
			end = e.roots[t+1].node
		}
		targets := e.common(r.node, end)
		if targets == nil {
			return
		}
		for _, k := range targets {
			parts = append(parts, root{r.node, r.depth, k})
			has[k] = true
		}
	}
	e.parts, e.has = parts, has
	if len(parts) > len(e.roots) {
		return
	}
	for i, s := range e.spans {
		if e.nodes[i].left == int32(i) {
			e.leaves[i] = e.weights[s.from].Value
		}
	}
	e.roots, e.spans, e.weights = parts, nil, nil
}

// common are the targets that every leaf of some nodes has one weight for, ascending, if leaves have no others and not too many.
func (e *Ensemble) common(from, end int32) []int32 {
	var common, targets []int32
	for i := from; i < end; i++ {
		s := e.spans[i]
		if e.nodes[i].left != i {
			continue
		}
		if s.to == s.from || s.to-s.from > maxParts {
			return nil
		}
		targets = targets[:0]
		for _, w := range e.weights[s.from:s.to] {
			targets = append(targets, int32(w.Target))
		}
		slices.Sort(targets)
		if common == nil {
			common = slices.Compact(slices.Clone(targets))
		}
		if !slices.Equal(targets, common) {
			return nil
		}
	}
	return common
}

// value is what a leaf gives to a target that all leaves of its tree have.
func (e *Ensemble) value(leaf, target int32) float32 {
	if e.spans == nil {
		return e.leaves[leaf]
	}
	s := e.spans[leaf]
	weights := e.weights[s.from:s.to]
	return weights[slices.IndexFunc(weights, func(w Weight) bool { return w.Target == int(target) })].Value
}
