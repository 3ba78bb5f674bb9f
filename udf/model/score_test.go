package model

import (
	"context"
	"fmt"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

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
