package builtin

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// maxSeries bounds GENERATE_SERIES.
const maxSeries = 1 << 20

func arrayFunctions() []udf.Function {
	return []udf.Function{
		function("ARRAY_LENGTH", "The number of elements.", on("array ARRAY<T> -> INT", func(_ *udf.Call, a []any) (any, error) {
			return int32(len(a[0].([]any))), nil
		})),
		function("ARRAY_CONTAINS", "Whether a list has an element, which may be NULL; false for a NULL list.",
			onNulls("array ARRAY<T>, val T -> BOOLEAN", func(c *udf.Call, a []any) (any, error) {
				list, ok := a[0].([]any)
				return ok && indexOf(list, a[1], c.Params[1]) >= 0, nil
			})),
		function("ARRAY_CONCAT", "Two lists one behind the other; a NULL one is left out.",
			onNulls("left ARRAY<T>, right ARRAY<T> -> ARRAY<T>", func(_ *udf.Call, a []any) (any, error) {
				switch {
				case a[0] == nil:
					return a[1], nil
				case a[1] == nil:
					return a[0], nil
				}
				return slices.Concat(a[0].([]any), a[1].([]any)), nil
			})),
		function("ARRAY_DISTINCT", "The different elements, in the order of their first occurrence.",
			on("input ARRAY<T> -> ARRAY<T>", func(c *udf.Call, a []any) (any, error) {
				return distinctOf(a[0].([]any), c.Params[0].Elem, nil), nil
			})),
		function("ARRAY_EXCEPT", "The different elements of the first list that the second does not have.",
			on("left ARRAY<T>, right ARRAY<T> -> ARRAY<T>", func(c *udf.Call, a []any) (any, error) {
				right := setOf(a[1].([]any), c.Params[0].Elem)
				return distinctOf(a[0].([]any), c.Params[0].Elem, func(v any) bool { return right.Find(v) < 0 }), nil
			})),
		function("ARRAY_INTERSECT", "The different elements that both lists have.",
			on("left ARRAY<T>, right ARRAY<T> -> ARRAY<T>", func(c *udf.Call, a []any) (any, error) {
				right := setOf(a[1].([]any), c.Params[0].Elem)
				return distinctOf(a[0].([]any), c.Params[0].Elem, func(v any) bool { return right.Find(v) >= 0 }), nil
			})),
		function("ARRAY_UNION", "The different elements of both lists.",
			on("left ARRAY<T>, right ARRAY<T> -> ARRAY<T>", func(c *udf.Call, a []any) (any, error) {
				return distinctOf(slices.Concat(a[0].([]any), a[1].([]any)), c.Params[0].Elem, nil), nil
			})),
		function("ARRAY_REMOVE", "The list without the elements that equal one, which may be NULL.",
			onNulls("array ARRAY<T>, victim T -> ARRAY<T>", func(c *udf.Call, a []any) (any, error) {
				if a[0] == nil {
					return nil, nil
				}
				return slices.DeleteFunc(slices.Clone(a[0].([]any)), func(v any) bool {
					return types.EqualValues(v, a[1], c.Params[1])
				}), nil
			})),
		function("ARRAY_MAX", "The largest element; NULLs do not count.", on("input ARRAY<T> -> T", extremeOf(1))),
		function("ARRAY_MIN", "The smallest element; NULLs do not count.", on("input ARRAY<T> -> T", extremeOf(-1))),
		function("ARRAY_SORT", "The list in ascending order, or as direction (ASC, DESC) says; NULLs come last.",
			on("input ARRAY<T> -> ARRAY<T>", arraySort), on("input ARRAY<T>, direction STRING -> ARRAY<T>", arraySort)),
		function("ARRAY_JOIN", "The elements as text with a delimiter, a comma by default, between them; a NULL delimiter is an empty one.",
			on("array ARRAY<T> -> STRING", arrayJoin), onNulls("array ARRAY<T>, delimiter STRING -> STRING", arrayJoin)),
		function("SLICE", "The elements from one position to another, counted from 1, both included. NULL is the list's beginning or end; positions outside give NULL.",
			onNulls("in ARRAY<T>, from INT, to INT -> ARRAY<T>", slice)),
		function("GENERATE_SERIES", "The numbers from one to another, by steps of 1 or as told.",
			on("start INT, end INT -> ARRAY<INT>", series[int32]), on("start BIGINT, end BIGINT -> ARRAY<BIGINT>", series[int64]),
			on("start INT, end INT, step INT -> ARRAY<INT>", series[int32]), on("start BIGINT, end BIGINT, step INT -> ARRAY<BIGINT>", series[int64])),
	}
}

