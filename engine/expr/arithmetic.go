package expr

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

type number interface{ int32 | int64 | float64 }

// Slices of a vector by element type, for generic nodes.
func i32s(v *vector.Vector) []int32   { return v.I32 }
func i64s(v *vector.Vector) []int64   { return v.I64 }
func f64s(v *vector.Vector) []float64 { return v.F64 }

// kernel fills dst from a and b; am and bm are their index masks. A kernel cannot fail, so it fills all rows.
type kernel[T, R any] func(dst []R, a, b []T, am, bm int)

func add[T number](dst, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] + b[i&bm]
	}
}

func sub[T number](dst, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] - b[i&bm]
	}
}

func mul[T number](dst, a, b []T, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] * b[i&bm]
	}
}

func divDouble(dst, a, b []float64, am, bm int) {
	for i := range dst {
		dst[i] = a[i&am] / b[i&bm]
	}
}

func modDouble(dst, a, b []float64, am, bm int) {
	for i := range dst {
		dst[i] = math.Mod(a[i&am], b[i&bm])
	}
}

// binary runs a kernel; NULL where an operand is.
type binary[T, R any] struct {
	e      plan.Expr
	l, r   node
	in     func(*vector.Vector) []T
	out    func(*vector.Vector) []R
	kernel kernel[T, R]
	res    *vector.Vector
}

func (x *binary[T, R]) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	unionNulls(x.res, a, b, c.n)
	c.checkOperands(x.res, x.e)
	if a.Type.Kind != types.KindNull && b.Type.Kind != types.KindNull {
		x.kernel(x.out(x.res), x.in(a), x.in(b), mask(a), mask(b))
	}
	return x.res
}

var errNullInLambda = errors.New("arithmetic on NULL inside a lambda")

// checkOperands fails a lambda's body where arithmetic met a NULL: so it is in ksqlDB, and a list with a NULL in it is not
// transformed in part.
func (c *context) checkOperands(res *vector.Vector, e plan.Expr) {
	if c.lambda != nil && res.IsNull(0) {
		c.fail(0, e, errNullInLambda)
	}
}

func (c *compiler) arithmetic(e *plan.Arithmetic) (node, error) {
	l, r, err := c.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	res := vector.New(e.T)
	switch e.T.Kind {
	case types.KindInt:
		return integer(e, l, r, i32s, res)
	case types.KindBigint:
		return integer(e, l, r, i64s, res)
	case types.KindDouble:
		k := map[string]kernel[float64, float64]{
			"+": add[float64], "-": sub[float64], "*": mul[float64], "/": divDouble, "%": modDouble,
		}[e.Op]
		if k != nil {
			return &binary[float64, float64]{e, l, r, f64s, f64s, k, res}, nil
		}
	case types.KindDecimal:
		return &decimalArith{e: e, l: l, r: r, res: res}, nil
	case types.KindString:
		if e.Op == "+" {
			return &concat{e, l, r, res}, nil
		}
	}
	return nil, fmt.Errorf("arithmetic %s on %s", e.Op, e.T)
}

func integer[T int32 | int64](e *plan.Arithmetic, l, r node, of func(*vector.Vector) []T, res *vector.Vector) (node, error) {
	switch e.Op {
	case "+":
		return &binary[T, T]{e, l, r, of, of, add[T], res}, nil
	case "-":
		return &binary[T, T]{e, l, r, of, of, sub[T], res}, nil
	case "*":
		return &binary[T, T]{e, l, r, of, of, mul[T], res}, nil
	case "/", "%":
		return &division[T]{e: e, l: l, r: r, of: of, mod: e.Op == "%", res: res}, nil
	}
	return nil, fmt.Errorf("arithmetic %s on %s", e.Op, e.T)
}

// division is / and % of integers: truncating, wrapping, and failing where the divisor is 0.
type division[T int32 | int64] struct {
	e    plan.Expr
	l, r node
	of   func(*vector.Vector) []T
	mod  bool
	res  *vector.Vector
}

