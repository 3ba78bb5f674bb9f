package engine

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// losesNulls says whether a format writes the NULL of a plain column as that type's zero. Its stored rows are then shown as its topic
// has them, so that a table is the same to everyone who reads it.
func losesNulls(f plan.Format) bool {
	return (f.Name == "PROTOBUF" || f.Name == "PROTOBUF_NOSR") && f.Props["NULLABLE"] == "" && f.Props["SCHEMA_ID"] == ""
}

// zeros are what NULL becomes; types that are not here keep it.
var zeros = map[types.Kind]any{
	types.KindBoolean: false, types.KindInt: int32(0), types.KindBigint: int64(0), types.KindDouble: float64(0),
	types.KindString: "", types.KindBytes: []byte{}, types.KindArray: []any{}, types.KindMap: types.Map{},
}

// withoutNulls is a column with zeros for NULLs, of so many rows.
func withoutNulls(v *vector.Vector, rows int) *vector.Vector {
	zero, ok := zeros[v.Type.Kind]
	if !ok {
		return v
	}
	out := vector.New(v.Type)
	for row := range rows {
		if v.IsNull(row) {
			out.Append(zero)
		} else {
			out.AppendFrom(v, row)
		}
	}
	return out
}
