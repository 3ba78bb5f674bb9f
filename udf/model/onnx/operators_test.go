package onnx

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// TestOperators compares each operator with ONNX Runtime, and with itself in other batches.
func TestOperators(t *testing.T) {
	files, err := filepath.Glob("testdata/operators/*.onnx")
	if err != nil || len(files) < 100 {
		t.Fatalf("the models of testdata/operators are missing: %d, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".onnx"), func(t *testing.T) {
			scorer, s := loadFile(t, path), loadSample(t, path)
			sig, in := scorer.Signature(), s.columns(scorer.Signature())
			out := make([]model.Column, len(sig.Outputs))
			if err := scorer.Score(context.Background(), in, s.Rows, out); err != nil {
				t.Fatal(err)
			}
			for i, o := range sig.Outputs {
				if diff := worst(t, o, out[i], s.Outputs[o.Name]); !(diff <= 2e-6) {
					t.Errorf("%s differs from the runtime by %g:\n%v\n%v", o.Name, diff, out[i].Float32, s.Outputs[o.Name])
				}
			}
			for from := 0; from < s.Rows; from += 5 {
				scoreSame(t, scorer, in, from, min(from+5, s.Rows), out)
			}
			scoreRepeated(t, scorer, in, s.Rows, 40, out)
		})
	}
}
