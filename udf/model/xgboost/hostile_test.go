package xgboost

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

const limit = 1 << 20

// try loads whatever it is given, and scores one row of what loads.
func try(t *testing.T, b []byte) error {
	t.Helper()
	s, err := load(b, limit)
	if err != nil {
		return err
	}
	width := s.Signature().Inputs[0].Width()
	return s.Score(context.Background(), []model.Column{{Float32: make([]float32, width)}}, 1, make([]model.Column, len(s.Signature().Outputs)))
}

func FuzzLoad(f *testing.F) {
	for _, path := range files(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { _ = try(t, b) })
}

// TestTruncated cuts files off: an error each time, and no panic.
func TestTruncated(t *testing.T) {
	for _, path := range []string{"testdata/softprob_ubj.ubj", "testdata/categorical_one_hot_ubj.ubj", "testdata/categorical.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(bytes.TrimSpace(b)); n += 97 {
			if try(t, b[:n]) == nil {
				t.Errorf("%s loads when cut off at byte %d", path, n)
			}
		}
	}
}

// TestBroken changes one thing of a sound file.
func TestBroken(t *testing.T) {
	b, err := os.ReadFile("testdata/categorical.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
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
	} {
		if !bytes.Contains(b, []byte(c.old)) {
			t.Errorf("the model has no %s", c.old)
			continue
		}
		err := try(t, bytes.Replace(b, []byte(c.old), []byte(c.new), 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.new, err, c.want)
		}
	}
}

// TestBombs: small files that ask for much are refused, and take little memory on the way.
func TestBombs(t *testing.T) {
	deep := append([]byte("{i\x01a"), bytes.Repeat([]byte("["), 100_000)...)
	for name, b := range map[string][]byte{
		"a list of nothing":   []byte("{i\x01a[$Z#L\x00\x00\x00\x7f\xff\xff\xff\xff}"),
		"a long list":         []byte("{i\x01a[$d#L\x00\x00\x00\x7f\xff\xff\xff\xff}"),
		"a long text":         []byte("{i\x01aSL\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"deep ubj":            deep,
		"deep json":           append([]byte(`{"a":`), bytes.Repeat([]byte("["), 100_000)...),
		"empty trees":         []byte(`{"learner":{"gradient_booster":{"name":"gbtree","model":{"trees":[` + strings.Repeat("{},", 100_000) + `{}]}}}}`),
		"more than the limit": make([]byte, limit+1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := try(t, b)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s loads", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*limit {
			t.Errorf("%s took %d bytes", name, got)
		}
	}
}

// TestNoAllocation scores batches into columns that are large enough.
func TestNoAllocation(t *testing.T) {
	for _, path := range []string{"testdata/binary.json", "testdata/binary_hinge.json", "testdata/softprob.json"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := load(b, limit)
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
