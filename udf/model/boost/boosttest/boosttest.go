// Package boosttest compares boosted trees with what the libraries that trained them predict. The files of a testdata
// folder are a model and, beside it, NAME.rows.json with input rows and predictions, written by generate.py there.
package boosttest

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// tolerance is the largest difference, relative above 1: float32 sums against the library's.
const tolerance = 1e-5

// sample is a rows.json file.
type sample struct {
	Rows    int                   `json:"rows"`
	Input   []*float64            `json:"input"` // null: missing
	Outputs map[string][]*float64 `json:"outputs"`
}

func (s sample) column() model.Column {
	var c model.Column
	for _, v := range s.Input {
		if v == nil {
			c.Float32 = append(c.Float32, float32(math.NaN()))
		} else {
			c.Float32 = append(c.Float32, float32(*v))
		}
	}
	return c
}

// Compare scores the rows of a model, all at once, one by one and many times over, and wants the library's predictions
// and the same bits each time.
func Compare(t *testing.T, b model.Backend, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := b.Load(context.Background(), model.NewArtifact(path, raw), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := read(t, strings.TrimSuffix(path, filepath.Ext(path))+".rows.json")
	x := s.column().Float32
	whole := score(t, scorer, x, s.Rows)
	worst, compared := 0.0, 0
	for i, o := range scorer.Signature().Outputs {
		want, ok := s.Outputs[o.Name]
		if !ok {
			continue
		}
		compared++
		got := numbers(whole[i], o.Type)
		if len(got) != len(want) {
			t.Fatalf("%s has %d elements, want %d", o, len(got), len(want))
		}
		for k, w := range want {
			d := math.Abs(got[k]-*w) / max(1, math.Abs(*w))
			if !(d <= tolerance) || o.Type == model.Int64 && d != 0 {
				t.Fatalf("%s[%d] is %v, the library says %v", o.Name, k, got[k], *w)
			}
			worst = max(worst, d)
		}
	}
	if compared != len(s.Outputs) {
		t.Errorf("%d outputs of %d compared: %v", compared, len(s.Outputs), scorer.Signature().Outputs)
	}
	t.Logf("max difference %.2g", worst)
	batches(t, scorer, x, s.Rows, whole)
}

// batches wants the same bits whatever batch a row comes in.
func batches(t *testing.T, scorer model.Scorer, x []float32, rows int, whole []model.Column) {
	t.Helper()
	width := scorer.Signature().Inputs[0].Width()
	for r := range rows {
		same(t, scorer, score(t, scorer, x[r*width:(r+1)*width], 1), whole, r)
	}
	times := 600/rows + 1
	many := score(t, scorer, slices.Repeat(x, times), rows*times)
	for i, o := range scorer.Signature().Outputs {
		all, once := numbers(many[i], o.Type), numbers(whole[i], o.Type)
		if !slices.Equal(all, slices.Repeat(once, times)) {
			t.Fatalf("%s differs in a large batch", o)
		}
	}
}

func same(t *testing.T, scorer model.Scorer, one, whole []model.Column, r int) {
	t.Helper()
	for i, o := range scorer.Signature().Outputs {
		w := o.Width()
		if !slices.Equal(numbers(one[i], o.Type), numbers(whole[i], o.Type)[r*w:(r+1)*w]) {
			t.Fatalf("row %d of %s differs alone", r, o)
		}
	}
}

func read(t *testing.T, path string) sample {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func score(t *testing.T, s model.Scorer, x []float32, rows int) []model.Column {
	t.Helper()
	out := make([]model.Column, len(s.Signature().Outputs))
	if err := s.Score(context.Background(), []model.Column{{Float32: x}}, rows, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func numbers(c model.Column, kind model.ElemType) []float64 {
	var out []float64
	if kind == model.Int64 {
		for _, v := range c.Int64 {
			out = append(out, float64(v))
		}
		return out
	}
	for _, v := range c.Float32 {
		out = append(out, float64(v))
	}
	return out
}
