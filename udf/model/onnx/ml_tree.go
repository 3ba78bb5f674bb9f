package onnx

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/tree"
)

var treeModes = map[string]tree.Mode{
	"BRANCH_LEQ": tree.LEQ, "BRANCH_LT": tree.LT, "BRANCH_GTE": tree.GTE, "BRANCH_GT": tree.GT,
	"BRANCH_EQ": tree.EQ, "BRANCH_NEQ": tree.NEQ, "LEAF": tree.Leaf,
}

var treeAggregates = map[string]tree.Aggregate{
	"SUM": tree.Sum, "AVERAGE": tree.Average, "MIN": tree.Min, "MAX": tree.Max,
}

// nodeKey is how a file names a node.
type nodeKey struct{ tree, node int64 }

// trees reads the attributes nodes_* and those of the weights, which begin with prefix.
func (x *call) trees(features, targets int, prefix string, aggregate tree.Aggregate) (*tree.Ensemble, error) {
	x.ignore("nodes_hitrates", "nodes_hitrates_as_tensor") // statistics
	treeIDs, nodeIDs := x.ints("nodes_treeids"), x.ints("nodes_nodeids")
	feature, threshold, modes := x.ints("nodes_featureids"), x.floats("nodes_values"), x.texts("nodes_modes")
	whenTrue, whenFalse := x.ints("nodes_truenodeids"), x.ints("nodes_falsenodeids")
	missing := x.ints("nodes_missing_value_tracks_true")
	n := len(nodeIDs)
	for _, l := range []int{len(treeIDs), len(feature), len(threshold), len(modes), len(whenTrue), len(whenFalse)} {
		if l != n || n == 0 {
			return nil, errors.New("the lists of node attributes differ in length or are missing")
		}
	}
	if len(missing) != 0 && len(missing) != n {
		return nil, errors.New("the list of missing value tracks differs in length")
	}
	if err := x.file.spend(192 * n); err != nil {
		return nil, err
	}
	s := tree.Spec{Nodes: make([]tree.Node, n), Features: features, Targets: targets, Aggregate: aggregate}
	index := make(map[nodeKey]int, n)
	for i := range n {
		k := nodeKey{treeIDs[i], nodeIDs[i]}
		if _, repeated := index[k]; repeated {
			return nil, fmt.Errorf("node %d of tree %d appears twice", k.node, k.tree)
		}
		index[k] = i
		if i == 0 || treeIDs[i] != treeIDs[i-1] {
			s.Roots = append(s.Roots, i) // the first node of a tree is its root
		}
	}
	for i := range n {
		mode, ok := treeModes[modes[i]]
		if !ok {
			return nil, uncovered("node mode %q", modes[i])
		}
		node := tree.Node{Mode: mode, Value: threshold[i], MissingTrue: len(missing) > 0 && missing[i] == 1}
		if mode != tree.Leaf {
			var okTrue, okFalse bool
			node.True, okTrue = index[nodeKey{treeIDs[i], whenTrue[i]}]
			node.False, okFalse = index[nodeKey{treeIDs[i], whenFalse[i]}]
			if !okTrue || !okFalse || feature[i] < 0 || feature[i] >= int64(features) {
				return nil, fmt.Errorf("node %d of tree %d names a child or feature that does not exist", nodeIDs[i], treeIDs[i])
			}
			node.Feature = int(feature[i])
		}
		s.Nodes[i] = node
	}
	if err := x.treeWeights(&s, index, prefix); err != nil {
		return nil, err
	}
	return tree.New(s)
}

func (x *call) treeWeights(s *tree.Spec, index map[nodeKey]int, prefix string) error {
	treeIDs, nodeIDs := x.ints(prefix+"_treeids"), x.ints(prefix+"_nodeids")
	ids, weights := x.ints(prefix+"_ids"), x.floats(prefix+"_weights")
	n := len(weights)
	if len(treeIDs) != n || len(nodeIDs) != n || len(ids) != n || n == 0 {
		return fmt.Errorf("the lists of %s attributes differ in length or are missing", prefix)
	}
	if err := x.file.spend(64 * n); err != nil {
		return err
	}
	s.Weights = make([]tree.Weight, n)
	for i := range n {
		node, ok := index[nodeKey{treeIDs[i], nodeIDs[i]}]
		if !ok || ids[i] < 0 || ids[i] >= int64(s.Targets) {
			return fmt.Errorf("weight %d names a node or %s that does not exist", i, prefix)
		}
		s.Weights[i] = tree.Weight{Node: node, Target: int(ids[i]), Value: weights[i]}
	}
	return nil
}

// maxTargets bounds targets and classes.
const maxTargets = 1 << 16

