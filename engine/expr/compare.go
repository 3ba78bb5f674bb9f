package expr

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// The kernels of = <> < <= on ordered Go types; > and >= are < and <= with their operands swapped.

func equal[T comparable](dst []bool, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] == b[i&bm]
	}
}

func unequal[T comparable](dst []bool, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] != b[i&bm]
	}
}

func less[T cmp.Ordered](dst []bool, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] < b[i&bm]
	}
}

func lessEqual[T cmp.Ordered](dst []bool, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] <= b[i&bm]
	}
}

func bools(v *vector.Vector) []bool { return v.Bool }

// comparison runs a kernel; false where an operand is NULL.
type comparison[T any] struct {
	l, r   node
	in     func(*vector.Vector) []T
	kernel kernel[T, bool]
	res    *vector.Vector
}

func (x *comparison[T]) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	if a.Type.Kind == types.KindNull || b.Type.Kind == types.KindNull {
		clear(x.res.Bool)
		return x.res
	}
	x.kernel(x.res.Bool, x.in(a), x.in(b), mask(a), mask(b))
	falseWhereNull(x.res.Bool, a)
	falseWhereNull(x.res.Bool, b)
	return x.res
}

// falseWhereNull makes the rows of a that are NULL false.
func falseWhereNull(truth []bool, a *vector.Vector) {
	if len(a.Nulls) == 0 {
		return
	}
	if a.Const {
		if a.Nulls.Has(0) {
			clear(truth)
		}
		return
	}
	for w, word := range a.Nulls {
		if word == 0 {
			continue
		}
		for i := w * 64; i < min(w*64+64, len(truth)); i++ {
			if word&(1<<(i&63)) != 0 {
				truth[i] = false
			}
		}
	}
}

func (c *compiler) comparison(e *plan.Comparison) (node, error) {
	l, r, err := c.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	res := vector.New(types.Boolean)
	op := e.Op
	switch op {
	case "is distinct from", "is not distinct from":
		return &distinct{l, r, e.Left.Type(), op == "is not distinct from", res}, nil
	case ">":
		l, r, op = r, l, "<"
	case ">=":
		l, r, op = r, l, "<="
	case "!=":
		op = "<>"
	}
	t := e.Left.Type()
	switch t.Kind {
	case types.KindInt, types.KindDate, types.KindTime:
		return ordered(e, op, l, r, i32s, res)
	case types.KindBigint, types.KindTimestamp:
		return ordered(e, op, l, r, i64s, res)
	case types.KindDouble:
		return ordered(e, op, l, r, f64s, res)
	case types.KindBoolean:
		k := map[string]kernel[bool, bool]{"=": equal[bool], "<>": unequal[bool]}[op]
		if k != nil {
			return &comparison[bool]{l, r, bools, k, res}, nil
		}
	case types.KindString, types.KindBytes:
		switch t := testOf(op); {
		case op == "=" || op == "<>":
			return &equalBytes{l, r, op == "=", res}, nil
		case t != nil:
			return &compareBytes{l, r, t, res}, nil
		}
	default:
		if t := testOf(op); t != nil {
			return &compareBoxed{l, r, e.Left.Type(), op, t, res}, nil
		}
	}
	return nil, fmt.Errorf("comparison %s of %s", e.Op, t)
}

func ordered[T cmp.Ordered](e *plan.Comparison, op string, l, r node, in func(*vector.Vector) []T, res *vector.Vector) (node, error) {
	k := map[string]kernel[T, bool]{"=": equal[T], "<>": unequal[T], "<": less[T], "<=": lessEqual[T]}[op]
	if k == nil {
		return nil, fmt.Errorf("comparison %s of %s", e.Op, e.Left.Type())
	}
	return &comparison[T]{l, r, in, k, res}, nil
}

