package builtin

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

var orderedTypes = []string{"INT", "BIGINT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "STRING", "BYTES"}

func extremeFunctions() []udf.Function {
	make1 := func(name, description string, largest bool) udf.Function {
		f := udf.Function{Name: name, Description: description}
		for _, t := range orderedTypes {
			f.Overloads = append(f.Overloads, udf.Overload{
				Signature: fmt.Sprintf("value %s", t),
				Aggregate: func(c *udf.Call) (udf.Aggregate, error) { return newExtreme(c.Params[0], largest), nil },
			})
		}
		return f
	}
	return []udf.Function{
		make1("MIN", "The smallest value that is not NULL; NULL if there is none.", false),
		make1("MAX", "The largest value that is not NULL; NULL if there is none.", true),
	}
}

// extreme is MIN or MAX: it keeps the value.
type extreme struct {
	t       *types.Type
	largest bool
	better  func(c *udf.Column, g int, v *vector.Vector, i int) int // compares element i of v with group g of c
}

func newExtreme(t *types.Type, largest bool) *extreme {
	a := &extreme{t: t, largest: largest}
	switch t.Kind {
	case types.KindInt, types.KindDate, types.KindTime:
		a.better = func(c *udf.Column, g int, v *vector.Vector, i int) int { return cmp.Compare(v.I32[i], c.I32[g]) }
	case types.KindBigint, types.KindTimestamp:
		a.better = func(c *udf.Column, g int, v *vector.Vector, i int) int { return cmp.Compare(v.I64[i], c.I64[g]) }
	case types.KindDouble:
		a.better = func(c *udf.Column, g int, v *vector.Vector, i int) int {
			return types.CompareDouble(v.F64[i], c.F64[g])
		}
	case types.KindString, types.KindBytes:
		a.better = func(c *udf.Column, g int, v *vector.Vector, i int) int {
			return bytes.Compare(v.Data[v.Off[i]:v.Off[i+1]], c.Str[g])
		}
	default:
		a.better = func(c *udf.Column, g int, v *vector.Vector, i int) int { return types.Compare(v.Item(i), c.Any[g], t) }
	}
	return a
}

func (a *extreme) State() []*types.Type { return []*types.Type{a.t} }
func (a *extreme) Returns() *types.Type { return a.t }
func (a *extreme) CanUndo() bool        { return false }
func (a *extreme) Init(s udf.State)     { s[0].AppendNull() }

// wins says whether the result of a comparison with the kept value means to replace it.
func (a *extreme) wins(c int) bool { return c != 0 && (c > 0) == a.largest }

func (a *extreme) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	col, arg := s[0], f.Args[0]
	for i, row := range f.Rows {
		g, r := int(f.Group[i]), int(row)
		if !arg.IsNull(r) && (col.Null[g] || a.wins(a.better(col, g, arg, arg.At(r)))) {
			col.SetFrom(g, arg, r)
		}
		if out != nil {
			col.AppendTo(out, g)
		}
	}
	return nil
}

func (a *extreme) Merge(dst udf.State, into int, src udf.State, from int) error {
	if src[0].Null[from] {
		return nil
	}
	if dst[0].Null[into] || a.wins(types.Compare(src[0].Value(from), dst[0].Value(into), a.t)) {
		dst[0].Copy(into, src[0], from)
	}
	return nil
}

func (a *extreme) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		s[0].AppendTo(out, int(g))
	}
}