// treeRegressor sums, averages, or takes the least or greatest of the leaves, and adds the base values.
func treeRegressor(x *call) error {
	v, features, err := x.floatTable()
	if err != nil {
		return err
	}
	name, post, err := x.postTransform()
	if err != nil {
		return err
	}
	aggregate, ok := treeAggregates[x.text("aggregate_function", "SUM")]
	targets := int(x.int("n_targets", 1))
	if !ok || targets < 1 || targets > maxTargets {
		return errors.New("aggregate_function or n_targets")
	}
	base := x.floats("base_values")
	if base == nil {
		base = make([]float32, targets)
	}
	if len(base) != targets {
		return fmt.Errorf("%d base values for %d targets", len(base), targets)
	}
	if targets == 1 && name != "NONE" && name != "PROBIT" {
		return uncovered("post_transform %s of one score", name)
	}
	e, err := x.trees(features, targets, "target", aggregate)
	if err != nil {
		return err
	}
	has, err := x.define("", model.Bool, []int{v.shape[0], targets})
	if err != nil {
		return err
	}
	out, err := x.output(model.Float32, []int{v.shape[0], targets})
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst := data[float32](f, out)
		var flags []bool
		if e.NeedsHas() {
			flags = data[bool](f, has)
		}
		e.Score(data[float32](f, v), len(dst)/targets, dst, flags)
		for at := 0; at < len(dst); at += targets {
			row := dst[at : at+targets]
			for i, b := range base {
				row[i] += b
			}
			post(row)
		}
		return nil
	})
}

// treeClassifier sums the leaves by class and picks a label.
func treeClassifier(x *call) error {
	v, features, err := x.floatTable()
	if err != nil {
		return err
	}
	name, post, err := x.postTransform()
	if err != nil {
		return err
	}
	classes, err := x.classLabels("classlabels_int64s")
	if err != nil {
		return err
	}
	n := classes.len()
	if n < 2 || n > maxTargets {
		return uncovered("%d classes", n)
	}
	base := x.floats("base_values")
	if len(base) != 0 && len(base) != n && !(n == 2 && len(base) == 1) {
		return fmt.Errorf("%d base values for %d classes", len(base), n)
	}
	finish := manyClasses(base, post)
	if n == 2 {
		if finish, err = x.twoClasses(base, name, post); err != nil {
			return err
		}
	}
	e, err := x.trees(features, n, "class", tree.Sum)
	if err != nil {
		return err
	}
	has, err := x.define("", model.Bool, []int{v.shape[0], n})
	if err != nil {
		return err
	}
	label, scores, err := x.classifierOutputs(v, classes, n)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst, flags := data[float32](f, scores), data[bool](f, has)
		e.Score(data[float32](f, v), len(dst)/n, dst, flags)
		for r := 0; r*n < len(dst); r++ {
			classes.set(f, label, r, finish(dst[r*n:][:n], flags[r*n:][:n]))
		}
		return nil
	})
}

// finisher turns the sums of a row into its final scores and returns the index of its label.
type finisher func(scores []float32, has []bool) int

// manyClasses takes the largest of the classes that any leaf spoke for.
func manyClasses(base []float32, post postTransform) finisher {
	return func(scores []float32, has []bool) int {
		best := -1
		for i := range scores {
			if base != nil {
				scores[i] += base[i]
			}
			if (has[i] || base != nil) && (best < 0 || scores[i] > scores[best]) {
				best = i
			}
		}
		post(scores)
		return max(best, 0)
	}
}

// twoClasses follows ONNX Runtime's TreeAggregatorClassifier. Exporters write a binary ensemble with weights for one
// class only: the score of the positive class, a probability if no weight is negative and a margin otherwise.
func (x *call) twoClasses(base []float32, name string, post postTransform) (finisher, error) {
	ids, weights := x.ints("class_ids"), x.floats("class_weights")
	single, positive := true, true
	for i, id := range ids {
		single = single && id == ids[0]
		positive = positive && (i >= len(weights) || weights[i] >= 0)
	}
	if single && name == "PROBIT" {
		return nil, uncovered("post_transform PROBIT of one score")
	}
	if !single {
		return twoScores(base, post), nil
	}
	of := 0
	if len(ids) > 0 && ids[0] == 1 {
		of = 1
	}
	if of == 1 && len(base) > 0 {
		return nil, uncovered("base values with weights for the second class only")
	}
	shift := float32(0)
	switch len(base) {
	case 1:
		shift = base[0]
	case 2:
		return nil, uncovered("two base values with weights for one class only")
	}
	return func(scores []float32, _ []bool) int {
		s := scores[of] + shift
		switch {
		case positive && of == 1: // the runtime has two scores here and transforms both
			scores[0] = 0
			post(scores)
		case positive:
			scores[0], scores[1] = 1-s, s
		case of == 1:
			scores[0] = 0
			post(scores)
		case name == "LOGISTIC":
			scores[0], scores[1] = logistic1(-s), logistic1(s)
		default:
			scores[0], scores[1] = -s, s
		}
		if positive && s > 0.5 || !positive && s > 0 {
			return 1
		}
		return 0
	}, nil
}

// twoScores handles ensembles whose leaves speak for both classes: each has its sum, and the larger wins.
func twoScores(base []float32, post postTransform) finisher {
	return func(scores []float32, _ []bool) int {
		for i := range base {
			scores[i] += base[i]
		}
		best := 0
		if scores[1] > scores[0] {
			best = 1
		}
		post(scores)
		return best
	}
}
