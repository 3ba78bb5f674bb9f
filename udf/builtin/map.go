package builtin

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func mapFunctions() []udf.Function {
	entries := function("ENTRIES", "The entries of a map as a list of structs, sorted by key if wanted.")
	for _, t := range []string{"INT", "BIGINT", "DOUBLE", "BOOLEAN", "STRING"} {
		entries.Overloads = append(entries.Overloads, udf.Overload{
			Signature: "map MAP<STRING, " + t + ">, sorted BOOLEAN", Call: mapEntries,
			Returns: func(params []*types.Type) (*types.Type, error) {
				return types.ArrayOf(types.StructOf(field("K", types.String), field("V", params[0].Elem))), nil
			},
		})
	}
	return []udf.Function{
		entries,
		function("AS_MAP", "A map of a list of keys and a list of values.",
			on("keys ARRAY<STRING>, values ARRAY<T> -> MAP<STRING, T>", func(_ *udf.Call, a []any) (any, error) {
				keys, values := a[0].([]any), a[1].([]any)
				m := types.NewMapBuilder(types.String, len(keys))
				for i := range min(len(keys), len(values)) {
					m.Put(keys[i], values[i])
				}
				return m.Map, nil
			})),
		function("MAP_KEYS", "The keys of a map.", on("input MAP<STRING, T> -> ARRAY<STRING>", func(_ *udf.Call, a []any) (any, error) {
			out := []any{}
			for _, e := range a[0].(types.Map) {
				out = append(out, e.Key)
			}
			return out, nil
		})),
		function("MAP_VALUES", "The values of a map.", on("input MAP<STRING, T> -> ARRAY<T>", func(_ *udf.Call, a []any) (any, error) {
			out := []any{}
			for _, e := range a[0].(types.Map) {
				out = append(out, e.Value)
			}
			return out, nil
		})),
		function("MAP_UNION", "The entries of two maps; those of the second win. A NULL one is left out.",
			onNulls("map1 MAP<STRING, T>, map2 MAP<STRING, T> -> MAP<STRING, T>", func(_ *udf.Call, a []any) (any, error) {
				switch {
				case a[0] == nil:
					return a[1], nil
				case a[1] == nil:
					return a[0], nil
				}
				m := types.NewMapBuilder(types.String, len(a[0].(types.Map)))
				for _, e := range slices.Concat(a[0].(types.Map), a[1].(types.Map)) {
					m.Put(e.Key, e.Value)
				}
				return m.Map, nil
			})),
	}
}

func mapEntries(_ *udf.Call, a []any) (any, error) {
	out := []any{}
	for _, e := range a[0].(types.Map) {
		out = append(out, []any{e.Key, e.Value})
	}
	if a[1].(bool) {
		slices.SortStableFunc(out, func(x, y any) int {
			k, _ := x.([]any)[0].(string)
			l, _ := y.([]any)[0].(string)
			return strings.Compare(k, l)
		})
	}
	return out, nil
}
