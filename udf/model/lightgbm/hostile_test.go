package lightgbm

import (
	"bytes"
	"context"
	"math"
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

// TestTruncated cuts a file off within its trees: an error each time, and no panic.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile("testdata/categorical.txt")
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.Index(b, []byte("end of trees"))
	for n := 0; n < end; n += 97 {
		if try(t, b[:n]) == nil {
			t.Errorf("it loads when cut off at byte %d", n)
		}
	}
}

// TestBroken changes one thing of a sound file.
func TestBroken(t *testing.T) {
	b, err := os.ReadFile("testdata/categorical.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"left_child=1 ", "left_child=0 ", "reached twice"},
		{"left_child=1 ", "left_child=5000 ", "child 5000"},
		{"left_child=1 ", "left_child=-5000 ", "child -5000"},
		{"left_child=1 ", "left_child=", "left_child has"},
		{"num_leaves=12", "num_leaves=99999999", "num_leaves"},
		{"num_leaves=12", "num_leaves=0", "num_leaves"},
		{"max_feature_idx=3", "max_feature_idx=300", "feature names"},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=0", "trees an iteration"},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=99999", "trees an iteration"},
		{"objective=regression", "objective=new", `objective "new"`},
		{"objective=regression", "objective=multiclass", "do not fit"},
		{"cat_boundaries=0 ", "cat_boundaries=-1 ", "cat_boundaries"},
		{"cat_boundaries=0 ", "cat_boundaries=9999999 ", "cat_boundaries"},
		{"is_linear=0", "is_linear=1", "linear trees"},
		{"end of trees", "more", "between trees"},
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
	head := "tree\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=a\n\n"
	for name, text := range map[string]string{
		"many features":     "tree\nmax_feature_idx=200000\nfeature_names=" + strings.Repeat("a ", 200_000) + "\n\n",
		"many leaves":       head + "Tree=0\nnum_leaves=2147483647\nleaf_value=1\n\nend of trees\n",
		"many keys":         head + "Tree=0\n" + strings.Repeat("a=1\n", 100_000),
		"unfinished blocks": head + strings.Repeat("Tree=0\n\n", 100_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := try(t, []byte(text))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s loads", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*limit {
			t.Errorf("%s took %d bytes", name, got)
		}
	}
}

// TestRoundDown: a float32 is at most v if and only if it is at most v rounded down.
func TestRoundDown(t *testing.T) {
	for _, v := range []float64{0, 0.1, -0.1, 1e-50, -1e-50, 1e300, -1e300, math.Inf(1), math.Inf(-1), 16777217} {
		r := roundDown(v)
		next := math.Nextafter32(r, float32(math.Inf(1)))
		if float64(r) > v || !math.IsInf(v, 1) && float64(next) <= v {
			t.Errorf("%v is rounded to %v", v, r)
		}
	}
}
