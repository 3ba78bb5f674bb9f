package lightgbm

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf/model/boost"
	"github.com/millrace/millrace/udf/model/tree"
)

// The bits of decision_type. The two that follow the first two say what is missing.
const (
	byCategory  = 1
	defaultLeft = 2
	missingBits = 3 << 2
	missingZero = 1 << 2
	missingNaN  = 2 << 2
)

// forest collects the nodes of all trees.
type forest struct {
	features int
	nodes    []tree.Node
	leaves   []tree.Weight
	roots    []int

	// Whether a feature has branches where zero is missing, and others.
	zero, other []bool
}

// read takes in the blocks of the trees. A block begins with "Tree=" and ends with an empty line.
func (f *forest) read(text *lines) error {
	f.zero, f.other = make([]bool, f.features), make([]bool, f.features)
	var block map[string]string
	for {
		line, ok := text.next()
		if !ok {
			return errors.New("the file is cut off: the line \"end of trees\" is missing")
		}
		key, value, _ := strings.Cut(line, "=")
		switch {
		case key == "Tree" && block == nil:
			block = map[string]string{}
		case (line == "" || line == "end of trees") && block != nil:
			if err := f.add(block); err != nil {
				return fmt.Errorf("tree %d: %w", len(f.roots), err)
			}
			block = nil
		case block != nil:
			switch key {
			case "split_gain", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count": // statistics
			default:
				block[key] = value
			}
		case line != "" && line != "end of trees":
			return fmt.Errorf("the line %.40q stands between trees", line)
		}
		if line == "end of trees" {
			return nil
		}
	}
}

// split is the lists of a tree's branches.
type split struct {
	feature, decision, left, right []int
	threshold                      []float64
	sets                           [][]float32 // the bounds of each set of categories
	used                           []bool      // sets that a branch has taken
}

// add takes a tree in. Children are numbers of branches, or below 0 the complement of a leaf's number.
func (f *forest) add(block map[string]string) error {
	if v := block["is_linear"]; v != "" && v != "0" {
		return boost.Uncovered("linear trees")
	}
	n, err := strconv.Atoi(block["num_leaves"])
	if err != nil || n < 1 || n > len(block["leaf_value"])+1 {
		return fmt.Errorf("num_leaves is %q", block["num_leaves"])
	}
	values, err := numbers("leaf_value", block["leaf_value"], n, parseFloat)
	if err != nil {
		return err
	}
	first := len(f.nodes)
	f.roots = append(f.roots, first)
	if n > 1 {
		s, err := readSplit(block, n-1)
		if err != nil {
			return err
		}
		for i := range n - 1 {
			x, err := f.branch(s, i, first, n)
			if err != nil {
				return fmt.Errorf("branch %d: %w", i, err)
			}
			f.nodes = append(f.nodes, x)
		}
	}
	for _, v := range values {
		f.leaves = append(f.leaves, tree.Weight{Node: len(f.nodes), Value: float32(v)})
		f.nodes = append(f.nodes, tree.Node{Mode: tree.Leaf})
	}
	return nil
}

func readSplit(block map[string]string, n int) (*split, error) {
	s := &split{}
	var err [5]error
	s.feature, err[0] = numbers("split_feature", block["split_feature"], n, parseInt)
	s.decision, err[1] = numbers("decision_type", block["decision_type"], n, parseInt)
	s.left, err[2] = numbers("left_child", block["left_child"], n, parseInt)
	s.right, err[3] = numbers("right_child", block["right_child"], n, parseInt)
	s.threshold, err[4] = numbers("threshold", block["threshold"], n, parseFloat)
	if err := errors.Join(err[:]...); err != nil {
		return nil, err
	}
	return s, s.readSets(block)
}

