package builtin

import (
	"slices"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// impl is the form of every scalar implementation.
type impl = func(c *udf.Call, a []any) (any, error)

// on declares an overload that NULL arguments make NULL.
func on(signature string, f impl) udf.Overload { return udf.Overload{Signature: signature, Call: f} }

// onNulls declares an overload that is called with NULL arguments too.
func onNulls(signature string, f impl) udf.Overload {
	return udf.Overload{Signature: signature, Call: f, Nulls: true}
}

// onDecimal declares an overload whose result type is computed.
func onDecimal(signature string, returns func([]*types.Type) (*types.Type, error), f impl) udf.Overload {
	return udf.Overload{Signature: signature, Call: f, Returns: returns}
}

func function(name, description string, overloads ...udf.Overload) udf.Function {
	return udf.Function{Name: name, Description: description, Overloads: overloads}
}

// scalars gives functions their kind and category.
func scalars(category string, fs ...[]udf.Function) []udf.Function {
	out := slices.Concat(fs...)
	for i := range out {
		out[i].Kind, out[i].Category = analyzer.ScalarFunction, category
	}
	return out
}
