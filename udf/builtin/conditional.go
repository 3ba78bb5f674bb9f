package builtin

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func conditionalFunctions() []udf.Function {
	first := func(_ *udf.Call, a []any) (any, error) {
		for _, v := range a {
			if v != nil {
				return v, nil
			}
		}
		return nil, nil
	}
	return []udf.Function{
		function("AS_VALUE", "A copy of a key column as a value column, NULL included.",
			onNulls("keyColumn T -> T", func(_ *udf.Call, a []any) (any, error) { return a[0], nil })),
		function("COALESCE", "The first argument that is not NULL.", rowsLikeFirst(onNulls("first T, others T... -> T", first))),
		function("IFNULL", "The first argument, or the second if it is NULL.", rowsLikeFirst(onNulls("expression T, altValue T -> T", first))),
		function("NULLIF", "NULL if both arguments are equal, else the first; a NULL second argument equals nothing.",
			onNulls("expr1 T, expr2 T -> T", func(c *udf.Call, a []any) (any, error) {
				if a[0] != nil && types.EqualValues(a[0], a[1], c.Params[0]) {
					return nil, nil
				}
				return a[0], nil
			})),
	}
}

// rowsLikeFirst gives an overload that takes the first argument that is not NULL its column form.
func rowsLikeFirst(o udf.Overload) udf.Overload {
	o.Rows = rowsOfFirst
	return o
}
