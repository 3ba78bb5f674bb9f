package tree

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// grow appends a random tree and returns its root.
func grow(r *rand.Rand, s *Spec, depth int) int {
	i := len(s.Nodes)
	s.Nodes = append(s.Nodes, Node{Mode: Leaf})
	if depth == 0 || r.IntN(6) == 0 {
		for t := range s.Targets {
			if r.IntN(4) > 0 {
				s.Weights = append(s.Weights, Weight{Node: i, Target: t, Value: float32(r.NormFloat64())})
			}
		}
		return i
	}
	n := Node{Mode: []Mode{LEQ, LT, GTE, GT, EQ, NEQ, In}[r.IntN(7)], Feature: r.IntN(s.Features), Value: interesting(r), MissingTrue: r.IntN(2) == 0}
	if n.Mode == In {
		n.Bounds = bounds(r)
	}
	n.True = grow(r, s, depth-1)
	n.False = grow(r, s, depth-1)
	s.Nodes[i] = n
	return i
}

// common gives each leaf of the last tree a weight for the same targets, in any order; the tree's nodes and weights begin where they do.
func common(r *rand.Rand, s *Spec, nodes, weights, parts int) {
	s.Weights = s.Weights[:weights]
	targets := r.Perm(s.Targets)[:min(parts, s.Targets)]
	for i, n := range s.Nodes[nodes:] {
		if n.Mode != Leaf {
			continue
		}
		for _, k := range r.Perm(len(targets)) {
			s.Weights = append(s.Weights, Weight{Node: nodes + i, Target: targets[k], Value: float32(r.NormFloat64())})
		}
	}
}

// bounds ascend, and some are interesting.
func bounds(r *rand.Rand) []float32 {
	var list []float32
	for range r.IntN(12) {
		if v := interesting(r); v == v && v >= -math.MaxFloat32 && !slices.Contains(list, v) { // 0 contains -0
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return list
}

// inside is what In means, by definition.
func inside(bounds []float32, v float32) bool {
	in := false
	for _, b := range bounds {
		in = in != (b <= v)
	}
	return in
}

// interesting numbers meet thresholds exactly, and their neighbours.
func interesting(r *rand.Rand) float32 {
	list := []float32{
		0, float32(math.Copysign(0, -1)), 1, -1, math.Nextafter32(1, 0), math.SmallestNonzeroFloat32,
		math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	}
	if i := r.IntN(2 * len(list)); i < len(list) {
		return list[i]
	}
	return float32(r.NormFloat64())
}

// reference is the definition: one row, one tree, one comparison at a time.
func reference(s *Spec, x []float32) ([]float32, []bool) {
	out, has := make([]float32, s.Targets), make([]bool, s.Targets)
	trees := make([]float32, s.Targets)
	for number, i := range s.Roots {
		for s.Nodes[i].Mode != Leaf {
			n := &s.Nodes[i]
			v := x[n.Feature]
			holds := [...]bool{LEQ: v <= n.Value, LT: v < n.Value, GTE: v >= n.Value, GT: v > n.Value, EQ: v == n.Value, NEQ: v != n.Value, In: inside(n.Bounds, v)}[n.Mode]
			if i = n.False; holds || v != v && n.MissingTrue {
				i = n.True
			}
		}
		leaf := float32(0)
		for _, w := range s.Weights {
			if w.Node != i {
				continue
			}
			leaf += w.Value
			switch t := w.Target; {
			case s.TreeTargets != nil:
			case s.Aggregate == Min && has[t]:
				out[t] = min(out[t], w.Value)
			case s.Aggregate == Max && has[t]:
				out[t] = max(out[t], w.Value)
			case s.Aggregate == Min || s.Aggregate == Max:
				out[t] = w.Value
			default:
				out[t] += w.Value
			}
			has[w.Target] = true
		}
		if s.TreeTargets != nil {
			out[s.TreeTargets[number]] += leaf
		}
	}
	for number := range s.Roots {
		for t := range out {
			if s.TreeTargets == nil || s.TreeTargets[number] == t {
				trees[t]++
			}
		}
	}
	if s.Aggregate == Average {
		for t := range out {
			out[t] /= max(trees[t], 1)
		}
	}
	return out, has
}

// TestAgainstDefinition compares random ensembles with the definition, bit for bit, over every mode and aggregate, with
// and without missing values, in batches that end inside a block and inside the lanes.
func TestAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		s := Spec{Targets: 1 + r.IntN(3), Features: 1 + r.IntN(4), Aggregate: Aggregate(r.IntN(4))}
		if round%5 == 0 {
			s.Features = 1 + r.IntN(tileWidth+9)
		}
		parts := max(0, r.IntN(8)-4) // targets that all leaves of a tree have
		for range 1 + r.IntN(20) {
			nodes, weights := len(s.Nodes), len(s.Weights)
			s.Roots = append(s.Roots, grow(r, &s, r.IntN(6)))
			if parts > 0 {
				common(r, &s, nodes, weights, parts)
			}
		}
		if s.Aggregate <= Average && r.IntN(3) == 0 {
			for range s.Roots {
				s.TreeTargets = append(s.TreeTargets, r.IntN(s.Targets))
			}
		}
		e, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		if parts > 0 && s.Aggregate <= Average && (e.parts == nil || (e.spans == nil) != (len(e.parts) == len(e.roots))) {
			t.Fatalf("round %d: there are %d parts of %d trees", round, len(e.parts), len(e.roots))
		}
		if round%3 == 0 {
			e.quick = nil
		}
		if round%4 == 0 {
			e.tiled = nil
		}
		rows := 1 + r.IntN(maxBlock+lanes)
		x := make([]float32, rows*s.Features)
		for i := range x {
			if x[i] = interesting(r); round%2 == 0 && x[i] != x[i] {
				x[i] = 0.5
			}
		}
		out, has := make([]float32, rows*s.Targets), make([]bool, rows*s.Targets)
		e.Score(x, rows, out, has)
		for i := range rows {
			want, wantHas := reference(&s, x[i*s.Features:][:s.Features])
			for k := range want {
				got := out[i*s.Targets+k]
				plain := (s.Targets == 1 || s.TreeTargets != nil) && s.Aggregate <= Average // where every leaf counts
				if math.Float32bits(got+0) != math.Float32bits(want[k]+0) || !plain && has[i*s.Targets+k] != wantHas[k] {
					t.Fatalf("round %d row %d target %d: got %v %v, want %v %v", round, i, k, got, has[i*s.Targets+k], want[k], wantHas[k])
				}
			}
		}
	}
}

