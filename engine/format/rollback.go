package format

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// pop takes the last element off a vector: it undoes an append when a later column of the same record fails.
func pop(v *vector.Vector) {
	n := v.Len() - 1
	if v.Nulls.Has(n) {
		v.Nulls[n>>6] &^= 1 << (n & 63)
	}
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = v.Bool[:n]
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = v.I32[:n]
	case types.KindBigint, types.KindTimestamp:
		v.I64 = v.I64[:n]
	case types.KindDouble:
		v.F64 = v.F64[:n]
	case types.KindString, types.KindBytes:
		v.Data = v.Data[:v.Off[n]]
		v.Off = v.Off[:n+1]
	default:
		v.Any[n] = nil
		v.Any = v.Any[:n]
	}
}
