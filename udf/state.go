package udf

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// State holds the accumulators of the groups of a batch in columns: element g of every column belongs to group g.
type State []*Column

// NewState returns empty columns of the types.
func NewState(columns []*types.Type) State {
	s := make(State, len(columns))
	for i, t := range columns {
		s[i] = &Column{Type: t}
	}
	return s
}

// Reset empties all columns and keeps their buffers.
func (s State) Reset() {
	for _, c := range s {
		c.Reset()
	}
}

// Column is a column that, unlike a vector, can be changed in place whatever its type. Which slice holds the elements
// follows from the type as in package vector, except that each STRING or BYTES element has a buffer of its own.
// Slices have one element a group, as has Null; an element that is NULL is unspecified.
type Column struct {
	Type *types.Type
	Null []bool
	Bool []bool
	I32  []int32
	I64  []int64
	F64  []float64
	Str  [][]byte
	Any  []any
}

// Len is the number of groups.
func (c *Column) Len() int { return len(c.Null) }

// Reset empties the column and keeps its buffers.
func (c *Column) Reset() {
	c.Null, c.Bool = c.Null[:0], c.Bool[:0]
	c.I32, c.I64, c.F64 = c.I32[:0], c.I64[:0], c.F64[:0]
	c.Str = c.Str[:0]
	clear(c.Any)
	c.Any = c.Any[:0]
}

// AppendNull adds a NULL element.
func (c *Column) AppendNull() {
	c.Null = append(c.Null, true)
	switch c.Type.Kind {
	case types.KindBoolean:
		c.Bool = append(c.Bool, false)
	case types.KindInt, types.KindDate, types.KindTime:
		c.I32 = append(c.I32, 0)
	case types.KindBigint, types.KindTimestamp:
		c.I64 = append(c.I64, 0)
	case types.KindDouble:
		c.F64 = append(c.F64, 0)
	case types.KindString, types.KindBytes:
		c.growStr()
	default:
		c.Any = append(c.Any, nil)
	}
}

// growStr adds an empty element, taking up the buffer that an earlier batch left there.
func (c *Column) growStr() {
	n := len(c.Str)
	if n < cap(c.Str) {
		c.Str = c.Str[:n+1]
		c.Str[n] = c.Str[n][:0]
		return
	}
	c.Str = append(c.Str, nil)
}

// Append adds a boxed element; nil is NULL.
func (c *Column) Append(value any) {
	c.AppendNull()
	c.Set(c.Len()-1, value)
}

// AppendFrom adds a row of a vector of the same type, without boxing where the type is flat.
func (c *Column) AppendFrom(v *vector.Vector, row int) {
	c.AppendNull()
	c.SetFrom(c.Len()-1, v, row)
}

// AppendTo adds the element of group g to a vector of the same type.
func (c *Column) AppendTo(v *vector.Vector, g int) {
	if c.Null[g] {
		v.AppendNull()
		return
	}
	switch c.Type.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, c.Bool[g])
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = append(v.I32, c.I32[g])
	case types.KindBigint, types.KindTimestamp:
		v.I64 = append(v.I64, c.I64[g])
	case types.KindDouble:
		v.F64 = append(v.F64, c.F64[g])
	case types.KindString, types.KindBytes:
		v.AppendBytes(c.Str[g])
	default:
		v.Any = append(v.Any, c.Any[g])
	}
}

// Set replaces the element of group g by a boxed value; nil is NULL. A value of the wrong Go form is a broken
// invariant and panics.
func (c *Column) Set(g int, value any) {
	c.Null[g] = value == nil
	if value == nil {
		return
	}
	switch c.Type.Kind {
	case types.KindBoolean:
		c.Bool[g] = value.(bool)
	case types.KindInt, types.KindDate, types.KindTime:
		c.I32[g] = value.(int32)
	case types.KindBigint, types.KindTimestamp:
		c.I64[g] = value.(int64)
	case types.KindDouble:
		c.F64[g] = value.(float64)
	case types.KindString:
		c.Str[g] = append(c.Str[g][:0], value.(string)...)
	case types.KindBytes:
		c.Str[g] = append(c.Str[g][:0], value.([]byte)...)
	default:
		c.Any[g] = value
	}
}

// SetFrom replaces the element of group g by a row of a vector of the same type.
func (c *Column) SetFrom(g int, v *vector.Vector, row int) {
	c.Null[g] = v.IsNull(row)
	if c.Null[g] {
		return
	}
	i := v.At(row)
	switch c.Type.Kind {
	case types.KindBoolean:
		c.Bool[g] = v.Bool[i]
	case types.KindInt, types.KindDate, types.KindTime:
		c.I32[g] = v.I32[i]
	case types.KindBigint, types.KindTimestamp:
		c.I64[g] = v.I64[i]
	case types.KindDouble:
		c.F64[g] = v.F64[i]
	case types.KindString, types.KindBytes:
		c.Str[g] = append(c.Str[g][:0], v.Str(row)...)
	default:
		c.Any[g] = v.Item(i)
	}
}

// Copy replaces the element of group g by element i of a column of the same type.
func (c *Column) Copy(g int, from *Column, i int) {
	c.Null[g] = from.Null[i]
	if c.Null[g] {
		return
	}
	switch c.Type.Kind {
	case types.KindBoolean:
		c.Bool[g] = from.Bool[i]
	case types.KindInt, types.KindDate, types.KindTime:
		c.I32[g] = from.I32[i]
	case types.KindBigint, types.KindTimestamp:
		c.I64[g] = from.I64[i]
	case types.KindDouble:
		c.F64[g] = from.F64[i]
	case types.KindString, types.KindBytes:
		c.Str[g] = append(c.Str[g][:0], from.Str[i]...)
	default:
		c.Any[g] = from.Any[i]
	}
}

// Value boxes the element of group g: nil if NULL.
func (c *Column) Value(g int) any {
	if c.Null[g] {
		return nil
	}
	switch c.Type.Kind {
	case types.KindBoolean:
		return c.Bool[g]
	case types.KindInt, types.KindDate, types.KindTime:
		return c.I32[g]
	case types.KindBigint, types.KindTimestamp:
		return c.I64[g]
	case types.KindDouble:
		return c.F64[g]
	case types.KindString:
		return string(c.Str[g])
	case types.KindBytes:
		return append([]byte{}, c.Str[g]...)
	}
	return c.Any[g]
}
