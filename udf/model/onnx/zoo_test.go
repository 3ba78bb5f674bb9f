package onnx

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// sample is what generate.py wrote beside a model: its inputs and the training library's own predictions.
type sample struct {
	Rows    int              `json:"rows"`
	Inputs  map[string][]any `json:"inputs"`
	Outputs map[string][]any `json:"outputs"`
}

func zoo(t testing.TB) []string {
	t.Helper()
	var files []string
	for dir, least := range map[string]int{".": 25, "torch": 15, "boosters": 10} {
		found, err := filepath.Glob(filepath.Join("testdata", dir, "*.onnx"))
		if err != nil || len(found) < least {
			t.Fatalf("the models of testdata/%s are missing: %v, %v", dir, found, err)
		}
		files = append(files, found...)
	}
	return files
}

func loadFile(t testing.TB, path string) model.Scorer {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Backend{}.Load(context.Background(), model.NewArtifact(path, b), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func loadSample(t testing.TB, path string) sample {
	t.Helper()
	b, err := os.ReadFile(strings.TrimSuffix(path, ".onnx") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// column turns JSON values, null being NaN, into a tensor.
func column(kind model.ElemType, values []any) model.Column {
	var c model.Column
	for _, v := range values {
		f, ok := v.(float64)
		if !ok {
			f = math.NaN()
		}
		switch kind {
		case model.Float32:
			c.Float32 = append(c.Float32, float32(f))
		case model.Int64:
			c.Int64 = append(c.Int64, int64(f))
		case model.String:
			c.String = append(c.String, v.(string))
		}
	}
	return c
}

func (s sample) columns(sig model.Signature) []model.Column {
	var in []model.Column
	for _, i := range sig.Inputs {
		in = append(in, column(i.Type, s.Inputs[i.Name]))
	}
	return in
}

// rows cuts rows out of a column.
func rows(t model.Tensor, c model.Column, from, to int) model.Column {
	w := t.Width()
	switch t.Type {
	case model.Float32:
		return model.Column{Float32: c.Float32[from*w : to*w]}
	case model.Int64:
		return model.Column{Int64: c.Int64[from*w : to*w]}
	}
	return model.Column{String: c.String[from*w : to*w]}
}

// worst is the largest difference between an output and what the library said, relative above 1.
func worst(t *testing.T, o model.Tensor, got model.Column, want []any) float64 {
	t.Helper()
	if got.Len(o.Type) != len(want) {
		t.Fatalf("%s has %d elements, want %d", o, got.Len(o.Type), len(want))
	}
	diff := 0.0
	for i, w := range want {
		switch o.Type {
		case model.Float32:
			d := math.Abs(float64(got.Float32[i])-w.(float64)) / max(1, math.Abs(w.(float64)))
			if !(d <= diff) {
				diff = d
			}
		case model.Int64:
			if got.Int64[i] != int64(w.(float64)) {
				t.Errorf("%s[%d] = %d, want %v", o.Name, i, got.Int64[i], w)
			}
		case model.String:
			if got.String[i] != w {
				t.Errorf("%s[%d] = %s, want %v", o.Name, i, got.String[i], w)
			}
		}
	}
	return diff
}

// TestZoo scores models of real libraries and compares with what the libraries predict themselves.
func TestZoo(t *testing.T) {
	for _, path := range zoo(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".onnx"), func(t *testing.T) {
			scorer, s := loadFile(t, path), loadSample(t, path)
			sig := scorer.Signature()
			out := make([]model.Column, len(sig.Outputs))
			if err := scorer.Score(context.Background(), s.columns(sig), s.Rows, out); err != nil {
				t.Fatal(err)
			}
			diff := 0.0
			for i, o := range sig.Outputs {
				diff = max(diff, worst(t, o, out[i], s.Outputs[o.Name]))
			}
			if !(diff <= 1e-5) {
				t.Errorf("differs from the library by %g", diff)
			}
			t.Logf("max difference %.2g", diff)
		})
	}
}

// TestBatchIndependence scores every model row by row, in odd batches and in one repeated far beyond a block, and
// wants every bit the same.
func TestBatchIndependence(t *testing.T) {
	for _, path := range zoo(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".onnx"), func(t *testing.T) {
			scorer, s := loadFile(t, path), loadSample(t, path)
			sig, in := scorer.Signature(), s.columns(scorer.Signature())
			want := make([]model.Column, len(sig.Outputs))
			if err := scorer.Score(context.Background(), in, s.Rows, want); err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 3, 8, 11, 36} {
				for from := 0; from < s.Rows; from += size {
					to := min(from+size, s.Rows)
					scoreSame(t, scorer, in, from, to, want)
				}
			}
			scoreRepeated(t, scorer, in, s.Rows, 20, want)
		})
	}
}

func scoreSame(t *testing.T, scorer model.Scorer, in []model.Column, from, to int, want []model.Column) {
	t.Helper()
	sig := scorer.Signature()
	part, got := make([]model.Column, len(in)), make([]model.Column, len(want))
	for i, tensor := range sig.Inputs {
		part[i] = rows(tensor, in[i], from, to)
	}
	if err := scorer.Score(context.Background(), part, to-from, got); err != nil {
		t.Fatal(err)
	}
	for i, o := range sig.Outputs {
		if !sameBits(o.Type, got[i], rows(o, want[i], from, to)) {
			t.Fatalf("rows %d to %d of %s differ from the whole batch", from, to, o.Name)
		}
	}
}

func scoreRepeated(t *testing.T, scorer model.Scorer, in []model.Column, n, times int, want []model.Column) {
	t.Helper()
	sig := scorer.Signature()
	big, got := make([]model.Column, len(in)), make([]model.Column, len(want))
	for i := range in {
		for range times {
			big[i].Float32 = append(big[i].Float32, in[i].Float32...)
			big[i].Int64 = append(big[i].Int64, in[i].Int64...)
			big[i].String = append(big[i].String, in[i].String...)
		}
	}
	if err := scorer.Score(context.Background(), big, n*times, got); err != nil {
		t.Fatal(err)
	}
	for i, o := range sig.Outputs {
		for k := range times {
			if !sameBits(o.Type, rows(o, got[i], k*n, (k+1)*n), want[i]) {
				t.Fatalf("repetition %d of %s differs", k, o.Name)
			}
		}
	}
}

func sameBits(kind model.ElemType, a, b model.Column) bool {
	if a.Len(kind) != b.Len(kind) {
		return false
	}
	for i := range a.Len(kind) {
		switch kind {
		case model.Float32:
			if math.Float32bits(a.Float32[i]) != math.Float32bits(b.Float32[i]) {
				return false
			}
		case model.Int64:
			if a.Int64[i] != b.Int64[i] {
				return false
			}
		case model.String:
			if a.String[i] != b.String[i] {
				return false
			}
		}
	}
	return true
}
