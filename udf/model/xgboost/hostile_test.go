package xgboost

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/boost/boosttest"
)

func FuzzLoad(f *testing.F) { boosttest.Fuzz(f, Backend, files(f)) }

// TestTruncated cuts files off: an error each time, and no panic.
func TestTruncated(t *testing.T) {
	for _, path := range []string{"testdata/softprob_ubj.ubj", "testdata/categorical_one_hot_ubj.ubj", "testdata/categorical.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(bytes.TrimSpace(b)); n += 97 {
			if boosttest.Try(Backend, b[:n]) == nil {
				t.Errorf("%s loads when cut off at byte %d", path, n)
			}
		}
	}
}

// TestBroken changes one thing of a sound file.
func TestBroken(t *testing.T) {
	boosttest.Broken(t, Backend, "testdata/categorical.json", [][3]string{
		{`"left_children":[1,`, `"left_children":[0,`, "reached twice"},
		{`"left_children":[1,`, `"left_children":[77777,`, "child"},
		{`"left_children":[1,`, `"left_children":[`, "differ in length"},
		{`"num_feature":"4","num_target"`, `"num_feature":"1","num_target"`, "reads feature"},
		{`"num_feature":"4","num_target"`, `"num_feature":"999999999","num_target"`, "limit"},
		{`"num_feature":"4","num_target"`, `"num_feature":"-4","num_target"`, "num_feature"},
		{`"num_target":"1"`, `"num_target":"99999999"`, "limit"},
		{`"base_score":"[1.8525566E2]"`, `"base_score":"[1,2]"`, "base scores"},
		{`"base_score":"[1.8525566E2]"`, `"base_score":"[x]"`, "base_score"},
		{`"name":"reg:squarederror"`, `"name":"reg:new"`, `objective "reg:new"`},
		{`"tree_info":[0,`, `"tree_info":[1,`, "target 1 of 1"},
		{`"tree_info":[0,`, `"tree_info":[`, "groups"},
		{`"categories_segments":[0,`, `"categories_segments":[1,`, "one after another"},
		{`"trees":[`, `"trees":[{},`, "differ in length"},
		{`"attributes":{}`, `"attributes":{"best_iteration":"5"}`, "best_iteration"},
	})
}

// TestBombs: small files that ask for much are refused, and take little memory on the way.
func TestBombs(t *testing.T) {
	deep := append([]byte("{i\x01a"), bytes.Repeat([]byte("["), 100_000)...)
	boosttest.Bombs(t, Backend, map[string][]byte{
		"a list of nothing":   []byte("{i\x01a[$Z#L\x00\x00\x00\x7f\xff\xff\xff\xff}"),
		"a long list":         []byte("{i\x01a[$d#L\x00\x00\x00\x7f\xff\xff\xff\xff}"),
		"a long text":         []byte("{i\x01aSL\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"deep ubj":            deep,
		"deep json":           append([]byte(`{"a":`), bytes.Repeat([]byte("["), 100_000)...),
		"empty trees":         []byte(`{"learner":{"gradient_booster":{"name":"gbtree","model":{"trees":[` + strings.Repeat("{},", 100_000) + `{}]}}}}`),
		"more than the limit": make([]byte, boosttest.Limit+1),
	})
}

// TestNoAllocation scores batches into columns that are large enough.
func TestNoAllocation(t *testing.T) {
	for _, path := range []string{"testdata/binary.json", "testdata/binary_hinge.json", "testdata/softprob.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Backend.Load(context.Background(), model.NewArtifact(path, b), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := []model.Column{{Float32: make([]float32, 100*s.Signature().Inputs[0].Width())}}
		out := make([]model.Column, len(s.Signature().Outputs))
		n := testing.AllocsPerRun(20, func() {
			if err := s.Score(context.Background(), in, 100, out); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations a batch", path, n)
		}
	}
}
