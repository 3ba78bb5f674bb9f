package builtin

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/udf"
)

const maxCube = 20

func tableFunctions() []udf.Function {
	return []udf.Function{
		{
			Name: "EXPLODE", Kind: analyzer.TableFunction, Category: "TABLE", Description: "One row an element of a list.",
			Overloads: []udf.Overload{{
				Signature: "list ARRAY<T> -> T",
				Table:     func(_ *udf.Call, a []any) ([]any, error) { return a[0].([]any), nil },
			}},
		},
		{
			Name: "CUBE_EXPLODE", Kind: analyzer.TableFunction, Category: "TABLE",
			Description: "One row for every combination of the columns of a list with NULL.",
			Overloads:   []udf.Overload{{Signature: "columns ARRAY<T> -> ARRAY<T>", Table: cube}},
		},
	}
}

// cube counts in binary: a digit a column that is not NULL, the last one lowest, 0 for NULL.
func cube(_ *udf.Call, a []any) ([]any, error) {
	columns := a[0].([]any)
	if len(columns) > maxCube {
		return nil, fmt.Errorf("cube of %d columns, more than %d", len(columns), maxCube)
	}
	var at []int
	for i, v := range slices.Backward(columns) {
		if v != nil {
			at = append(at, i)
		}
	}
	out := make([]any, 0, 1<<len(at))
	for n := range 1 << len(at) {
		row := make([]any, len(columns))
		for bit, i := range at {
			if n&(1<<bit) != 0 {
				row[i] = columns[i]
			}
		}
		out = append(out, row)
	}
	return out, nil
}
