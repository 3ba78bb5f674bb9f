package builtin

import (
	"math"
	"slices"
	"strconv"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func collectFunctions() []udf.Function {
	return []udf.Function{
		{
			Name:        "COLLECT_LIST",
			Description: "All values in the order of arrival, NULLs included, up to ksql.functions.collect_list.limit.",
			Overloads:   []udf.Overload{{Signature: "value T -> ARRAY<T>", Undo: true, Aggregate: newCollectList}},
		},
		{
			Name:        "COLLECT_SET",
			Description: "All different values in the order of their first arrival, NULL included, up to ksql.functions.collect_set.limit.",
			Overloads:   []udf.Overload{{Signature: "value T -> ARRAY<T>", Aggregate: newCollectSet}},
		},
		{
			Name:        "HISTOGRAM",
			Description: "How often each value occurs, for the first 1000 different values.",
			Overloads:   []udf.Overload{{Signature: "value STRING -> MAP<STRING, BIGINT>", Undo: true, Aggregate: newHistogram}},
		},
		{
			Name:        "ATTR",
			Description: "The value that all rows have in common; NULL if they differ.",
			Overloads:   []udf.Overload{{Signature: "value T -> T", Undo: true, Aggregate: newAttr}},
		},
	}
}

// limit reads a property that bounds a collection; there is no bound by default.
func limit(c *udf.Call, property string) int {
	if c.Env != nil {
		if n, err := strconv.Atoi(c.Env.Props[property]); err == nil && n >= 0 {
			return n
		}
	}
	return math.MaxInt
}

func newCollectList(c *udf.Call) (udf.Aggregate, error) {
	t, max := c.Params[0], limit(c, "ksql.functions.collect_list.limit")
	return &udf.Boxed{
		Name: "COLLECT_LIST", StateType: types.ArrayOf(t), Out: types.ArrayOf(t), Zero: []any{},
		Add: func(acc any, args []any, _ int64) (any, error) {
			list := acc.([]any)
			if len(list) >= max {
				return acc, nil
			}
			return append(slices.Clone(list), args[0]), nil
		},
		Undo: func(acc any, args []any) (any, error) {
			list := acc.([]any)
			for i := len(list) - 1; i >= 0; i-- {
				if types.EqualValues(list[i], args[0], t) {
					return slices.Concat(list[:i], list[i+1:]), nil
				}
			}
			return acc, nil
		},
		Join: func(into, from any) (any, error) {
			list := slices.Concat(into.([]any), from.([]any))
			return list[:min(len(list), max)], nil
		},
	}, nil
}

func newCollectSet(c *udf.Call) (udf.Aggregate, error) {
	t, max := c.Params[0], limit(c, "ksql.functions.collect_set.limit")
	add := func(list []any, v any) []any {
		if len(list) >= max || indexOf(list, v, t) >= 0 {
			return list
		}
		return append(slices.Clone(list), v)
	}
	return &udf.Boxed{
		Name: "COLLECT_SET", StateType: types.ArrayOf(t), Out: types.ArrayOf(t), Zero: []any{},
		Add: func(acc any, args []any, _ int64) (any, error) { return add(acc.([]any), args[0]), nil },
		Join: func(into, from any) (any, error) {
			list := into.([]any)
			for _, v := range from.([]any) {
				list = add(list, v)
			}
			return list, nil
		},
	}, nil
}

// indexOf is the position of a value of type t in a list, or -1.
func indexOf(list []any, v any, t *types.Type) int {
	return slices.IndexFunc(list, func(e any) bool { return types.EqualValues(e, v, t) })
}

const histogramLimit = 1000

func newHistogram(*udf.Call) (udf.Aggregate, error) {
	t := types.MapOf(types.String, types.Bigint)
	add := func(m types.Map, key any, n int64) types.Map {
		old, found := m.Get(key)
		if !found && (n < 0 || len(m) >= histogramLimit) {
			return m
		}
		if found {
			n += old.(int64)
		}
		if n <= 0 {
			return slices.DeleteFunc(slices.Clone(m), func(e types.MapEntry) bool { return e.Key == key })
		}
		return slices.Clone(m).Put(key, n, types.String)
	}
	return &udf.Boxed{
		Name: "HISTOGRAM", StateType: t, Out: t, Zero: types.Map{},
		Add: func(acc any, args []any, _ int64) (any, error) {
			if args[0] == nil {
				return acc, nil
			}
			return add(acc.(types.Map), args[0], 1), nil
		},
		Undo: func(acc any, args []any) (any, error) {
			if args[0] == nil {
				return acc, nil
			}
			return add(acc.(types.Map), args[0], -1), nil
		},
		Join: func(into, from any) (any, error) {
			m := into.(types.Map)
			for _, e := range from.(types.Map) {
				m = add(m, e.Key, e.Value.(int64))
			}
			return m, nil
		},
	}, nil
}

// newAttr counts each value, so that one that is taken back leaves the others.
func newAttr(c *udf.Call) (udf.Aggregate, error) {
	t := c.Params[0]
	entry := types.StructOf(field("VAL", t), field("COUNT", types.Bigint))
	add := func(list []any, v any, n int64) []any {
		i := slices.IndexFunc(list, func(e any) bool { return types.EqualValues(e.([]any)[0], v, t) })
		if i < 0 {
			if n < 0 {
				return list
			}
			return append(slices.Clone(list), []any{v, n})
		}
		n += list[i].([]any)[1].(int64)
		if n <= 0 {
			return slices.Concat(list[:i], list[i+1:])
		}
		out := slices.Clone(list)
		out[i] = []any{v, n}
		return out
	}
	return &udf.Boxed{
		Name: "ATTR", StateType: types.ArrayOf(entry), Out: t, Zero: []any{},
		Add:  func(acc any, args []any, _ int64) (any, error) { return add(acc.([]any), args[0], 1), nil },
		Undo: func(acc any, args []any) (any, error) { return add(acc.([]any), args[0], -1), nil },
		Join: func(into, from any) (any, error) {
			list := into.([]any)
			for _, e := range from.([]any) {
				list = add(list, e.([]any)[0], e.([]any)[1].(int64))
			}
			return list, nil
		},
		Finish: func(acc any) (any, error) {
			if list := acc.([]any); len(list) == 1 {
				return list[0].([]any)[0], nil
			}
			return nil, nil
		},
	}, nil
}
