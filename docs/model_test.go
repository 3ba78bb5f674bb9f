package docs

import (
	"fmt"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// fraudModel is the ONNX file of the pages' smallest example: one linear regressor, 0.001 * amount - 0.01 * age + intercept.
func fraudModel(intercept float32) []byte { return modeltest.Linear(intercept, 0.001, -0.01) }

// statisticsLines are what a page shows of SHOW MODEL STATISTICS: what does not depend on the moment.
func statisticsLines(list []engine.ModelStatistics) []string {
	lines := []string{"model | version | rows | errors | column | missing | min | max"}
	for _, s := range list {
		add := func(role string, elements []engine.ModelElement) {
			for _, el := range elements {
				lines = append(lines, fmt.Sprintf("%s | %d | %d | %d | %s %s | %.0f%% | %s | %s",
					s.Name, s.Version, s.Rows, s.Errors, role, el.Name, el.Missing*100, rounded(el.Min), rounded(el.Max)))
			}
		}
		add("input", s.Inputs)
		add("output", s.Outputs)
	}
	return lines
}

func rounded(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.4g", *v)
}
