package workbench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// benchTime is how long each batch size is timed.
const benchTime = 300 * time.Millisecond

// maxBench bounds the elements of a batch.
const maxBench = 1 << 26

// Bench times the scorer alone, in one goroutine, over batches of random rows: numbers around 0, small integers, and
// strings of one letter. Rows of other data may take other paths; trees take the same time whatever their path.
func (l Loader) Bench(ctx context.Context, path string, batches []int, out io.Writer) error {
	v, err := l.open(ctx, path)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := fmt.Fprintln(w, "batch\tns/row\trows/s\tallocations/batch\t"); err != nil {
		return err
	}
	for _, n := range batches {
		if n < 1 {
			return fmt.Errorf("bench model: a batch of %d rows", n)
		}
		m, err := measure(ctx, v.Scorer, n)
		if err != nil {
			return fmt.Errorf("bench model %s: %w", path, err)
		}
		_, err = fmt.Fprintf(w, "%d\t%s\t%.0f\t%.1f\t\n", n, strconv.FormatFloat(m.perRow, 'f', 0, 64), 1e9/m.perRow, m.allocations)
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

type measurement struct {
	perRow      float64 // nanoseconds
	allocations float64 // a batch
}

func measure(ctx context.Context, s model.Scorer, rows int) (measurement, error) {
	sig := s.Signature()
	for _, t := range append(sig.Inputs[:len(sig.Inputs):len(sig.Inputs)], sig.Outputs...) {
		if rows > maxBench/max(t.Width(), 1) {
			return measurement{}, fmt.Errorf("%d rows of %s are too many", rows, t)
		}
	}
	in, out := RandomRows(sig, rows), make([]model.Column, len(sig.Outputs))
	if err := s.Score(ctx, in, rows, out); err != nil { // the first run allocates
		return measurement{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	runs, start := 0, time.Now()
	for time.Since(start) < benchTime {
		if err := s.Score(ctx, in, rows, out); err != nil {
			return measurement{}, err
		}
		runs++
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return measurement{
		perRow:      float64(took.Nanoseconds()) / float64(runs) / float64(rows),
		allocations: float64(after.Mallocs-before.Mallocs) / float64(runs),
	}, nil
}

// RandomRows are inputs of a model: numbers around 0, small integers, strings of one letter; the same ones every time.
func RandomRows(sig model.Signature, rows int) []model.Column {
	r := rand.New(rand.NewPCG(1, 2))
	in := make([]model.Column, len(sig.Inputs))
	for i, t := range sig.Inputs {
		c := &in[i]
		c.Resize(t.Type, rows*t.Width())
		for k := range c.Float32 {
			c.Float32[k] = float32(r.NormFloat64())
		}
		for k := range c.Float64 {
			c.Float64[k] = r.NormFloat64()
		}
		for k := range c.Int64 {
			c.Int64[k] = r.Int64N(3)
		}
		for k := range c.Bool {
			c.Bool[k] = r.IntN(2) == 0
		}
		for k := range c.String {
			c.String[k] = string(rune('a' + r.IntN(26)))
		}
	}
	return in
}
