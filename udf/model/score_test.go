package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// TestFillFloats wants every row's arguments side by side, as numbers that conversions round and NaN for NULL, whatever lies beside what.
func TestFillFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, odd := 1+r.IntN(40), r.IntN(6)
		args := make([]*vector.Vector, 1+r.IntN(20))
		for k := range args {
			args[k] = randomNumbers(r, n, r.IntN(10) < odd)
		}
		var rows []int32
		part := r.IntN(4) == 0
		for i := range n {
			if !part || r.IntN(2) == 0 {
				rows = append(rows, int32(i))
			}
		}
		if len(rows) == 0 {
			continue
		}
		single, double := make([]float32, len(rows)*len(args)), make([]float64, len(rows)*len(args))
		if err := errors.Join(fillFloats(single, args, rows, n), fillFloats(double, args, rows, n)); err != nil {
			t.Fatal(err)
		}
		for i := range single {
			row, v := int(rows[i/len(args)]), args[i%len(args)]
			want64 := toFloat(v.Value(row))
			want32 := float32(want64)
			if x, ok := v.Value(row).(int64); ok {
				want32 = float32(x)
			}
			if math.Float32bits(single[i]) != math.Float32bits(want32) || math.Float64bits(double[i]) != math.Float64bits(want64) {
				t.Fatalf("%d columns of %d rows: row %d of column %d (%s) is %v and %v, want %v", len(args), n, row, i%len(args), v.Type, single[i], double[i], want64)
			}
		}
	}
}

// randomNumbers are n DOUBLEs or, where they are to be odd, whatever else a model takes for numbers.
func randomNumbers(r *rand.Rand, n int, odd bool) *vector.Vector {
	double := func() any {
		return []float64{r.NormFloat64(), math.NaN(), math.Inf(1), 1e300, 1e-42, 1 + 1e-9}[r.IntN(6)]
	}
	v, next := vector.New(types.Double), double
	if odd {
		switch r.IntN(5) {
		case 0:
			return vector.NewConst(types.Double, double())
		case 1:
			return vector.NewConst(types.Double, nil)
		case 2:
			v, next = vector.New(types.Int), func() any { return r.Int32() }
		case 3:
			v, next = vector.New(types.Bigint), func() any { return r.Int64() }
		default:
			next = func() any {
				if r.IntN(3) == 0 {
					return nil
				}
				return double()
			}
		}
	}
	for range n {
		v.Append(next())
	}
	return v
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

// TestLookStandsForAll: every row counts once in the distributions, or is about to, however few were looked at; and those are enough, and
// not many more, however many come and whether as many came before or not.
func TestLookStandsForAll(t *testing.T) {
	x := Tensor{Name: "x", Type: Float32, Shape: []int64{-1, 2}}
	b, err := Bind("M", same(x), repeat(types.Double, 2))
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{1, 7, 16, 63, 64, 300} {
		var tally Tally
		s := &b.scratch
		s.rows = s.first(rows)
		s.in[0].Resize(Float32, 2*rows)
		s.out[0].Resize(Float32, 2*rows)
		for i, total := range []int64{100, 5000, 5000, 200_000, 200_000, 100, 100} {
			again := i > 0 && tally.Rows >= total
			tally.reset()
			for tally.Rows < total {
				tally.look(b)
				tally.called(rows, 1, false)
				for _, d := range append(slices.Clone(tally.Inputs), tally.Outputs...) {
					if d.Count()+tally.skipped != tally.Rows || tally.skipped > max(0, int64(tally.every)-1) {
						t.Fatalf("calls of %d rows: %d rows are counted and %d are about to be, of %d", rows, d.Count(), tally.skipped, tally.Rows)
					}
				}
			}
			most := int64(enough * 14)
			if again {
				most = 3 * enough
			}
			if tally.Sampled > most+sampledRows || again && total > 100 && tally.Sampled < enough/2 {
				t.Errorf("calls of %d rows: %d of %d were looked at, at most %d are enough", rows, tally.Sampled, total, most)
			}
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
			s := &bound.scratch
			s.rows = s.first(rows)
			s.in[0].Resize(Float32, 10*rows)
			s.out[0].Resize(Float32, rows)
			for i := range s.in[0].Float32 {
				s.in[0].Float32[i] = float32(r.NormFloat64())
			}
			var t Tally
			for b.Loop() {
				t.look(bound)
				t.called(rows, 1000, false)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
