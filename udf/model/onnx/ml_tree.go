package onnx

import (
	"errors"
	"fmt"
	"slices"

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

// trees reads the attributes nodes_* and those of the weights, which begin with prefix. Targets are numbered from first.
func (x *call) trees(features, first, targets int, prefix string, aggregate tree.Aggregate) (*tree.Ensemble, error) {
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
	if err := errors.Join(x.file.spend(192*n), x.charge(x.inputs[0].size()/features, n)); err != nil {
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
	if err := x.treeWeights(&s, index, first, prefix); err != nil {
		return nil, err
	}
	return tree.New(s)
}

func (x *call) treeWeights(s *tree.Spec, index map[nodeKey]int, first int, prefix string) error {
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
		target := ids[i] - int64(first)
		if !ok || target < 0 || target >= int64(s.Targets) {
			return fmt.Errorf("weight %d names a node or %s that does not exist", i, prefix)
		}
		s.Weights[i] = tree.Weight{Node: node, Target: int(target), Value: weights[i]}
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
	e, err := x.trees(features, 0, targets, "target", aggregate)
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
	if n == 2 {
		if class, only := singleClass(x.ints("class_ids")); only {
			return x.oneScore(v, features, class, classes, base, name)
		}
	}
	if len(base) != 0 && len(base) != n {
		return uncovered("%d base value for %d scores", len(base), n)
	}
	e, err := x.trees(features, 0, n, "class", tree.Sum)
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
			row := dst[r*n:][:n]
			classes.set(f, label, r, bestClass(row, flags[r*n:][:n], base))
			post(row)
		}
		return nil
	})
}

// bestClass adds the base values and takes the largest of the classes that any leaf or base value spoke for. (For two
// classes with weights each, ONNX Runtime gives 0 or 1 instead of a class label. We go by the specification.)
func bestClass(scores []float32, has []bool, base []float32) int {
	best := -1
	for i := range scores {
		if base != nil {
			scores[i] += base[i]
		}
		if (has[i] || base != nil) && (best < 0 || scores[i] > scores[best]) {
			best = i
		}
	}
	return max(best, 0)
}

// singleClass says whether all weights are for one class.
func singleClass(ids []int64) (class int64, only bool) {
	for _, id := range ids {
		if id != ids[0] {
			return 0, false
		}
	}
	return append(ids, 0)[0], true
}

// oneScore compiles a binary ensemble with weights for one class only, as exporters write it: the score of the
// positive class, which is a probability if no weight is negative, and a margin otherwise. It follows ONNX Runtime's
// TreeAggregatorClassifier.
func (x *call) oneScore(v *value, features int, class int64, classes labels, base []float32, post string) error {
	if class != 0 && class != 1 {
		return fmt.Errorf("weights for class %d of 2", class)
	}
	if class == 1 && (len(base) > 0 || post != "NONE") || len(base) == 2 || post == "PROBIT" || post == "SOFTMAX_ZERO" {
		return uncovered("weights for class %d alone with %d base values and post_transform %s", class, len(base), post)
	}
	shift := float32(0)
	if len(base) == 1 {
		shift = base[0]
	}
	e, err := x.trees(features, int(class), 1, "class", tree.Sum)
	if err != nil {
		return err
	}
	one, err := x.define("", model.Float32, []int{v.shape[0], 1})
	if err != nil {
		return err
	}
	label, scores, err := x.classifierOutputs(v, classes, 2)
	if err != nil {
		return err
	}
	positive := !slices.ContainsFunc(x.floats("class_weights"), func(w float32) bool { return w < 0 })
	bound := float32(0)
	if positive {
		bound = 0.5
	}
	return x.emit(func(f *frame) error {
		src, dst := data[float32](f, one), data[float32](f, scores)
		e.Score(data[float32](f, v), len(src), src, nil)
		for r, s := range src {
			s += shift
			best := 0
			if s > bound {
				best = 1
			}
			classes.set(f, label, r, best)
			switch {
			case class == 1:
				dst[2*r], dst[2*r+1] = 0, s
			case post == "LOGISTIC":
				dst[2*r], dst[2*r+1] = logistic1(-s), logistic1(s)
			case positive:
				dst[2*r], dst[2*r+1] = 1-s, s
			default:
				dst[2*r], dst[2*r+1] = -s, s
			}
		}
		return nil
	})
}
