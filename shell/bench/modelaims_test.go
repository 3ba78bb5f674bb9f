package bench

import (
	"os"
	"strings"
	"testing"
)

// TestModelAims: a file's operators say which aim its ratio is held against, and the summary counts and names.
func TestModelAims(t *testing.T) {
	var aims modelAims
	for name, ratio := range map[string]float64{"random_forest_regressor": 3.9, "boosters/xgboost_regressor": 4, "torch/mlp": 0.7, "torch/cnn": 0.1, "text_tfidf": 0.1} {
		file, err := os.ReadFile("../../udf/model/onnx/testdata/" + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		aims.ratio(file, name, ratio)
	}
	var out strings.Builder
	if err := aims.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"aim: trees: direct/native at least 4: met 1 of 2; not by random_forest_regressor: 3.90\n",
		"aim: dense networks: direct/native at least 0.67: met 1 of 1\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary is %q, without %q", out.String(), want)
		}
	}
	if strings.Count(out.String(), "\n") != 2 {
		t.Errorf("the summary is %q: other models have no aim", out.String())
	}
}
