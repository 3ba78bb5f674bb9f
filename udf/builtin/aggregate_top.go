package builtin

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func topFunctions() []udf.Function {
	top := udf.Function{Name: "TOPK", Description: "The k largest values, largest first; with further columns, a list of structs of them."}
	for _, t := range []string{"INT", "BIGINT", "DOUBLE", "STRING"} {
		top.Overloads = append(top.Overloads,
			udf.Overload{Signature: fmt.Sprintf("value %s, k INT init", t), Aggregate: newTop},
			udf.Overload{Signature: fmt.Sprintf("value %s, column ANY, columns ANY..., k INT init", t), Aggregate: newTopColumns})
	}
	distinct := udf.Function{Name: "TOPKDISTINCT", Description: "The k largest different values, largest first."}
	for _, t := range orderedTypes {
		distinct.Overloads = append(distinct.Overloads,
			udf.Overload{Signature: fmt.Sprintf("value %s, k INT init", t), Aggregate: newTopDistinct})
	}
	return []udf.Function{top, distinct}
}

func topSize(c *udf.Call) (int, error) {
	k := initInt(c, 0, 1)
	if k < 1 {
		return 0, errors.New("k must be at least 1")
	}
	return int(k), nil
}

func newTop(c *udf.Call) (udf.Aggregate, error) {
	k, err := topSize(c)
	t := c.Params[0]
	return topOf("TOPK", k, t, false, func(a, b any) int { return types.Compare(a, b, t) }, func(args []any) any { return args[0] }), err
}

func newTopDistinct(c *udf.Call) (udf.Aggregate, error) {
	k, err := topSize(c)
	t := c.Params[0]
	return topOf("TOPKDISTINCT", k, t, true, func(a, b any) int { return types.Compare(a, b, t) }, func(args []any) any { return args[0] }), err
}

// newTopColumns keeps structs ordered by their first field.
func newTopColumns(c *udf.Call) (udf.Aggregate, error) {
	k, err := topSize(c)
	t := types.StructOf(field("sort_col", c.Params[0]))
	for i, p := range c.Params[1 : len(c.Params)-1] {
		t.Fields = append(t.Fields, field(fmt.Sprintf("col%d", i), p))
	}
	compare := func(a, b any) int { return types.Compare(a.([]any)[0], b.([]any)[0], c.Params[0]) }
	return topOf("TOPK", k, t, false, compare, func(args []any) any { return slices.Clone(args) }), err
}

// topOf keeps up to k elements, largest first and equal ones in the order of arrival. A row whose first argument is NULL does not
// count.
func topOf(name string, k int, t *types.Type, distinct bool, compare func(a, b any) int, element func(args []any) any) udf.Aggregate {
	insert := func(list []any, v any) []any {
		at := len(list)
		for at > 0 && compare(list[at-1], v) < 0 {
			at--
		}
		if at >= k || distinct && at > 0 && compare(list[at-1], v) == 0 {
			return list
		}
		list = slices.Insert(slices.Clone(list), at, v)
		return list[:min(len(list), k)]
	}
	return &udf.Boxed{
		Name: name, StateType: types.ArrayOf(t), Out: types.ArrayOf(t), Zero: []any{},
		Add: func(acc any, args []any, _ int64) (any, error) {
			if args[0] == nil {
				return acc, nil
			}
			return insert(acc.([]any), element(args)), nil
		},
		Join: func(into, from any) (any, error) {
			list := into.([]any)
			for _, v := range from.([]any) {
				list = insert(list, v)
			}
			return list, nil
		},
	}
}
