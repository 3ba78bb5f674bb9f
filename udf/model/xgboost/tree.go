package xgboost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model/boost"
	"github.com/millrace/millrace/udf/model/tree"
)

// treeFile is one tree. A node's number is its place in the lists. Leaves have left child -1 and their value where
// branches have their threshold.
type treeFile struct {
	Param struct {
		SizeLeafVector string `json:"size_leaf_vector"`
	} `json:"tree_param"`
	Left        []int32   `json:"left_children"`
	Right       []int32   `json:"right_children"`
	Feature     []int32   `json:"split_indices"`
	Condition   []float32 `json:"split_conditions"`
	DefaultLeft []flag    `json:"default_left"`
	SplitType   []int8    `json:"split_type"` // 1: by category; absent in files before 1.3

	// The sets of the nodes that split by category lie one after another in Categories.
	Categories []int32 `json:"categories"`
	SetNodes   []int32 `json:"categories_nodes"`
	SetSizes   []int64 `json:"categories_sizes"`
	SetStarts  []int64 `json:"categories_segments"`
}

// flag is a boolean, which versions write as true or as 1.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "1", "true":
		*f = true
	case "0", "false":
		*f = false
	default:
		return fmt.Errorf("%q is no flag", b)
	}
	return nil
}

// forest collects the nodes of all trees while they are decoded.
type forest struct {
	nodes  []tree.Node
	leaves []tree.Weight
	roots  []int
}

// UnmarshalJSON implements json.Unmarshaler: one tree is decoded at a time.
func (f *forest) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.New("trees is no list")
	}
	for d.More() {
		var t treeFile
		if err := d.Decode(&t); err != nil {
			return fmt.Errorf("tree %d: %w", len(f.roots), err)
		}
		if err := f.add(&t); err != nil {
			return fmt.Errorf("tree %d: %w", len(f.roots), err)
		}
	}
	return nil
}

// add takes a tree in. Numbers of nodes become numbers in the forest.
func (f *forest) add(t *treeFile) error {
	if size, err := number("size_leaf_vector", t.Param.SizeLeafVector); err != nil || size > 1 {
		return errors.Join(err, boost.Uncovered("vector leaves (multi_strategy=multi_output_tree)"))
	}
	n := len(t.Left)
	if n == 0 || len(t.Right) != n || len(t.Feature) != n || len(t.Condition) != n || len(t.DefaultLeft) != n ||
		len(t.SplitType) != n && len(t.SplitType) != 0 {
		return errors.New("the lists of the nodes are missing or differ in length")
	}
	sets, err := t.sets()
	if err != nil {
		return err
	}
	first := len(f.nodes)
	f.roots = append(f.roots, first)
	for i := range n {
		if t.Left[i] == -1 {
			f.leaves = append(f.leaves, tree.Weight{Node: first + i, Value: t.Condition[i]})
			f.nodes = append(f.nodes, tree.Node{Mode: tree.Leaf})
			continue
		}
		left, right := int(t.Left[i]), int(t.Right[i])
		if left < 0 || left >= n || right < 0 || right >= n {
			return fmt.Errorf("node %d has a child that does not exist", i)
		}
		x := tree.Node{
			Mode: tree.LT, Feature: int(t.Feature[i]), Value: t.Condition[i], True: first + left, False: first + right,
			MissingTrue: bool(t.DefaultLeft[i]),
		}
		if len(t.SplitType) > 0 && t.SplitType[i] == 1 { // what is in the set goes right
			x.Mode, x.Bounds, x.True, x.False, x.MissingTrue = tree.In, sets[int32(i)], x.False, x.True, !x.MissingTrue
		}
		f.nodes = append(f.nodes, x)
	}
	return nil
}

// sets are the bounds of the nodes that split by category.
func (t *treeFile) sets() (map[int32][]float32, error) {
	if len(t.SetSizes) != len(t.SetNodes) || len(t.SetStarts) != len(t.SetNodes) {
		return nil, errors.New("the lists of the categories differ in length")
	}
	if len(t.SetNodes) == 0 {
		return nil, nil
	}
	sets := make(map[int32][]float32, len(t.SetNodes))
	at := int64(0)
	for i, node := range t.SetNodes {
		size := t.SetSizes[i]
		if t.SetStarts[i] != at || size < 0 || size > int64(len(t.Categories))-at {
			return nil, errors.New("the sets of categories do not lie one after another")
		}
		bounds, err := setBounds(t.Categories[at : at+size])
		if err != nil {
			return nil, err
		}
		sets[node] = bounds
		at += size
	}
	return sets, nil
}

// maxCategory is the library's own limit; float32 counts to there.
const maxCategory = 1 << 24

// setBounds turns categories into intervals: category c is what is at least c and below c+1.
func setBounds(categories []int32) ([]float32, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(categories)))
	var bounds []float32
	for _, c := range sorted {
		if c < 0 || c >= maxCategory {
			return nil, fmt.Errorf("category %d", c)
		}
		if n := len(bounds); n > 0 && bounds[n-1] == float32(c) {
			bounds[n-1]++
		} else {
			bounds = append(bounds, float32(c), float32(c+1))
		}
	}
	return bounds, nil
}
