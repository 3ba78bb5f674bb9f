package xgboost

import (
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// Facts says what a file holds, covered or not.
func Facts(b []byte, limit int) ([]model.Fact, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("xgboost: %d bytes exceed the limit of %d", len(b), limit)
	}
	f, err := read(b)
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	l := f.Learner
	facts := []model.Fact{{Name: "booster", Value: l.Booster.Name}, {Name: "objective", Value: l.Objective.Name}}
	g := l.Booster.Model
	if l.Booster.GBTree != nil {
		g = l.Booster.GBTree.Model
	}
	if g != nil {
		facts = append(facts, model.Fact{Name: "trees", Value: fmt.Sprintf("%d (%d nodes)", len(g.Trees.roots), len(g.Trees.nodes))})
	}
	if best := l.Attributes.BestIteration; best != "" {
		facts = append(facts, model.Fact{Name: "scored up to", Value: "iteration " + best + ", the best"})
	}
	return facts, nil
}
