package vector

import (
	"fmt"

	"github.com/millrace/millrace/sql/types"
)

// Append adds one boxed value (nil is NULL). A value of the wrong Go form is a broken invariant and panics.
func (v *Vector) Append(value any) {
	if value == nil {
		v.AppendNull()
		return
	}
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, value.(bool))
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = append(v.I32, value.(int32))
	case types.KindBigint, types.KindTimestamp:
		v.I64 = append(v.I64, value.(int64))
	case types.KindDouble:
		v.F64 = append(v.F64, value.(float64))
	case types.KindString:
		v.AppendString(value.(string))
	case types.KindBytes:
		v.AppendBytes(value.([]byte))
	case types.KindNull:
		panic(fmt.Sprintf("vector: %T appended to a NULL vector", value))
	default:
		v.Any = append(v.Any, value)
	}
}

// AppendNull adds a NULL element.
func (v *Vector) AppendNull() {
	v.Nulls = v.Nulls.Set(v.Len())
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, false)
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = append(v.I32, 0)
	case types.KindBigint, types.KindTimestamp:
		v.I64 = append(v.I64, 0)
	case types.KindDouble:
		v.F64 = append(v.F64, 0)
	case types.KindString, types.KindBytes:
		v.AppendBytes(nil)
	default:
		v.Any = append(v.Any, nil)
	}
}

// AppendBytes adds a STRING or BYTES element, copying b.
func (v *Vector) AppendBytes(b []byte) {
	if len(v.Off) == 0 {
		v.Off = append(v.Off, 0)
	}
	v.Data = append(v.Data, b...)
	v.Off = append(v.Off, int32(len(v.Data)))
}

// PadTo gives a STRING or BYTES vector n elements: the missing ones are empty.
func (v *Vector) PadTo(n int) {
	if len(v.Off) == 0 {
		v.Off = append(v.Off, 0)
	}
	for len(v.Off) <= n {
		v.Off = append(v.Off, int32(len(v.Data)))
	}
}

// AppendString adds a STRING element.
func (v *Vector) AppendString(s string) {
	if len(v.Off) == 0 {
		v.Off = append(v.Off, 0)
	}
	v.Data = append(v.Data, s...)
	v.Off = append(v.Off, int32(len(v.Data)))
}

// AppendFrom adds a row of src, which has the same kind, without boxing where the kind is flat.
func (v *Vector) AppendFrom(src *Vector, row int) {
	if src.IsNull(row) {
		v.AppendNull()
		return
	}
	i := src.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, src.Bool[i])
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = append(v.I32, src.I32[i])
	case types.KindBigint, types.KindTimestamp:
		v.I64 = append(v.I64, src.I64[i])
	case types.KindDouble:
		v.F64 = append(v.F64, src.F64[i])
	case types.KindString, types.KindBytes:
		v.AppendBytes(src.Data[src.Off[i]:src.Off[i+1]])
	default:
		v.Any = append(v.Any, src.Item(i))
	}
}
