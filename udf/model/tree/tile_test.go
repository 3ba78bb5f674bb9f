package tree

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTiled wants the sums of walks, bit for bit, of trees of all sizes and of chains, and of the portable form as of this processor's.
func TestTiled(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	most, refused := int32(0), 0
	for round := range 300 {
		s := Spec{Targets: 1, Features: 1 + r.IntN(tileWidth)}
		for range 1 + r.IntN(20) {
			if s.Roots = append(s.Roots, grow(r, &s, r.IntN(9))); round%3 == 0 {
				s.Roots = append(s.Roots, chain(r, &s, r.IntN(20)), complete(r, &s, r.IntN(9)))
			}
		}
		if round%2 == 0 {
			s.Targets = 3
			for range s.Roots {
				s.TreeTargets = append(s.TreeTargets, r.IntN(s.Targets))
			}
		}
		e, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		tiles := e.makeTiled()
		if tiles == nil {
			refused++
			continue
		}
		most = max(most, slices.Max(tiles.steps))
		row := make([]float32, s.Features)
		for range 30 {
			for i := range row {
				row[i] = interesting(r)
			}
			plain := s.Features <= tileNarrow && !(e.nanRight && anyNaN(row))
			got, portable, want := make([]float32, s.Targets), make([]float32, s.Targets), make([]float32, s.Targets)
			for _, run := range tiles.runs {
				mid := run.first + (run.end-run.first+1)/2 // a sum goes on where it was left
				k := run.target
				if got[k] = tiles.sum(run.first, mid, row, plain, 0); mid < run.end {
					got[k] = tiles.sum(mid, run.end, row, plain, got[k])
				}
				portable[k] = tiles.sumPortable(run.first, run.end, row, plain, 0)
			}
			for _, root := range e.roots {
				want[root.target] += e.leaves[e.walkMissing(row, root)]
			}
			if !slices.EqualFunc(got, want, sameBits) || !slices.EqualFunc(portable, want, sameBits) {
				t.Fatalf("round %d: a row gets %v, portable %v, want %v", round, got, portable, want)
			}
		}
	}
	if most < 4 || refused == 0 {
		t.Errorf("the longest way took %d steps, and %d ensembles were refused: the test has not met both", most, refused)
	}
}

// TestTiledRefuses has what there are no tiles for.
func TestTiledRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for name, s := range map[string]Spec{
		"features": {Targets: 1, Features: tileWidth + 1},
		"targets":  {Targets: 2, Features: 1},
		"depth":    {Targets: 1, Features: 1},
		"chains":   {Targets: 1, Features: 1},
	} {
		s.Roots = append(s.Roots, complete(r, &s, 3))
		switch name {
		case "targets":
			s.Weights[0].Target = 1
		case "depth":
			s.Roots = append(s.Roots, chain(r, &s, tileSteps*tileLevels+1), complete(r, &s, 12))
		case "chains":
			s.Roots = append(s.Roots, chain(r, &s, 60))
		}
		e, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		if e.makeTiled() != nil {
			t.Errorf("%s: there are tiles", name)
		}
	}
}

// TestShelf wants no number twice.
func TestShelf(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	s, taken, count := shelf{used: math.MaxUint64}, map[int]bool{}, 0
	for range 10_000 {
		ways := uint16(1+r.IntN(1<<16-1)) & uint16(r.IntN(1<<16)|1<<r.IntN(16))
		at := s.place(ways | 1)
		for k := range 16 {
			if (ways|1)>>k&1 == 0 {
				continue
			}
			if taken[at+k] || at+k < 0 || at+k >= s.end {
				t.Fatalf("number %d of %b at %d is not free, or not of the %d", at+k, ways|1, at, s.end)
			}
			taken[at+k] = true
			count++
		}
	}
	if s.end > 2*count {
		t.Errorf("%d numbers lie among %d", count, s.end)
	}
}

// chain appends a tree with a leaf at every level.
func chain(r *rand.Rand, s *Spec, depth int) int {
	i := complete(r, s, 0)
	for range depth {
		n := Node{Mode: LT, Feature: r.IntN(s.Features), Value: float32(r.NormFloat64()), True: i, False: complete(r, s, 0)}
		if r.IntN(2) == 0 {
			n.True, n.False = n.False, n.True
		}
		i = len(s.Nodes)
		s.Nodes = append(s.Nodes, n)
	}
	return i
}
