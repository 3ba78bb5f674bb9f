package lightgbm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf/model/boost"
)

// objective is what the header's line says about predictions.
type objective struct {
	form boost.Form
	link boost.Link
}

// readObjective reads a line as "binary sigmoid:1" or "regression sqrt". An empty one, or custom, leaves scores raw.
func readObjective(line string) (objective, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return objective{}, nil
	}
	sigmoid := 1.0
	root := false
	for _, w := range words[1:] {
		if text, ok := strings.CutPrefix(w, "sigmoid:"); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || !(v > 0) {
				return objective{}, fmt.Errorf("objective %q", line)
			}
			sigmoid = v
		}
		root = root || w == "sqrt"
	}
	switch words[0] {
	case "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom", "none":
		if root {
			return objective{link: boost.SignedSquare}, nil
		}
		return objective{}, nil
	case "poisson", "gamma", "tweedie":
		return objective{link: boost.Exp}, nil
	case "cross_entropy":
		return objective{link: boost.Logistic(1)}, nil
	case "cross_entropy_lambda":
		return objective{link: boost.LogOnePlusExp}, nil
	case "binary":
		return objective{boost.Binary, boost.Logistic(sigmoid)}, nil
	case "multiclass":
		return objective{boost.Multiclass, boost.Softmax}, nil
	case "multiclassova":
		return objective{boost.Multiclass, boost.Logistic(sigmoid)}, nil
	}
	return objective{}, boost.Uncovered("objective %q", words[0])
}
