package tree

// walkGroups walks groups of lanes transposed rows, which lie width numbers apart at x, through the tree at root, and writes the leaves they
// reach. There must be a group and a level.
//
//go:noescape
func walkGroups(nodes *node, x *float32, groups, width int, root, depth int32, leaves *int32)

// walkRoots takes one row, at x, from lanes nodes down so many levels, which are at least one.
//
//go:noescape
func walkRoots(nodes *node, x *float32, depth int, at *int32)

// walkBlock walks whole groups of rows through one tree.
func walkBlock(nodes []node, xt []float32, width int, t root, leaves []int32) {
	if t.depth == 0 {
		walkBlockPortable(nodes, xt, width, t, leaves)
		return
	}
	walkGroups(&nodes[0], &xt[0], len(leaves)/lanes, width, t.node, t.depth, &leaves[0])
}

// walkTrees walks one row through lanes trees.
func walkTrees(nodes []node, x []float32, t []root) [lanes]int32 {
	var at [lanes]int32
	depth := int32(0)
	for k, r := range t[:lanes] {
		at[k], depth = r.node, max(depth, r.depth)
	}
	if depth > 0 {
		walkRoots(&nodes[0], &x[0], int(depth), &at[0])
	}
	return at
}
