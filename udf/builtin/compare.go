package builtin

import (
	"fmt"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// comparisonFunctions are GREATEST and LEAST; NULLs do not count.
func comparisonFunctions() []udf.Function {
	make1 := func(name, description string, sign int) udf.Function {
		out := function(name, description)
		for _, t := range orderedTypes {
			o := onNulls(fmt.Sprintf("val %s, vals %s... -> %s", t, t, t), func(c *udf.Call, a []any) (any, error) {
				return extremeArg(a, c.Returns, sign), nil
			})
			if t == "DECIMAL" {
				o.Returns = widest
			}
			out.Overloads = append(out.Overloads, o)
		}
		return out
	}
	return []udf.Function{
		make1("GREATEST", "The largest argument that is not NULL.", 1),
		make1("LEAST", "The smallest argument that is not NULL.", -1),
	}
}

func extremeArg(a []any, t *types.Type, sign int) any {
	var best any
	for _, v := range a {
		if v != nil && (best == nil || types.Compare(v, best, t)*sign > 0) {
			best = v
		}
	}
	if d, ok := best.(types.Decimal); ok {
		return d.SetScale(t.Scale, types.HalfUp)
	}
	return best
}

// widest is the DECIMAL that holds all arguments.
func widest(params []*types.Type) (*types.Type, error) {
	var t *types.Type
	for _, p := range params {
		switch d := types.AsDecimal(p); {
		case d == nil:
		case t == nil:
			t = d
		default:
			t = types.WidenDecimal(t, d)
		}
	}
	if t == nil {
		return nil, fmt.Errorf("all arguments are NULL")
	}
	return t, nil
}
