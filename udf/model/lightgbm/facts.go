package lightgbm

import (
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

// Facts says what a file holds, covered or not.
func Facts(b []byte, limit int) ([]model.Fact, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("lightgbm: %d bytes exceed the limit of %d", len(b), limit)
	}
	h, blocks, err := readHeader(b)
	if err != nil {
		return nil, fmt.Errorf("lightgbm: %w", err)
	}
	facts := []model.Fact{{Name: "objective", Value: h.objective}}
	if h.average {
		facts = append(facts, model.Fact{Name: "boosting", Value: "random forest"})
	}
	trees := 0
	for line, ok := blocks.next(); ok && line != "end of trees"; line, ok = blocks.next() {
		if len(line) > 5 && line[:5] == "Tree=" {
			trees++
		}
	}
	return append(facts, model.Fact{Name: "trees", Value: fmt.Sprint(trees)}), nil
}
