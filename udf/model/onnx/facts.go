package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/udf/model"
)

// Facts says what a file holds, covered or not: operator sets, operators with their number, and constants.
func Facts(b []byte, limit int) ([]model.Fact, error) {
	f, err := prepass(b, limit)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	nodes, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	var sets []string
	for _, domain := range slices.Sorted(maps.Keys(f.opsets)) {
		sets = append(sets, strings.TrimSpace(fmt.Sprintf("%s %d", domain, f.opsets[domain])))
	}
	counts := map[string]int{}
	for _, n := range nodes {
		counts[n.op]++
	}
	var ops []string
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		if counts[op] > 1 {
			op = fmt.Sprintf("%s (%d)", op, counts[op])
		}
		ops = append(ops, op)
	}
	return []model.Fact{
		{Name: "opset", Value: strings.Join(sets, ", ")},
		{Name: "operators", Value: strings.Join(ops, " ")},
		{Name: "constants", Value: fmt.Sprint(len(f.tensors))},
	}, nil
}
