package ort

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// present returns the backend, where there is a library to test with.
func present(t testing.TB) Backend {
	t.Helper()
	b := Backend{Path: os.Getenv("MILLRACE_ONNXRUNTIME")}
	if b.Path == "" {
		t.Skip("skipped: MILLRACE_ONNXRUNTIME names no library; `make test-ort` sets it")
	}
	version, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ONNX Runtime %s", version)
	return b
}

func load(b Backend, path string) (model.Scorer, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return b.Load(context.Background(), model.NewArtifact(path, file), model.Options{})
}

func mustLoad(t testing.TB, b Backend, name string) model.Scorer {
	t.Helper()
	s, err := load(b, filepath.Join("../onnx/testdata", name+".onnx"))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestSignature wants what running a model shows and its file does not say: shapes of outputs, keys of maps, rows that are
// stacked in a second dimension.
func TestSignature(t *testing.T) {
	b := present(t)
	for name, want := range map[string]string{
		"mixed_columns":        "length: float[?,1] width: float[?,1] colour: string[?,1] -> output_label: string[?] output_probability: map(float[?,3])",
		"integer_inputs":       "X: int64[?,4] -> output_label: int64[?] output_probability: map(float[?,3])",
		"random_forest_binary": "X: float[?,30] -> label: int64[?] probabilities: float[?,2]",
		"torch/lstm_states":    "x: float[?,8,8] -> h: float[2,?,5] c: float[2,?,5]",
	} {
		sig := mustLoad(t, b, name).Signature()
		var got []string
		for _, i := range sig.Inputs {
			got = append(got, i.String())
		}
		got = append(got, "->")
		for _, o := range sig.Outputs {
			got = append(got, o.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", name, s, want)
		}
	}
	keys := mustLoad(t, b, "mixed_columns").Signature().Outputs[1].Keys
	if got := strings.Join(keys, " "); got != "setosa versicolor virginica" {
		t.Errorf("keys %s", got)
	}
}

// TestConcurrent has tasks share a session.
func TestConcurrent(t *testing.T) {
	s := mustLoad(t, present(t), "random_forest")
	in := []model.Column{{Float32: make([]float32, 40*s.Signature().Inputs[0].Width())}}
	for i := range in[0].Float32 {
		in[0].Float32[i] = float32(math.Sin(float64(i))) * 5
	}
	want := make([]model.Column, len(s.Signature().Outputs))
	if err := s.Score(context.Background(), in, 40, want); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got := make([]model.Column, len(want))
			for range 50 {
				if err := s.Score(context.Background(), in, 40, got); err != nil {
					t.Error(err)
				}
				for k, v := range got[0].Int64 {
					if v != want[0].Int64[k] {
						t.Errorf("row %d is %d, want %d", k, v, want[0].Int64[k])
					}
				}
			}
		})
	}
	wg.Wait()
}
