package tree

import "golang.org/x/sys/cpu"

// useQuick says that this processor has the instructions of quick_amd64.s.
var useQuick = cpu.X86.HasAVX512F && cpu.X86.HasAVX512CD

// scoreGroups adds to the sums of groups of rows, which begin stride bytes apart at x, what a tree of n nodes, at least one, gives. It
// has at most 32 leaves.
//
//go:noescape
func scoreGroups(nodes *quickNode, n int, leaves, x *float32, stride, groups int, sums *float32)

// scoreGroupsWide is scoreGroups for a tree of at most 64 leaves.
//
//go:noescape
func scoreGroupsWide(nodes *quickNode, n int, leaves, x *float32, stride, groups int, sums *float32)

// gatherGroups transposes groups of rows.
//
//go:noescape
func gatherGroups(xt, x *float32, features, groups int)

func transposeGroups(xt, x []float32, features int) {
	if !useQuick {
		transposePortable(xt, x, features)
		return
	}
	_ = xt[len(x)-1]
	gatherGroups(&xt[0], &x[0], features, len(x)/(quickLanes*features))
}

// score is scorePortable.
func (q *quick) score(t *quickTree, xt []float32, group int, sums []float32) {
	leaves, n := q.leaves[t.leaves:][:quickLeaves], t.end-t.first
	switch {
	case !useQuick:
		q.scorePortable(t, xt, group, sums)
	case n == 0:
		for i := range sums {
			sums[i] += leaves[0]
		}
	case t.wide:
		scoreGroupsWide(&q.nodes[t.first], n, &leaves[0], &xt[0], 4*group, len(sums)/quickLanes, &sums[0])
	default:
		scoreGroups(&q.nodes[t.first], n, &leaves[0], &xt[0], 4*group, len(sums)/quickLanes, &sums[0])
	}
}
