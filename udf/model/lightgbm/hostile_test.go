package lightgbm

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model/boost/boosttest"
)

func FuzzLoad(f *testing.F) { boosttest.Fuzz(f, Backend, files(f)) }

// TestTruncated cuts a file off within its trees: an error each time, and no panic.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile("testdata/categorical.txt")
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.Index(b, []byte("end of trees"))
	for n := 0; n < end; n += 97 {
		if boosttest.Try(Backend, b[:n]) == nil {
			t.Errorf("it loads when cut off at byte %d", n)
		}
	}
}

// TestBroken changes one thing of a sound file.
func TestBroken(t *testing.T) {
	boosttest.Broken(t, Backend, "testdata/categorical.txt", [][3]string{
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
	})
}

// TestBombs: small files that ask for much are refused, and take little memory on the way.
func TestBombs(t *testing.T) {
	head := "tree\nnum_tree_per_iteration=1\nmax_feature_idx=0\nfeature_names=a\n\n"
	boosttest.Bombs(t, Backend, map[string][]byte{
		"many features":     []byte("tree\nmax_feature_idx=200000\nfeature_names=" + strings.Repeat("a ", 200_000) + "\n\n"),
		"many leaves":       []byte(head + "Tree=0\nnum_leaves=2147483647\nleaf_value=1\n\nend of trees\n"),
		"many keys":         []byte(head + "Tree=0\n" + strings.Repeat("a=1\n", 100_000)),
		"unfinished blocks": []byte(head + strings.Repeat("Tree=0\n\n", 100_000)),
	})
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