// testOf reads the operator off the result of a three-way comparison.
func testOf(op string) func(c int) bool {
	switch op {
	case "=":
		return func(c int) bool { return c == 0 }
	case "<>":
		return func(c int) bool { return c != 0 }
	case "<":
		return func(c int) bool { return c < 0 }
	case "<=":
		return func(c int) bool { return c <= 0 }
	}
	return nil
}

// equalBytes is = and <> of STRING and BYTES, which need not look at texts of different length.
type equalBytes struct {
	l, r node
	same bool
	res  *vector.Vector
}

func (x *equalBytes) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		x.res.Bool[i] = !a.IsNull(i) && !b.IsNull(i) && bytes.Equal(a.Str(i), b.Str(i)) == x.same
	}
	return x.res
}

type compareBytes struct {
	l, r node
	test func(int) bool
	res  *vector.Vector
}

func (x *compareBytes) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		x.res.Bool[i] = !a.IsNull(i) && !b.IsNull(i) && x.test(bytes.Compare(a.Str(i), b.Str(i)))
	}
	return x.res
}

type compareBoxed struct {
	l, r node
	t    *types.Type
	op   string
	test func(int) bool
	res  *vector.Vector
}

func (x *compareBoxed) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		x.res.Bool[i] = false
		if a.IsNull(i) || b.IsNull(i) {
			continue
		}
		l, r := a.Item(a.At(i)), b.Item(b.At(i))
		if x.t.Kind == types.KindDecimal {
			x.res.Bool[i] = x.test(l.(types.Decimal).Cmp(r.(types.Decimal)))
			continue
		}
		x.res.Bool[i] = types.EqualValues(l, r, x.t) == (x.op == "=")
	}
	return x.res
}

// distinct is IS [NOT] DISTINCT FROM: NULLs are equal to each other.
type distinct struct {
	l, r node
	t    *types.Type
	same bool
	res  *vector.Vector
}

func (x *distinct) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		x.res.Bool[i] = sameValue(a, b, i, x.t) == x.same
	}
	return x.res
}

// sameValue compares a row of two vectors of one type, without boxing where the type is flat.
func sameValue(a, b *vector.Vector, row int, t *types.Type) bool {
	if a.IsNull(row) || b.IsNull(row) {
		return a.IsNull(row) && b.IsNull(row)
	}
	i, j := a.At(row), b.At(row)
	switch t.Kind {
	case types.KindBoolean:
		return a.Bool[i] == b.Bool[j]
	case types.KindInt, types.KindDate, types.KindTime:
		return a.I32[i] == b.I32[j]
	case types.KindBigint, types.KindTimestamp:
		return a.I64[i] == b.I64[j]
	case types.KindDouble:
		return a.F64[i] == b.F64[j]
	case types.KindString, types.KindBytes:
		return bytes.Equal(a.Str(row), b.Str(row))
	}
	return types.EqualValues(a.Item(i), b.Item(j), t)
}

// in is IN: an element equals one of the list, by =.
type in struct {
	x    node
	list []node
	t    *types.Type
	res  *vector.Vector
}

func (x *in) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	items := make([]*vector.Vector, 0, 8)
	isConst := a.Const
	for _, n := range x.list {
		v := n.eval(c, sel)
		isConst = isConst && v.Const
		items = append(items, v)
	}
	size(x.res, isConst, c.n)
	for _, row := range work(c, isConst, sel) {
		i := int(row)
		x.res.Bool[i] = false
		if a.IsNull(i) {
			continue
		}
		for _, v := range items {
			if !v.IsNull(i) && sameValue(a, v, i, x.t) {
				x.res.Bool[i] = true
				break
			}
		}
	}
	return x.res
}

func (c *compiler) in(e *plan.In) (node, error) {
	x, err := c.compile(e.Expr)
	if err != nil {
		return nil, err
	}
	list, err := c.compileAll(e.List)
	return &in{x, list, e.Expr.Type(), vector.New(types.Boolean)}, err
}
