// Package vector holds typed columns and the batches that operators pass to each other.
//
// A Vector has one of two forms: flat, one element a row, or const, one element that stands for every row.
// Which slice carries the elements follows from the type's kind alone:
//
//	BOOLEAN                 Bool
//	INTEGER, DATE, TIME     I32
//	BIGINT, TIMESTAMP       I64
//	DOUBLE                  F64
//	STRING, BYTES           Off and Data: element i is Data[Off[i]:Off[i+1]]
//	all others              Any, the boxed form of package types; or Nested, for ARRAY, MAP and STRUCT
//
// Item reads both of the last.
//
// A row whose bit is set in Nulls is NULL and its element is unspecified (but present: slices stay aligned).
// Rows that a batch's selection leaves out hold unspecified elements, so kernels that may fail (division,
// casts, functions) must go by the selection.
package vector

import "github.com/millrace/millrace/sql/types"

// Vector is a typed column. It belongs to whoever made it; a reader may keep no slice of it past its call.
type Vector struct {
	Type  *types.Type
	Const bool
	Nulls Bitmap // bit set: NULL; nil: no row is NULL

	Bool []bool
	I32  []int32
	I64  []int64
	F64  []float64
	Off  []int32 // len = rows+1
	Data []byte
	Any  []any

	Nested *Nested // nil: Any has the elements
	spare  *Nested // what Nest made
}

// Bitmap is a set of row numbers; rows past its end are not in it.
type Bitmap []uint64

// Has says whether row i is in the set.
func (b Bitmap) Has(i int) bool { return i>>6 < len(b) && b[i>>6]&(1<<(i&63)) != 0 }

// Set adds row i, growing as needed, and returns the set.
func (b Bitmap) Set(i int) Bitmap {
	for i>>6 >= len(b) {
		b = append(b, 0)
	}
	b[i>>6] |= 1 << (i & 63)
	return b
}

// Any says whether any row is in the set.
func (b Bitmap) Any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

// New returns an empty flat vector of the type.
func New(t *types.Type) *Vector { return &Vector{Type: t} }

// NewConst returns a const vector that holds the boxed value.
func NewConst(t *types.Type, value any) *Vector {
	v := &Vector{Type: t, Const: true}
	v.Append(value)
	return v
}

// Len is the number of elements held: the rows of a flat vector, 1 for a const one.
func (v *Vector) Len() int {
	switch v.Type.Kind {
	case types.KindBoolean:
		return len(v.Bool)
	case types.KindInt, types.KindDate, types.KindTime:
		return len(v.I32)
	case types.KindBigint, types.KindTimestamp:
		return len(v.I64)
	case types.KindDouble:
		return len(v.F64)
	case types.KindString, types.KindBytes:
		return max(len(v.Off)-1, 0)
	}
	if v.Nested != nil {
		return v.Nested.N
	}
	return len(v.Any)
}

// Reset empties the vector and keeps its buffers; it becomes flat.
func (v *Vector) Reset() {
	v.Const = false
	v.Nulls = v.Nulls[:0]
	v.Bool, v.I32, v.I64, v.F64 = v.Bool[:0], v.I32[:0], v.I64[:0], v.F64[:0]
	v.Off, v.Data = v.Off[:0], v.Data[:0]
	clear(v.Any)
	v.Any = v.Any[:0]
	v.Nested = nil
}

// At maps a row to an element index: the row itself, or 0 in a const vector.
func (v *Vector) At(row int) int {
	if v.Const {
		return 0
	}
	return row
}

// IsNull says whether the row is NULL.
func (v *Vector) IsNull(row int) bool {
	if v.Type.Kind == types.KindNull {
		return true
	}
	return len(v.Nulls) > 0 && v.Nulls.Has(v.At(row))
}

// Str returns the bytes of a STRING or BYTES row. They alias the vector.
func (v *Vector) Str(row int) []byte {
	i := v.At(row)
	return v.Data[v.Off[i]:v.Off[i+1]]
}

// Value boxes a row: nil if NULL. It allocates; hot paths use the typed slices.
func (v *Vector) Value(row int) any {
	if v.IsNull(row) {
		return nil
	}
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		return v.Bool[i]
	case types.KindInt, types.KindDate, types.KindTime:
		return v.I32[i]
	case types.KindBigint, types.KindTimestamp:
		return v.I64[i]
	case types.KindDouble:
		return v.F64[i]
	case types.KindString:
		return string(v.Str(row))
	case types.KindBytes:
		return append([]byte{}, v.Str(row)...)
	}
	return v.Item(i)
}
