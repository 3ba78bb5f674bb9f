//go:build !amd64

package tree

func walkBlock(nodes []node, xt []float32, width int, t root, leaves []int32) {
	walkBlockPortable(nodes, xt, width, t, leaves)
}

func walkTrees(nodes []node, x []float32, t []root) [lanes]int32 {
	return walkTreesPortable(nodes, x, t)
}

// useQuick is false: without vectors, walks are faster.
const useQuick = false

func transposeGroups(xt, x []float32, features int) { transposePortable(xt, x, features) }

func (q *quick) score(t *quickTree, xt []float32, group int, sums []float32) {
	q.scorePortable(t, xt, group, sums)
}

const useTiled = false

func (t *tiled) sum(first, end int, x []float32, plain bool, sum float32) float32 {
	return t.sumPortable(first, end, x, plain, sum)
}
