package builtin

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

func countFunctions() []udf.Function {
	return []udf.Function{{
		Name:        "COUNT",
		Description: "The number of rows whose argument is not NULL; COUNT(*) counts all rows.",
		Overloads: []udf.Overload{{
			Signature: "value ANY -> BIGINT", Undo: true,
			Aggregate: func(*udf.Call) (udf.Aggregate, error) { return count{}, nil },
		}},
	}}
}

// count keeps the number.
type count struct{}

func (count) State() []*types.Type { return []*types.Type{types.Bigint} }
func (count) Returns() *types.Type { return types.Bigint }
func (count) CanUndo() bool        { return true }
func (count) Init(s udf.State)     { s[0].Append(int64(0)) }

func (count) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	n, arg := s[0].I64, f.Args[0]
	if len(arg.Nulls) == 0 && f.Undo == nil && arg.Type.Kind != types.KindNull {
		for _, g := range f.Group {
			n[g]++
			if out != nil {
				out.I64 = append(out.I64, n[g])
			}
		}
		return nil
	}
	for i, row := range f.Rows {
		g := f.Group[i]
		if !arg.IsNull(int(row)) {
			if f.Undone(i) {
				n[g]--
			} else {
				n[g]++
			}
		}
		if out != nil {
			out.I64 = append(out.I64, n[g])
		}
	}
	return nil
}

func (count) Merge(dst udf.State, into int, src udf.State, from int) error {
	dst[0].I64[into] += src[0].I64[from]
	return nil
}

func (count) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		out.I64 = append(out.I64, s[0].I64[g])
	}
}
