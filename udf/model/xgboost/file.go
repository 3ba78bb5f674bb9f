package xgboost

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf/model/boost"
	"github.com/millrace/millrace/udf/model/tree"
)

// file is the part of the format that scoring needs. Numbers of its param objects are written as text.
type file struct {
	Learner *struct {
		Attributes struct {
			BestIteration string `json:"best_iteration"`
		} `json:"attributes"`
		FeatureNames []string `json:"feature_names"`
		Booster      struct {
			Name   string  `json:"name"`
			Model  *gbtree `json:"model"`
			GBTree *struct {
				Model *gbtree `json:"model"`
			} `json:"gbtree"` // of dart
			WeightDrop []float32 `json:"weight_drop"` // of dart: the weight of each tree
		} `json:"gradient_booster"`
		Param struct {
			BaseScore  string `json:"base_score"`
			NumClass   string `json:"num_class"`
			NumFeature string `json:"num_feature"`
			NumTarget  string `json:"num_target"`
		} `json:"learner_model_param"`
		Objective struct {
			Name string `json:"name"`
		} `json:"objective"`
	} `json:"learner"`
}

// gbtree is a sequence of trees.
type gbtree struct {
	Param struct {
		NumParallelTree string `json:"num_parallel_tree"`
	} `json:"gbtree_model_param"`
	IterationEnds []int  `json:"iteration_indptr"` // since 2.0: the first tree of each iteration, and the end
	TreeInfo      []int  `json:"tree_info"`        // the group of each tree
	Trees         forest `json:"trees"`
}

func parse(b []byte) (*file, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	if f.Learner == nil {
		return nil, errors.New("the file has no learner: it is no model that save_model wrote")
	}
	return &f, nil
}

// number reads a number that is written as text; missing is 0.
func number(name, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q", name, text)
	}
	return n, nil
}

// model puts the parts together.
func (f *file) model() (m boost.Model, err error) {
	l := f.Learner
	gb, weights := l.Booster.Model, l.Booster.WeightDrop
	switch name := l.Booster.Name; {
	case name == "dart" && l.Booster.GBTree != nil:
		gb = l.Booster.GBTree.Model
	case name != "gbtree":
		return m, boost.Uncovered("booster %q", name)
	default:
		weights = nil
	}
	if gb == nil {
		return m, errors.New("the file has no trees")
	}
	objective, ok := objectives[l.Objective.Name]
	if !ok {
		return m, boost.Uncovered("objective %q", l.Objective.Name)
	}
	features, err1 := number("num_feature", l.Param.NumFeature)
	classes, err2 := number("num_class", l.Param.NumClass)
	targets, err3 := number("num_target", l.Param.NumTarget)
	if err := errors.Join(err1, err2, err3); err != nil {
		return m, err
	}
	groups := max(classes, targets, 1)
	if groups > boost.MaxScores {
		return m, fmt.Errorf("%d classes or targets exceed the limit of %d", groups, boost.MaxScores)
	}
	m = boost.Model{Link: objective.link, Form: objective.form}
	if m.Form == boost.Binary && groups > 1 {
		m.Form = boost.Regression // several labels at once: one probability each
	}
	if len(l.FeatureNames) > 0 {
		m.Names = l.FeatureNames
	}
	if m.Base, err = baseMargins(l.Param.BaseScore, groups, objective.margin); err != nil {
		return m, err
	}
	m.Trees, err = gb.spec(features, groups, l.Attributes.BestIteration, weights)
	return m, err
}

// baseMargins reads base_score, which is one number or, since 3.1, a list, and lies on the scale of predictions.
func baseMargins(text string, groups int, margin func(float64) float64) ([]float32, error) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]"), ",")
	if len(parts) != 1 && len(parts) != groups {
		return nil, fmt.Errorf("%d base scores for %d targets", len(parts), groups)
	}
	base := make([]float32, groups)
	for i := range base {
		v, err := strconv.ParseFloat(strings.TrimSpace(parts[min(i, len(parts)-1)]), 32)
		if err != nil {
			return nil, fmt.Errorf("base_score is %q", text)
		}
		if margin != nil {
			v = margin(v)
		}
		if math.IsNaN(v) {
			return nil, fmt.Errorf("base_score %q does not fit the objective", text)
		}
		base[i] = float32(v)
	}
	return base, nil
}

// spec cuts the trees at the best iteration, weighs them and gives each its group.
func (g *gbtree) spec(features, groups int, best string, weights []float32) (tree.Spec, error) {
	s := tree.Spec{
		Nodes: g.Trees.nodes, Weights: g.Trees.leaves, Roots: g.Trees.roots, TreeTargets: g.TreeInfo,
		Features: features, Targets: groups,
	}
	if len(g.TreeInfo) != len(s.Roots) || weights != nil && len(weights) != len(s.Roots) {
		return s, fmt.Errorf("%d groups and %d weights for %d trees", len(g.TreeInfo), len(weights), len(s.Roots))
	}
	if weights != nil {
		for i := range s.Weights {
			leaf := &s.Weights[i]
			t, exact := slices.BinarySearch(s.Roots, leaf.Node) // roots ascend: a leaf belongs to the last root before it
			if !exact {
				t--
			}
			leaf.Value *= weights[t]
		}
	}
	if best == "" {
		return s, nil
	}
	last, err := number("best_iteration", best)
	if err != nil {
		return s, err
	}
	end, err := g.end(last, groups)
	if err != nil {
		return s, err
	}
	s.Roots, s.TreeTargets = s.Roots[:end], s.TreeTargets[:end]
	return s, nil
}

// end is the number of trees up to and including an iteration.
func (g *gbtree) end(iteration, groups int) (int, error) {
	trees := len(g.Trees.roots)
	if iteration >= trees {
		return 0, fmt.Errorf("best_iteration is %d of %d trees", iteration, trees)
	}
	if n := len(g.IterationEnds); n > 0 {
		if iteration+1 >= n || g.IterationEnds[iteration+1] < 0 || g.IterationEnds[iteration+1] > trees {
			return 0, fmt.Errorf("best_iteration is %d of %d", iteration, n-1)
		}
		return g.IterationEnds[iteration+1], nil
	}
	parallel, err := number("num_parallel_tree", g.Param.NumParallelTree)
	if err != nil || parallel > trees {
		return 0, fmt.Errorf("num_parallel_tree is %q", g.Param.NumParallelTree)
	}
	return min((iteration+1)*groups*max(parallel, 1), trees), nil
}
