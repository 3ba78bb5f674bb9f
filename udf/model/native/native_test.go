package native

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

func TestDetectsAndLoads(t *testing.T) {
	for path, want := range map[string]Format{
		"../onnx/testdata/logistic_binary.onnx":     ONNX,
		"../xgboost/testdata/binary.json":           XGBoostJSON,
		"../xgboost/testdata/binary_ubj.ubj":        XGBoostUBJ,
		"../lightgbm/testdata/regression.txt":       LightGBM,
		"../lightgbm/testdata/binary_forest.txt":    LightGBM,
		"../xgboost/testdata/squared_error_ubj.ubj": XGBoostUBJ,
	} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Detect(b); got != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", path, got, err, want)
		}
		v, err := model.Load(context.Background(), []model.Backend{Backend{}}, model.NewArtifact(path, b), model.Options{Backend: "native"})
		if err != nil || v.Backend != "native" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestForeignFiles wants a word on what to do with files that are no models for us.
func TestForeignFiles(t *testing.T) {
	for file, want := range map[string]string{
		"":                   "empty",
		"\x80\x04\x95pickle": "Python pickle",
		"PK\x03\x04":         "zip archive",
		"binf\x00\x00":       "old binary format",
		"CBM1\x00":           "format='onnx'",
		"{}":                 "no learner",
		"{\"learner\":":      "json",
		"{L\x00":             "cut off",
		"tree\nversion=v4\n": "cut off",
		"<html>not a model":  "onnx",
	} {
		_, err := Backend{}.Load(context.Background(), model.NewArtifact("x", []byte(file)), model.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}
