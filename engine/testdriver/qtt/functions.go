package qtt

import (
	"errors"
	"slices"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// errThrown is what functions fail with that are there to fail.
var errThrown = errors.New("thrown on purpose")

// testFunctions are the functions that only the cases call. Their registry is the runner's own.
func testFunctions() []udf.Function {
	return slices.Concat(testScalars(), testTables(), testAggregates())
}

func scalar(name string, overloads ...udf.Overload) udf.Function {
	return udf.Function{Name: name, Kind: analyzer.ScalarFunction, Category: "TEST", Description: "For tests.", Overloads: overloads}
}

// structA is STRUCT<A STRING>.
var structA = types.StructOf(types.Field{Name: "A", Type: types.String})

func testScalars() []udf.Function {
	second := func(_ *udf.Call, a []any) (any, error) {
		if evaluated, _ := a[1].(bool); !evaluated {
			return nil, errors.New("evaluated, and should not have been")
		}
		return a[0], nil
	}
	return []udf.Function{
		scalar(
			"BAD_UDF",
			udf.Overload{Signature: "throws BOOLEAN -> INT", Call: func(_ *udf.Call, a []any) (any, error) {
				if a[0].(bool) {
					return nil, errThrown
				}
				return int32(0), nil
			}},
			udf.Overload{Signature: "value INT -> INT", Call: func(*udf.Call, []any) (any, error) { return nil, errThrown }},
		),
		scalar("WHENCONDITION", udf.Overload{Signature: "value BOOLEAN, evaluated BOOLEAN -> BOOLEAN", Volatile: true, Call: second}),
		scalar("WHENRESULT", udf.Overload{Signature: "value INT, evaluated BOOLEAN -> INT", Volatile: true, Call: second}),
		scalar(
			"TEST_UDF",
			udf.Overload{
				Signature: "-> STRUCT",
				Returns:   func([]*types.Type) (*types.Type, error) { return structA, nil },
				Call:      func(*udf.Call, []any) (any, error) { return []any{"foo"}, nil },
			},
			udf.Overload{Signature: "values BIGINT... -> STRING", Call: func(*udf.Call, []any) (any, error) {
				return "doStuffLongVarargs", nil
			}},
			udf.Overload{Signature: "value STRUCT -> STRING", Call: func(_ *udf.Call, a []any) (any, error) {
				return a[0].([]any)[0], nil
			}},
		),
	}
}

func testTables() []udf.Function {
	texts := func(c *udf.Call, a []any) ([]any, error) {
		var out []any
		for i, arg := range a {
			t := c.Params[i].Elem
			switch x := arg.(type) {
			case []any:
				for _, v := range x {
					out = append(out, types.Text(v, t))
				}
			case types.Map:
				for _, e := range x {
					out = append(out, types.Text(e.Value, t))
				}
			}
		}
		return out, nil
	}
	return []udf.Function{
		{
			Name: "TEST_UDTF", Kind: analyzer.TableFunction, Category: "TEST", Description: "For tests.",
			Overloads: []udf.Overload{
				{Signature: "a ARRAY<A>, b ARRAY<B>, c ARRAY<C>, d ARRAY<D>, e ARRAY<E>, f ARRAY<F>, g ARRAY<G> -> STRING", Table: texts},
				{
					Signature: "a MAP<STRING, A>, b MAP<STRING, B>, c MAP<STRING, C>, d MAP<STRING, D>, e MAP<STRING, E>, f MAP<STRING, F>, g MAP<STRING, G> -> STRING",
					Table:     texts,
				},
				{
					Signature: "value DECIMAL -> DECIMAL",
					Returns:   func([]*types.Type) (*types.Type, error) { return types.DecimalOf(30, 10), nil },
					Table:     func(_ *udf.Call, a []any) ([]any, error) { return a[:1], nil },
				},
				{Signature: "value T -> T", Table: func(_ *udf.Call, a []any) ([]any, error) { return a[:1], nil }},
			},
		},
		{
			Name: "THROWING_UDTF", Kind: analyzer.TableFunction, Category: "TEST", Description: "For tests.",
			Overloads: []udf.Overload{{Signature: "throws BOOLEAN -> BOOLEAN", Table: func(_ *udf.Call, a []any) ([]any, error) {
				if a[0].(bool) {
					return nil, errThrown
				}
				return a[:1], nil
			}}},
		},
	}
}

func testAggregates() []udf.Function {
	aggregate := func(name string, overloads ...udf.Overload) udf.Function {
		return udf.Function{Name: name, Kind: analyzer.AggregateFunction, Category: "AGGREGATE", Description: "For tests.", Overloads: overloads}
	}
	return []udf.Function{
		aggregate(
			"TEST_UDAF",
			udf.Overload{Signature: "value INT -> BIGINT", Undo: true, Aggregate: newTestSum},
			udf.Overload{Signature: "value BIGINT -> BIGINT", Undo: true, Aggregate: newTestSum},
			udf.Overload{
				Signature: "value STRUCT -> STRUCT", Aggregate: newStructSum,
				Returns: func(p []*types.Type) (*types.Type, error) { return p[0], nil },
			},
		),
		aggregate("VAR_ARG", udf.Overload{Signature: "value BIGINT, texts STRING... -> BIGINT", Aggregate: newLengths}),
		aggregate(
			"MULTI_ARG",
			udf.Overload{Signature: "value BIGINT, text STRING, n INT init -> BIGINT", Aggregate: newLengths},
			udf.Overload{
				Signature: "value BIGINT, text STRING, n INT init, a STRING init, b STRING init, c STRING init -> BIGINT", Aggregate: newLengths,
			},
		),
		aggregate("FOUR_ARG", udf.Overload{
			Signature: "value BIGINT, x STRING, y STRING, z STRING, n INT init, a STRING init, b STRING init, c STRING init -> BIGINT",
			Aggregate: newLengths,
		}),
		aggregate("MID_VAR_ARG", udf.Overload{
			Signature: "value BIGINT, texts STRING..., n INT init, m INT init -> BIGINT", Aggregate: newLengths,
		}),
		aggregate("OBJ_COL_ARG", udf.Overload{Signature: "value INT, others ANY... -> ARRAY<INT>", Aggregate: newWhole}),
		aggregate("GENERIC_VAR_ARG", udf.Overload{Signature: "first A, second B, others C... -> ARRAY<A>", Aggregate: newWhole}),
	}
}

// size is what lengths adds for a value: a number itself, a text its length.
func size(v any) int64 {
	switch x := v.(type) {
	case int32:
		return int64(x)
	case int64:
		return x
	case string:
		return int64(len(x))
	}
	return 0
}

// newLengths adds up numbers and the lengths of texts, beginning with the constants.
func newLengths(c *udf.Call) (udf.Aggregate, error) {
	zero := int64(0)
	for _, v := range c.Init {
		zero += size(v)
	}
	return &udf.Boxed{
		Name: c.Name, StateType: types.Bigint, Out: types.Bigint, Zero: zero,
		Add: func(acc any, args []any, _ int64) (any, error) {
			sum := acc.(int64)
			for _, v := range args {
				sum += size(v)
			}
			return sum, nil
		},
		Join: func(into, from any) (any, error) { return into.(int64) + from.(int64) - zero, nil },
	}, nil
}

// newTestSum is a plain sum.
func newTestSum(c *udf.Call) (udf.Aggregate, error) {
	return &udf.Boxed{
		Name: c.Name, StateType: types.Bigint, Out: types.Bigint, Zero: int64(0),
		Add:  func(acc any, args []any, _ int64) (any, error) { return acc.(int64) + size(args[0]), nil },
		Undo: func(acc any, args []any) (any, error) { return acc.(int64) - size(args[0]), nil },
		Join: func(into, from any) (any, error) { return into.(int64) + from.(int64), nil },
	}, nil
}

// newStructSum adds up structs of integers field by field.
func newStructSum(c *udf.Call) (udf.Aggregate, error) {
	add := func(x, y any) any {
		a, b := x.([]any), y.([]any)
		out := make([]any, len(a))
		for i := range a {
			out[i] = int32(size(a[i]) + size(b[i]))
		}
		return out
	}
	t := c.Params[0]
	zero := make([]any, len(t.Fields))
	for i := range zero {
		zero[i] = int32(0)
	}
	return &udf.Boxed{
		Name: c.Name, StateType: t, Out: t, Zero: zero,
		Add: func(acc any, args []any, _ int64) (any, error) {
			if args[0] == nil {
				return acc, nil
			}
			return add(acc, args[0]), nil
		},
		Join: func(into, from any) (any, error) { return add(into, from), nil },
	}, nil
}

// newWhole lists the first arguments of the rows in which nothing is NULL, however deep.
func newWhole(c *udf.Call) (udf.Aggregate, error) {
	list := types.ArrayOf(c.Params[0])
	return &udf.Boxed{
		Name: c.Name, StateType: list, Out: list, Zero: []any{},
		Add: func(acc any, args []any, _ int64) (any, error) {
			if hasNull(args) {
				return acc, nil
			}
			return append(slices.Clone(acc.([]any)), args[0]), nil
		},
		Join: func(into, from any) (any, error) { return slices.Concat(into.([]any), from.([]any)), nil },
	}, nil
}

func hasNull(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(x, hasNull)
	case types.Map:
		return slices.ContainsFunc(x, func(e types.MapEntry) bool { return hasNull(e.Value) })
	}
	return false
}
