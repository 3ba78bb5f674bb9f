package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// TestInterleave wants every column at its place of every row, nothing else written, and numbers rounded as conversions do.
func TestInterleave(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		c := columns{n: 1 + r.IntN(interleaved)}
		rows, first, behind := 1+r.IntN(40), r.IntN(3), r.IntN(3)
		stride := first + c.n + behind
		want := make([]float32, rows*stride)
		for i := range want {
			want[i] = -1
		}
		got := slices.Clone(want)
		for k := range c.n {
			for i := range rows {
				v := []float64{r.NormFloat64(), math.NaN(), math.Inf(1), 1e300, 1e-42, 1 + 1e-9}[r.IntN(6)]
				c.of[k] = append(c.of[k], v)
				want[i*stride+first+k] = float32(v)
			}
		}
		interleave(got[first:], stride, &c)
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%d columns of %d rows: element %d is %v, want %v", c.n, rows, i, got[i], want[i])
			}
		}
	}
}

// TestTexts: STRING arguments reach their rows whether all are scored, some, or one stands for all, and are nobody's memory afterwards.
func TestTexts(t *testing.T) {
	sig := Tensor{Name: "s", Type: String, Shape: []int64{-1, 2}}
	b, err := Bind("M", same(sig), repeat(types.String, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, sel := range [][]int32{nil, {1, 2}} {
		words := vec(types.String, "a", "", "ccc")
		out := vector.New(b.Result)
		if err := b.Score(context.Background(), []*vector.Vector{words, vector.NewConst(types.String, "all")}, 3, sel, out); err != nil {
			t.Fatal(err)
		}
		clear(words.Data)
		for r, want := range []string{"[a all]", "[ all]", "[ccc all]"} {
			if sel != nil && r == 0 {
				want = "<nil>"
			}
			if got := fmt.Sprint(out.Value(r)); got != want {
				t.Errorf("%v: row %d is %s, want %s", sel, r, got, want)
			}
		}
	}
}

// BenchmarkPredict is PREDICT without its scorer, for a score of ten numbers and for a label with the probabilities of two classes.
func BenchmarkPredict(b *testing.B) {
	x := Tensor{Name: "x", Type: Float32, Shape: []int64{-1, 10}}
	for name, outputs := range map[string][]Tensor{
		"double": {{Name: "y", Type: Float32, Shape: []int64{-1, 1}}},
		"array":  {{Name: "y", Type: Float32, Shape: []int64{-1, 3}}},
		"struct": {
			{Name: "label", Type: Int64, Shape: []int64{-1}},
			{Name: "probability", Type: Float32, Shape: []int64{-1, 2}, Keys: []string{"0", "1"}},
		},
	} {
		for _, rows := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, rows), func(b *testing.B) {
				benchmarkPredict(b, Signature{Inputs: []Tensor{x}, Outputs: outputs}, rows)
			})
		}
	}
}

func benchmarkPredict(b *testing.B, sig Signature, rows int) {
	bound, err := Bind("M", idle(sig), repeat(types.Double, sig.Inputs[0].Width()))
	if err != nil {
		b.Fatal(err)
	}
	args := make([]*vector.Vector, sig.Inputs[0].Width())
	for i := range args {
		args[i] = vec(types.Double)
		for r := range rows {
			args[i].Append(float64(r))
		}
	}
	out := vector.New(bound.Result)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := bound.Score(context.Background(), args, rows, nil, out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

// idle is a scorer that sets nothing.
type idle Signature

func (s idle) Signature() Signature { return Signature(s) }
func (idle) Close() error           { return nil }

func (s idle) Score(_ context.Context, _ []Column, rows int, out []Column) error {
	for i, t := range s.Outputs {
		out[i].Resize(t.Type, rows*t.Width())
	}
	return nil
}

// TestLookStandsForAll: every row counts once in the distributions, or is about to, however few were looked at.
func TestLookStandsForAll(t *testing.T) {
	x := Tensor{Name: "x", Type: Float32, Shape: []int64{-1, 2}}
	b, err := Bind("M", same(x), repeat(types.Double, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{1, 7, 16, 63, 64, 300} {
		var tally Tally
		s := b.pool.New().(*scratch)
		s.rows = s.first(rows)
		s.in[0].Resize(Float32, 2*rows)
		s.out[0].Resize(Float32, 2*rows)
		total := int64(0)
		for total < 5000 {
			tally.look(b, s)
			total += int64(rows)
			for _, d := range append(slices.Clone(tally.Inputs), tally.Outputs...) {
				if d.Count()+tally.skipped != total || tally.skipped >= sparseStride {
					t.Fatalf("calls of %d rows: %d rows are counted and %d are about to be, of %d", rows, d.Count(), tally.skipped, total)
				}
			}
		}
		if most := closelySampled + sampledRows + total/sparseStride*2; tally.Sampled < closelySampled || tally.Sampled > most {
			t.Errorf("calls of %d rows: %d were looked at, at most %d of %d are enough", rows, tally.Sampled, most, total)
		}
	}
}

// BenchmarkLook is what the statistics of a call take.
func BenchmarkLook(b *testing.B) {
	x := Tensor{Name: "x", Type: Float32, Shape: []int64{-1, 10}}
	y := Tensor{Name: "y", Type: Float32, Shape: []int64{-1, 1}}
	sig := Signature{Inputs: []Tensor{x}, Outputs: []Tensor{y}}
	bound, err := Bind("M", idle(sig), repeat(types.Double, 10))
	if err != nil {
		b.Fatal(err)
	}
	for _, rows := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", rows), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			s := bound.pool.New().(*scratch)
			s.rows = s.first(rows)
			s.in[0].Resize(Float32, 10*rows)
			s.out[0].Resize(Float32, rows)
			for i := range s.in[0].Float32 {
				s.in[0].Float32[i] = float32(r.NormFloat64())
			}
			var t Tally
			for b.Loop() {
				t.look(bound, s)
				t.called(rows, 1000, false)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
