package model

import (
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// keepArrays drops the rows whose ARRAY does not have the tensor's elements: it is shorter or longer, or lacks one that must be there.
// A NULL is an ARRAY of NULLs.
func (in *input) keepArrays(s *scratch, v *vector.Vector, fail func(int, error)) {
	s.keep(in.first, func(row int) bool {
		if v.IsNull(row) {
			return in.tensor.Type.IsFloat()
		}
		list, _ := v.Item(v.At(row)).([]any)
		if len(list) != in.width {
			if fail != nil {
				fail(row, fmt.Errorf("an ARRAY of %d elements for input %s", len(list), in.tensor))
			}
			return false
		}
		return in.tensor.Type.IsFloat() || !slices.Contains(list, nil)
	})
}

// fillArrays moves the elements of an ARRAY column to the tensor.
func (in *input) fillArrays(c *Column, v *vector.Vector, rows []int32) {
	for i, r := range rows {
		var list []any
		if !v.IsNull(int(r)) {
			list, _ = v.Item(v.At(int(r))).([]any)
		}
		for k := range in.width {
			var x any
			if k < len(list) {
				x = list[k]
			}
			c.set(in.tensor.Type, i*in.width+k, x)
		}
	}
}

// set writes a boxed SQL value, which the type accepts, to an element.
func (c *Column) set(t ElemType, i int, x any) {
	switch t {
	case Float32:
		c.Float32[i] = float32(toFloat(x))
	case Float64:
		c.Float64[i] = toFloat(x)
	case Int64, Int32:
		c.Int64[i] = toInteger(x)
	case Bool:
		c.Bool[i], _ = x.(bool)
	case String:
		c.String[i], _ = x.(string)
	}
}

// toFloat is a number of any SQL type; NULL is NaN.
func toFloat(x any) float64 {
	switch x := x.(type) {
	case int32:
		return float64(x)
	case int64:
		return float64(x)
	case float64:
		return x
	case types.Decimal:
		return x.Float64()
	}
	return math.NaN()
}

func toInteger(x any) int64 {
	if n, ok := x.(int32); ok {
		return int64(n)
	}
	n, _ := x.(int64)
	return n
}
