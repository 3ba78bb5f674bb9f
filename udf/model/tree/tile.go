package tree

// tiled is another form of an ensemble, of trees of any size: a tree is cut into tiles, each of up to four levels of branches that lie
// together, and all comparisons of a tile are made at once, whichever of them a row meets. So eight levels are two steps, each of which
// waits for memory once. (A. Prasad et al., Treebeard: an optimizing compiler for decision tree based ML inference, MICRO 2022.)
//
// All leaves of a tree are as many steps from its root. Where that is more than a leaf needs, branches are left empty.
type tiled struct {
	limits   []tileLimits // by tile
	features []tileFeatures
	leaves   []float32
	steps    []int32 // by tree, those of a target one after another; the first tile of a tree has its number
	runs     []tiledRun
	tiles    int // that a row passes
	few      int // trees that all rows of a block pass before the next ones, so that they stay in the first-level cache
}

// tiledRun is the trees of a target.
type tiledRun struct{ first, end, target int }

// tileLimits and tileFeatures are a tile. Its branches are numbered from 1, level by level: what is below i is 2i, to the left, and 2i+1.
// From 16 on numbers are ways out. Way i leads to number base/8+i, of the tiles, or of the leaves at the last step; what is there if no
// row goes that way is another tile's. The assembly knows the layout.
type tileLimits struct {
	base  int32
	limit [tileNodes]float32 // of branch i at i-1; NaN: nothing goes to the right, as in an empty one
}

type tileFeatures struct {
	_       uint8
	feature [tileNodes]uint8 // of branch i at i-1; the highest bit says that NaN goes to the right
}

const (
	tileLevels = 4
	tileNodes  = 1<<tileLevels - 1
	tileWays   = 1 << tileLevels
	tileWidth  = 64     // most features: four registers
	tileNarrow = 32     // so many are looked up at once
	tileRight  = 1 << 7 // in a feature: NaN goes to the right
)

// tiledBlock scores the rows of a block.
func (e *Ensemble) tiledBlock(x []float32, rows int, missing bool, out []float32) {
	t := e.tiled
	plain := !missing && e.features <= tileNarrow
	for _, run := range t.runs {
		few := t.few
		if rows == 1 {
			few = run.end - run.first
		}
		for first := run.first; first < run.end; first += few {
			end := min(first+few, run.end)
			for r := range rows {
				at := r*e.targets + run.target
				out[at] = t.sum(first, end, x[r*e.features:][:e.features], plain, out[at])
			}
		}
	}
}

// sumPortable adds what the trees from first to end give for a row. It is plain if it holds no NaN that goes to the right, and there are no
// more features than are looked up at once; the assembly is faster then.
func (t *tiled) sumPortable(first, end int, x []float32, _ bool, sum float32) float32 {
	for tree := first; tree < end; tree++ {
		at := int32(tree)
		for range t.steps[tree] {
			l, f := &t.limits[at], &t.features[at]
			i := int32(1)
			for range tileLevels {
				k := f.feature[i-1]
				v := x[k&(tileWidth-1)]
				i = 2*i + (bit(v >= l.limit[i-1]) | bit(v != v)&int32(k/tileRight))
			}
			at = l.base/8 + i
		}
		sum += t.leaves[at]
	}
	return sum
}