// TestWalk wants the walks of this processor to end where the portable ones do.
func TestWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 200 {
		s := Spec{Targets: 1, Features: 1 + r.IntN(9)}
		for range lanes {
			s.Roots = append(s.Roots, grow(r, &s, r.IntN(7)))
		}
		e, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		rows := lanes * (1 + r.IntN(maxBlock/lanes))
		x, width := make([]float32, rows*s.Features), lanes*s.Features
		for i := range x {
			x[i] = interesting(r)
		}
		for _, root := range e.roots {
			got, want := make([]int32, rows), make([]int32, rows)
			walkBlock(e.nodes, x, width, root, got)
			walkBlockPortable(e.nodes, x, width, root, want)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: rows end at %v, want %v", round, got, want)
			}
		}
		if got, want := walkTrees(e.nodes, x, e.roots), walkTreesPortable(e.nodes, x, e.roots); got != want {
			t.Fatalf("round %d: a row ends at %v, want %v", round, got, want)
		}
	}
}

// TestQuick wants the sums of walks, bit for bit, of trees up to the largest ones, and of the portable form as of this processor's.
func TestQuick(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	wide, refused := 0, 0
	for round := range 300 {
		s := Spec{Targets: 1, Features: 1 + r.IntN(9)}
		s.Roots = append(s.Roots, grow(r, &s, r.IntN(9)))
		e, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		q := e.makeQuick()
		if q == nil {
			refused++
			continue
		}
		groups, group := 1+r.IntN(9), quickLanes*s.Features
		x, xt, same := make([]float32, groups*group), make([]float32, groups*group), make([]float32, groups*group)
		for i := range x {
			if x[i] = interesting(r); e.nanRight && x[i] != x[i] {
				x[i] = 0.5
			}
		}
		transposeGroups(xt, x, s.Features)
		if transposePortable(same, x, s.Features); !slices.EqualFunc(xt, same, sameBits) {
			t.Fatalf("round %d: the rows are transposed otherwise than by the portable form", round)
		}
		got, portable, want := make([]float32, groups*quickLanes), make([]float32, groups*quickLanes), make([]float32, groups*quickLanes)
		tree := &q.trees[0]
		q.score(tree, xt, group, got)
		q.scorePortable(tree, xt, group, portable)
		for i := range want {
			want[i] += e.leaves[e.walk(x[i*s.Features:][:s.Features], e.roots[0])]
		}
		if !slices.EqualFunc(got, want, sameBits) || !slices.EqualFunc(portable, want, sameBits) {
			t.Fatalf("round %d: rows get %v, portable %v, want %v", round, got, portable, want)
		}
		if tree.wide {
			wide++
		}
	}
	if wide == 0 || refused == 0 {
		t.Errorf("%d trees were wide and %d too large: the test has not met both", wide, refused)
	}
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

func TestNewRefuses(t *testing.T) {
	leaf := Node{Mode: Leaf}
	branch := func(yes, no int) Node { return Node{True: yes, False: no} }
	for want, s := range map[string]Spec{
		"needs trees":             {Nodes: []Node{leaf}, Targets: 1, Features: 1},
		"reached twice":           {Nodes: []Node{branch(0, 1), leaf}, Roots: []int{0}, Targets: 1, Features: 1},
		"tree 1: node 1":          {Nodes: []Node{branch(1, 2), leaf, leaf, branch(1, 2)}, Roots: []int{0, 3}, Targets: 1, Features: 1},
		"child that does not":     {Nodes: []Node{branch(1, 7), leaf}, Roots: []int{0}, Targets: 1, Features: 1},
		"root 5 does not exist":   {Nodes: []Node{leaf}, Roots: []int{5}, Targets: 1, Features: 1},
		"reads feature 3 of 2":    {Nodes: []Node{{Feature: 3}, leaf, leaf}, Roots: []int{0}, Targets: 1, Features: 2},
		"not at a leaf":           {Nodes: []Node{branch(1, 2), leaf, leaf}, Roots: []int{0}, Weights: []Weight{{}}, Targets: 1, Features: 1},
		"is for target 2 of 1":    {Nodes: []Node{leaf}, Roots: []int{0}, Weights: []Weight{{Target: 2}}, Targets: 1, Features: 1},
		"node 0 has an unknown m": {Nodes: []Node{{Mode: 99}}, Roots: []int{0}, Targets: 1, Features: 1},
	} {
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func BenchmarkScore(b *testing.B) {
	for _, size := range []struct{ trees, depth int }{{100, 6}, {500, 8}} {
		r := rand.New(rand.NewPCG(3, 4))
		s := Spec{Targets: 1, Features: 16}
		for range size.trees {
			s.Roots = append(s.Roots, complete(r, &s, size.depth))
		}
		e, err := New(s)
		if err != nil {
			b.Fatal(err)
		}
		for _, rows := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("trees=%dx%d/batch=%d", size.trees, size.depth, rows), func(b *testing.B) {
				x, out := make([]float32, rows*s.Features), make([]float32, rows)
				for i := range x {
					x[i] = float32(r.NormFloat64())
				}
				b.ReportAllocs()
				for b.Loop() {
					e.Score(x, rows, out, nil)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
			})
		}
	}
}

// complete appends a tree whose leaves are all at the depth.
func complete(r *rand.Rand, s *Spec, depth int) int {
	i := len(s.Nodes)
	if depth == 0 {
		s.Nodes = append(s.Nodes, Node{Mode: Leaf})
		s.Weights = append(s.Weights, Weight{Node: i, Value: float32(r.NormFloat64())})
		return i
	}
	s.Nodes = append(s.Nodes, Node{Feature: r.IntN(s.Features), Value: float32(r.NormFloat64())})
	yes := complete(r, s, depth-1)
	no := complete(r, s, depth-1)
	s.Nodes[i].True, s.Nodes[i].False = yes, no
	return i
}