// readSets reads the sets of categories: words of 32 categories each, the words of set i from boundary i to the next.
func (s *split) readSets(block map[string]string) error {
	text := block["num_cat"]
	if text == "" || text == "0" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > len(s.left) {
		return fmt.Errorf("num_cat is %q", text)
	}
	ends, err := numbers("cat_boundaries", block["cat_boundaries"], n+1, parseInt)
	if err != nil {
		return err
	}
	words, err := numbers("cat_threshold", block["cat_threshold"], strings.Count(block["cat_threshold"], " ")+1, parseWord)
	if err != nil {
		return err
	}
	s.used = make([]bool, n)
	for i := range n {
		if ends[i] < 0 || ends[i] > ends[i+1] || ends[i+1] > len(words) || ends[i+1]-ends[i] > maxCategory/32 {
			return errors.New("cat_boundaries do not fit cat_threshold")
		}
		s.sets = append(s.sets, setBounds(words[ends[i]:ends[i+1]]))
	}
	return nil
}

// maxCategory is what float32 can count to.
const maxCategory = 1 << 24

// setBounds turns a set into intervals: category c is what is at least c and below c+1, but the library cuts off
// fractions, so category 0 begins above -1.
func setBounds(words []uint32) []float32 {
	var bounds []float32
	inside := false
	for i, w := range words {
		if inside && w == math.MaxUint32 || !inside && w == 0 {
			continue
		}
		for b := range 32 {
			if has := bits.RotateLeft32(w, -b)&1 == 1; has != inside {
				inside = has
				bounds = append(bounds, float32(32*i+b))
			}
		}
	}
	if inside {
		bounds = append(bounds, float32(32*len(words)))
	}
	if len(bounds) > 0 && bounds[0] == 0 {
		bounds[0] = math.Nextafter32(-1, 0)
	}
	return bounds
}

// branch makes the node of branch i of a tree with n leaves whose nodes begin at first.
func (f *forest) branch(s *split, i, first, n int) (x tree.Node, err error) {
	child := func(c int) int {
		switch {
		case c >= 0 && c < n-1:
			return first + c
		case c < 0 && ^c < n:
			return first + n - 1 + ^c
		}
		err = fmt.Errorf("child %d does not exist", c)
		return 0
	}
	x = tree.Node{Feature: s.feature[i], True: child(s.left[i]), False: child(s.right[i])}
	if err != nil {
		return x, err
	}
	if x.Feature < 0 || x.Feature >= f.features {
		return x, fmt.Errorf("feature %d of %d", x.Feature, f.features)
	}
	d := s.decision[i]
	if d&byCategory != 0 {
		set := s.threshold[i]
		if !(set >= 0 && set < float64(len(s.sets))) || s.used[int(set)] {
			return x, fmt.Errorf("set %v of categories", set)
		}
		s.used[int(set)] = true
		x.Mode, x.Bounds = tree.In, s.sets[int(set)]
		f.other[x.Feature] = true
		return x, nil
	}
	x.Mode, x.Value = tree.LEQ, roundDown(s.threshold[i])
	switch d & missingBits {
	case missingZero:
		f.zero[x.Feature] = true
		x.MissingTrue = d&defaultLeft != 0
		return x, nil
	case missingNaN:
		x.MissingTrue = d&defaultLeft != 0
	default: // nothing is missing: NaN is zero
		x.MissingTrue = s.threshold[i] >= 0
	}
	f.other[x.Feature] = true
	return x, nil
}

// roundDown is the largest float32 that is not above v.
func roundDown(v float64) float32 {
	r := float32(v)
	if float64(r) > v {
		r = math.Nextafter32(r, float32(math.Inf(-1)))
	}
	return r
}

// zeroMissing lists the features whose zeros are missing; nil if there are none. The library decides it once for each
// feature.
func (f *forest) zeroMissing() ([]bool, error) {
	some := false
	for i, zero := range f.zero {
		if zero && f.other[i] {
			return nil, boost.Uncovered("zeros that are missing at some branches of feature %d and not at others", i)
		}
		some = some || zero
	}
	if !some {
		return nil, nil
	}
	return f.zero, nil
}
