//go:build !amd64

package tree

func walkBlock(nodes []node, xt []float32, width int, t root, leaves []int32) {
	walkBlockPortable(nodes, xt, width, t, leaves)
}

func walkTrees(nodes []node, x []float32, t []root) [lanes]int32 {
	return walkTreesPortable(nodes, x, t)
}