func (x *division[T]) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	unionNulls(x.res, a, b, c.n)
	c.checkOperands(x.res, x.e)
	if a.Type.Kind == types.KindNull || b.Type.Kind == types.KindNull {
		return x.res
	}
	dst, as, bs, am, bm := x.of(x.res), x.of(a), x.of(b), mask(a), mask(b)
	if b.Const && bs[0] != 0 && bs[0] != -1 {
		divideBy(dst, as, am, bs[0], x.mod)
		return x.res
	}
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		d := bs[i&bm]
		switch {
		case x.res.IsNull(i):
		case d == 0:
			x.res.Nulls = x.res.Nulls.Set(i)
			c.fail(reportRow(x.res.Const, sel, i), x.e, types.ErrDivisionByZero)
		case x.mod && d == -1:
			dst[i] = 0 // Go panics on the smallest integer % -1
		case x.mod:
			dst[i] = as[i&am] % d
		case d == -1:
			dst[i] = -as[i&am]
		default:
			dst[i] = as[i&am] / d
		}
	}
	return x.res
}

// divideBy is the usual case, a divisor that is const and cannot fail.
func divideBy[T int32 | int64](dst, a []T, am int, d T, mod bool) {
	if mod {
		for i := range dst {
			dst[i] = a[i&am] % d
		}
		return
	}
	for i := range dst {
		dst[i] = a[i&am] / d
	}
}

// decimalArith computes boxed DECIMALs.
type decimalArith struct {
	e    *plan.Arithmetic
	l, r node
	res  *vector.Vector
}

func (x *decimalArith) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	unionNulls(x.res, a, b, c.n)
	c.checkOperands(x.res, x.e)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		if x.res.IsNull(i) {
			continue
		}
		l, _ := a.Any[a.At(i)].(types.Decimal)
		r, _ := b.Any[b.At(i)].(types.Decimal)
		d, err := types.DecimalArith(x.e.Op, l, r, x.e.T)
		if err != nil {
			x.res.Nulls = x.res.Nulls.Set(i)
			c.fail(reportRow(x.res.Const, sel, i), x.e, err)
			continue
		}
		x.res.Any[i] = d
	}
	return x.res
}

// concat is + of strings.
type concat struct {
	e    plan.Expr
	l, r node
	res  *vector.Vector
}

func (x *concat) eval(c *context, sel []int32) *vector.Vector {
	a, b := x.l.eval(c, sel), x.r.eval(c, sel)
	size(x.res, a.Const && b.Const, c.n)
	unionNulls(x.res, a, b, c.n)
	c.checkOperands(x.res, x.e)
	next := 0
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		next = pad(x.res, next, i)
		if !x.res.IsNull(i) {
			x.res.Data = append(append(x.res.Data, a.Str(i)...), b.Str(i)...)
		}
		x.res.Off = append(x.res.Off, int32(len(x.res.Data)))
	}
	padEnd(x.res, next, c.n)
	return x.res
}

// pad adds empty elements from row next up to row i, and returns the row behind i.
func pad(v *vector.Vector, next, i int) int {
	for ; next < i; next++ {
		v.Off = append(v.Off, int32(len(v.Data)))
	}
	return i + 1
}

// padEnd adds empty elements up to the vector's length.
func padEnd(v *vector.Vector, next, n int) {
	if v.Const {
		n = 1
	}
	pad(v, next, n)
}

// negate is unary minus.
type negate[T number] struct {
	e   plan.Expr
	x   node
	of  func(*vector.Vector) []T
	res *vector.Vector
}

func (x *negate[T]) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	addNulls(x.res, a, c.n)
	c.checkOperands(x.res, x.e)
	dst, as := x.of(x.res), x.of(a)
	for i := range dst {
		dst[i] = -as[i]
	}
	return x.res
}

type negateDecimal struct {
	e   plan.Expr
	x   node
	res *vector.Vector
}

func (x *negateDecimal) eval(c *context, sel []int32) *vector.Vector {
	a := x.x.eval(c, sel)
	size(x.res, a.Const, c.n)
	addNulls(x.res, a, c.n)
	c.checkOperands(x.res, x.e)
	for _, row := range work(c, a.Const, sel) {
		if i := int(row); !a.IsNull(i) {
			x.res.Any[i] = a.Any[i].(types.Decimal).Neg()
		}
	}
	return x.res
}

func (c *compiler) negate(e *plan.Negate) (node, error) {
	x, err := c.compile(e.Expr)
	if err != nil {
		return nil, err
	}
	res := vector.New(e.Type())
	switch e.Type().Kind {
	case types.KindInt:
		return &negate[int32]{e, x, i32s, res}, nil
	case types.KindBigint:
		return &negate[int64]{e, x, i64s, res}, nil
	case types.KindDouble:
		return &negate[float64]{e, x, f64s, res}, nil
	case types.KindDecimal:
		return &negateDecimal{e, x, res}, nil
	}
	return nil, fmt.Errorf("minus on %s", e.Type())
}
