package tree

import "golang.org/x/sys/cpu"

// useTiled says that this processor has the instructions of tile_amd64.s.
var useTiled = cpu.X86.HasAVX512F && cpu.X86.HasBMI2

// sumTiles adds to a sum what the trees from first to end, at least one, give for the row of so many features at x.
//
//go:noescape
func sumTiles(limits *tileLimits, features *tileFeatures, leaves *float32, steps *int32, first, end int, x *float32, width int, sum float32) float32

// sum is sumPortable.
func (t *tiled) sum(first, end int, x []float32, sum float32) float32 {
	if !useTiled {
		return t.sumPortable(first, end, x, sum)
	}
	return sumTiles(&t.limits[0], &t.features[0], &t.leaves[0], &t.steps[0], first, end, &x[0], len(x), sum)
}
