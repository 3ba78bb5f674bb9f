package tree

import "golang.org/x/sys/cpu"

// useTiled says that this processor has the instructions of tile_amd64.s.
var useTiled = cpu.X86.HasAVX512F && cpu.X86.HasBMI2

// threeLevels is the branch of the fourth level that a row comes to, by what the low eight bits say of branches 1 to 7.
var threeLevels = func() (t [256]uint8) {
	for right := range t {
		i := 1
		for range tileLevels - 1 {
			i = 2*i + right>>i&1
		}
		t[right] = uint8(i)
	}
	return t
}()

// sumTiles adds to a sum what the trees from first to end, at least one, give for the row of so many features at x. down is threeLevels.
//
//go:noescape
func sumTiles(limits *tileLimits, features *tileFeatures, leaves *float32, steps *int32, down *uint8, first, end int, x *float32, width int, plain bool, sum float32) float32

// sum is sumPortable.
func (t *tiled) sum(first, end int, x []float32, plain bool, sum float32) float32 {
	if !useTiled {
		return t.sumPortable(first, end, x, plain, sum)
	}
	return sumTiles(&t.limits[0], &t.features[0], &t.leaves[0], &t.steps[0], &threeLevels[0], first, end, &x[0], len(x), plain, sum)
}
