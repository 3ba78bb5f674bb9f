package expr

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

type compiler struct{ env *Env }

func (c *compiler) compile(e plan.Expr) (node, error) {
	switch e := e.(type) {
	case *plan.Column:
		return &column{e.Index}, nil
	case *plan.Literal:
		return &literal{vector.NewConst(e.T, e.Value)}, nil
	case *plan.Arithmetic:
		return c.arithmetic(e)
	case *plan.Negate:
		return c.negate(e)
	case *plan.Comparison:
		return c.comparison(e)
	case *plan.And:
		return c.logical(e.Left, e.Right, false)
	case *plan.Or:
		return c.logical(e.Left, e.Right, true)
	case *plan.Not:
		x, err := c.compile(e.Expr)
		return &not{x: x, res: vector.New(types.Boolean)}, err
	case *plan.IsNull:
		x, err := c.compile(e.Expr)
		return &isNull{x: x, res: vector.New(types.Boolean)}, err
	case *plan.In:
		return c.in(e)
	case *plan.Like:
		return c.like(e)
	case *plan.Case:
		return c.searchedCase(e)
	case *plan.Cast:
		return c.cast(e)
	}
	return c.compileNested(e)
}

func (c *compiler) compileNested(e plan.Expr) (node, error) {
	switch e := e.(type) {
	case *plan.Subscript:
		return c.subscript(e)
	case *plan.Field:
		return c.field(e)
	case *plan.MakeArray:
		return c.makeList(e.Items, e.T)
	case *plan.MakeStruct:
		return c.makeList(e.Items, e.T)
	case *plan.MakeMap:
		return c.makeMap(e)
	case *plan.LambdaParam:
		return &lambdaParam{depth: e.Depth, index: e.Index}, nil
	case *plan.Call:
		return c.call(e)
	case *plan.Predict:
		return c.predict(e)
	case *plan.ModelVersion:
		return c.modelVersion(e)
	case *plan.Lambda:
		return nil, errors.New("a lambda stands outside a function's arguments")
	}
	return nil, fmt.Errorf("expression %T cannot be evaluated", e)
}

func (c *compiler) compileAll(es []plan.Expr) ([]node, error) {
	out := make([]node, len(es))
	for i, e := range es {
		x, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func (c *compiler) pair(l, r plan.Expr) (left, right node, err error) {
	if left, err = c.compile(l); err != nil {
		return nil, nil, err
	}
	right, err = c.compile(r)
	return left, right, err
}

type column struct{ index int }

func (x *column) eval(c *context, _ []int32) *vector.Vector { return c.cols[x.index] }

type literal struct{ v *vector.Vector }

func (x *literal) eval(*context, []int32) *vector.Vector { return x.v }

// grow makes s n long; what it holds is unspecified.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}

// size gives a result of fixed width its length: 1 if const, else n.
func size(v *vector.Vector, isConst bool, n int) {
	v.Const = isConst
	if isConst {
		n = 1
	}
	v.Nulls = v.Nulls[:0]
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = grow(v.Bool, n)
	case types.KindInt, types.KindDate, types.KindTime:
		v.I32 = grow(v.I32, n)
	case types.KindBigint, types.KindTimestamp:
		v.I64 = grow(v.I64, n)
	case types.KindDouble:
		v.F64 = grow(v.F64, n)
	case types.KindString, types.KindBytes:
		v.Off, v.Data = append(v.Off[:0], 0), v.Data[:0]
	default:
		v.Any = grow(v.Any, n)
	}
}

// mask is what an index is and-ed with: 0 for const vectors, so that one loop serves both forms.
func mask(v *vector.Vector) int {
	if v.Const {
		return 0
	}
	return -1
}

// unionNulls makes the rows that are NULL in a or b NULL in v, whose form follows from theirs.
func unionNulls(v, a, b *vector.Vector, n int) {
	addNulls(v, a, n)
	if b != a {
		addNulls(v, b, n)
	}
}

func addNulls(v, a *vector.Vector, n int) {
	isNull := a.Type.Kind == types.KindNull || a.Const && a.IsNull(0)
	if isNull || len(a.Nulls) == 0 || a.Const {
		if isNull {
			fillNulls(v, n)
		}
		return
	}
	if len(v.Nulls) < len(a.Nulls) {
		old := len(v.Nulls)
		v.Nulls = growNulls(v.Nulls, len(a.Nulls))
		clear(v.Nulls[old:])
	}
	for i, w := range a.Nulls {
		v.Nulls[i] |= w
	}
}

func growNulls(b vector.Bitmap, n int) vector.Bitmap {
	if cap(b) >= n {
		return b[:n]
	}
	out := make(vector.Bitmap, n)
	copy(out, b)
	return out
}

// fillNulls makes all rows NULL.
func fillNulls(v *vector.Vector, n int) {
	if v.Const {
		n = 1
	}
	v.Nulls = growNulls(v.Nulls[:0], (n+63)/64)
	for i := range v.Nulls {
		v.Nulls[i] = ^uint64(0)
	}
}

// work is the selection that a kernel runs over: element 0 alone if the result is const.
func work(c *context, isConst bool, sel []int32) []int32 {
	if !isConst {
		return c.rows(sel)
	}
	if sel != nil && len(sel) == 0 || c.n == 0 {
		return nil
	}
	return zero[:]
}

var zero = [1]int32{}

// reportRow is the row to report a failure of a const element at: the first one that asked for it.
func reportRow(isConst bool, sel []int32, row int) int {
	if isConst && len(sel) > 0 {
		return int(sel[0])
	}
	return row
}
