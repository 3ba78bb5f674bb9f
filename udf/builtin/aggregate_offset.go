package builtin

import (
	"errors"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

func offsetFunctions() []udf.Function {
	make1 := func(name, description string, latest bool) udf.Function {
		one := func(c *udf.Call) (udf.Aggregate, error) {
			return &byOffset{t: c.Params[0], latest: latest, skipNulls: initBool(c, 0, true)}, nil
		}
		many := func(c *udf.Call) (udf.Aggregate, error) { return newManyByOffset(c, name, latest) }
		return udf.Function{Name: name, Description: description, Overloads: []udf.Overload{
			{Signature: "value T -> T", Aggregate: one},
			{Signature: "value T, ignoreNulls BOOLEAN init -> T", Aggregate: one},
			{Signature: "value T, n INT init -> ARRAY<T>", Aggregate: many},
			{Signature: "value T, n INT init, ignoreNulls BOOLEAN init -> ARRAY<T>", Aggregate: many},
		}}
	}
	return []udf.Function{
		make1("LATEST_BY_OFFSET", "The last value, or list of the last n values, in the order of arrival. NULLs are left out unless ignoreNulls is false.", true),
		make1("EARLIEST_BY_OFFSET", "The first value, or list of the first n values, in the order of arrival. NULLs are left out unless ignoreNulls is false.", false),
	}
}

// byOffset keeps one value and its row's sequence number, which is NULL before the first value.
type byOffset struct {
	t                 *types.Type
	latest, skipNulls bool
}

func (a *byOffset) State() []*types.Type { return []*types.Type{types.Bigint, a.t} }
func (a *byOffset) Returns() *types.Type { return a.t }
func (a *byOffset) CanUndo() bool        { return false }

func (a *byOffset) Init(s udf.State) {
	s[0].AppendNull()
	s[1].AppendNull()
}

func (a *byOffset) Fold(s udf.State, f *udf.Fold, out *vector.Vector) error {
	seq, val, arg := s[0], s[1], f.Args[0]
	for i, row := range f.Rows {
		g := int(f.Group[i])
		if (a.latest || seq.Null[g]) && !(a.skipNulls && arg.IsNull(int(row))) {
			seq.I64[g], seq.Null[g] = f.Seq+int64(i), false
			val.SetFrom(g, arg, int(row))
		}
		if out != nil {
			val.AppendTo(out, g)
		}
	}
	return nil
}

func (a *byOffset) Merge(dst udf.State, into int, src udf.State, from int) error {
	d, s := dst[0], src[0]
	if s.Null[from] || !d.Null[into] && (s.I64[from] > d.I64[into]) != a.latest {
		return nil
	}
	d.Copy(into, s, from)
	dst[1].Copy(into, src[1], from)
	return nil
}

func (a *byOffset) Result(s udf.State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		s[1].AppendTo(out, int(g))
	}
}

// newManyByOffset keeps up to n pairs of sequence number and value, in order.
func newManyByOffset(c *udf.Call, name string, latest bool) (udf.Aggregate, error) {
	n, skipNulls := int(initInt(c, 0, 1)), initBool(c, 1, true)
	if n < 1 {
		return nil, errors.New("n must be at least 1")
	}
	t := c.Params[0]
	cut := func(list []any) []any {
		switch {
		case len(list) <= n:
			return list
		case latest:
			return list[len(list)-n:]
		}
		return list[:n]
	}
	return &udf.Boxed{
		Name: name, Zero: []any{}, Out: types.ArrayOf(t),
		StateType: types.ArrayOf(types.StructOf(field("SEQ", types.Bigint), field("VAL", t))),
		Add: func(acc any, args []any, seq int64) (any, error) {
			list := acc.([]any)
			if skipNulls && args[0] == nil || !latest && len(list) == n {
				return acc, nil
			}
			return cut(append(slices.Clone(list), []any{seq, args[0]})), nil
		},
		Join: func(into, from any) (any, error) {
			list := slices.Concat(into.([]any), from.([]any))
			slices.SortStableFunc(list, func(x, y any) int {
				return types.Compare(x.([]any)[0], y.([]any)[0], types.Bigint)
			})
			return cut(list), nil
		},
		Finish: func(acc any) (any, error) {
			list := acc.([]any)
			out := make([]any, len(list))
			for i, e := range list {
				out[i] = e.([]any)[1]
			}
			return out, nil
		},
	}, nil
}