// distinctOf keeps the first of equal elements, of those that keep accepts.
func distinctOf(list []any, t *types.Type, keep func(any) bool) []any {
	out, seen := []any{}, types.Set{Type: t}
	for _, v := range list {
		if keep != nil && !keep(v) {
			continue
		}
		if _, isNew := seen.Add(v); isNew {
			out = append(out, v)
		}
	}
	return out
}

func setOf(list []any, t *types.Type) *types.Set {
	s := &types.Set{Type: t}
	for _, v := range list {
		s.Add(v)
	}
	return s
}

func extremeOf(sign int) impl {
	return func(c *udf.Call, a []any) (any, error) {
		var best any
		for _, v := range a[0].([]any) {
			if v != nil && (best == nil || types.Compare(v, best, c.Returns)*sign > 0) {
				best = v
			}
		}
		return best, nil
	}
}

func arraySort(c *udf.Call, a []any) (any, error) {
	sign := 1
	if len(a) > 1 {
		switch strings.ToUpper(trim(a[1].(string))) {
		case "ASC", "ASCENDING":
		case "DESC", "DESCENDING":
			sign = -1
		default:
			return nil, nil
		}
	}
	list := slices.Clone(a[0].([]any))
	slices.SortStableFunc(list, func(x, y any) int {
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		return sign * types.Compare(x, y, c.Params[0].Elem)
	})
	return list, nil
}

func arrayJoin(c *udf.Call, a []any) (any, error) {
	if a[0] == nil {
		return nil, nil
	}
	t := c.Params[0].Elem
	if t.Kind >= types.KindArray {
		return nil, fmt.Errorf("elements of type %s cannot be joined", t)
	}
	delimiter := ","
	if len(a) > 1 {
		delimiter, _ = a[1].(string)
	}
	parts := make([]string, len(a[0].([]any)))
	for i, v := range a[0].([]any) {
		parts[i] = types.Text(v, t)
	}
	if len(parts)*len(delimiter) > maxText {
		return nil, errTooLong
	}
	return strings.Join(parts, delimiter), nil
}

func slice(_ *udf.Call, a []any) (any, error) {
	list, ok := a[0].([]any)
	if !ok {
		return nil, nil
	}
	from, to := 1, len(list)
	if v, ok := a[1].(int32); ok {
		from = int(v)
	}
	if v, ok := a[2].(int32); ok {
		to = int(v)
	}
	if from < 1 || to > len(list) || from > to+1 {
		return nil, nil
	}
	return list[from-1 : to : to], nil
}

func series[T int32 | int64](_ *udf.Call, a []any) (any, error) {
	start, end := int64(a[0].(T)), int64(a[1].(T))
	step := int64(1)
	if end < start {
		step = -1
	}
	if len(a) > 2 {
		step = int64(a[2].(int32))
	}
	if step == 0 || step > 0 && end < start || step < 0 && end > start {
		return nil, errors.New("the step does not lead from start to end")
	}
	// The distance and the step as unsigned numbers cannot overflow.
	distance, stride := uint64(end)-uint64(start), uint64(step)
	if step < 0 {
		distance, stride = -distance, -stride
	}
	if distance/stride >= maxSeries {
		return nil, fmt.Errorf("series of more than %d numbers", maxSeries)
	}
	out := make([]any, distance/stride+1)
	for i := range out {
		out[i] = T(start + int64(i)*step)
	}
	return out, nil
}
