package types

import (
	"math"
	"math/big"
	"math/bits"
)

// scaleUp multiplies the coefficient by 10^n, n >= 0, keeping the value.
func (d Decimal) scaleUp(n int) Decimal {
	if n == 0 {
		return d
	}
	if d.big == nil && n < len(pow10) {
		if p, ok := mul64(d.lo, pow10[n]); ok {
			return Decimal{lo: p, scale: d.scale + int32(n)}
		}
	}
	return fromBig(new(big.Int).Mul(d.coefficient(), bigPow10(n)), int(d.scale)+n)
}

func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

func mul64(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, a == 0 || b == 0
	}
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

// align brings two numbers to the larger scale.
func align(a, b Decimal) (x, y Decimal) {
	switch {
	case a.scale < b.scale:
		return a.scaleUp(int(b.scale - a.scale)), b
	case a.scale > b.scale:
		return a, b.scaleUp(int(a.scale - b.scale))
	}
	return a, b
}

// Add returns d + e, exactly.
func (d Decimal) Add(e Decimal) Decimal {
	x, y := align(d, e)
	if x.big == nil && y.big == nil {
		if s := x.lo + y.lo; (s > x.lo) == (y.lo > 0) {
			return Decimal{lo: s, scale: x.scale}
		}
	}
	return fromBig(new(big.Int).Add(x.coefficient(), y.coefficient()), int(x.scale))
}

// Sub returns d - e, exactly.
func (d Decimal) Sub(e Decimal) Decimal { return d.Add(e.Neg()) }

// Neg returns -d.
func (d Decimal) Neg() Decimal {
	if d.big == nil && d.lo != math.MinInt64 {
		return Decimal{lo: -d.lo, scale: d.scale}
	}
	return fromBig(new(big.Int).Neg(d.coefficient()), int(d.scale))
}

// Abs returns the value without sign.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Mul returns d * e, exactly; scales add up.
func (d Decimal) Mul(e Decimal) Decimal {
	if d.big == nil && e.big == nil {
		if p, ok := mul64(d.lo, e.lo); ok {
			return Decimal{lo: p, scale: d.scale + e.scale}
		}
	}
	return fromBig(new(big.Int).Mul(d.coefficient(), e.coefficient()), int(d.scale+e.scale))
}

// Div returns d / e with the given scale, rounded half up.
func (d Decimal) Div(e Decimal, scale int) (Decimal, error) {
	if e.Sign() == 0 {
		return Decimal{}, ErrDivisionByZero
	}
	// d/e = (dc * 10^(scale+es-ds)) / ec, at scale.
	n := scale + int(e.scale) - int(d.scale)
	num, den := d.coefficient(), e.coefficient()
	if n >= 0 {
		num = new(big.Int).Mul(num, bigPow10(n))
	} else {
		den = new(big.Int).Mul(den, bigPow10(-n))
	}
	return fromBig(divRound(num, den, HalfUp), scale), nil
}

// Mod returns the remainder of the division truncated to an integer; it has the sign of d.
func (d Decimal) Mod(e Decimal) (Decimal, error) {
	if e.Sign() == 0 {
		return Decimal{}, ErrDivisionByZero
	}
	x, y := align(d, e)
	if x.big == nil && y.big == nil {
		if y.lo == -1 {
			return Decimal{scale: x.scale}, nil
		}
		return Decimal{lo: x.lo % y.lo, scale: x.scale}, nil
	}
	return fromBig(new(big.Int).Rem(x.coefficient(), y.coefficient()), int(x.scale)), nil
}

// SetScale changes the number of digits behind the point, rounding where digits are cut. A negative scale
// rounds before the point.
func (d Decimal) SetScale(scale int, mode Rounding) Decimal {
	cut := int(d.scale) - scale
	if cut <= 0 {
		return d.scaleUp(-cut)
	}
	if d.big == nil && cut < len(pow10) {
		return Decimal{lo: round64(d.lo, pow10[cut], mode), scale: int32(scale)}
	}
	return fromBig(divRound(d.coefficient(), bigPow10(cut), mode), scale)
}

// round64 divides v by p > 0.
func round64(v, p int64, mode Rounding) int64 {
	q, r := v/p, v%p
	if r == 0 {
		return q
	}
	switch mode {
	case HalfUp:
		if r >= p-r || -r >= p+r {
			return q + sign64(v)
		}
	case Floor:
		if v < 0 {
			return q - 1
		}
	case Ceiling:
		if v > 0 {
			return q + 1
		}
	case Down:
	}
	return q
}

func sign64(v int64) int64 {
	if v < 0 {
		return -1
	}
	return 1
}

func divRound(num, den *big.Int, mode Rounding) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Sign() == 0 {
		return q
	}
	sign := int64(num.Sign() * den.Sign())
	up := false
	switch mode {
	case HalfUp:
		up = r.Lsh(r.Abs(r), 1).CmpAbs(den) >= 0
	case Floor:
		up = sign < 0
	case Ceiling:
		up = sign > 0
	case Down:
	}
	if up {
		q.Add(q, big.NewInt(sign))
	}
	return q
}

// Cmp compares by value: 1.0 equals 1.
func (d Decimal) Cmp(e Decimal) int {
	x, y := align(d, e)
	if x.big == nil && y.big == nil {
		switch {
		case x.lo < y.lo:
			return -1
		case x.lo > y.lo:
			return 1
		}
		return 0
	}
	return x.coefficient().Cmp(y.coefficient())
}

// maxScale bounds the digits that a type may ask for: beyond it no value fits. Types of results outgrow those of operands, so it
// is well above MaxDigits.
const maxScale = 20 * MaxDigits

// Fit brings the number to DECIMAL(precision, scale), rounding half up. As in ksqlDB the integer part is checked before
// rounding.
func (d Decimal) Fit(precision, scale int) (Decimal, error) {
	if scale > maxScale {
		return Decimal{}, &OverflowError{Value: d, Precision: precision, Scale: scale}
	}
	whole := precision - scale
	if d.big == nil && whole < len(pow10) && d.scale == int32(scale) && precision < len(pow10) {
		if p := pow10[precision]; d.lo < p && d.lo > -p {
			return d, nil
		}
		return Decimal{}, &OverflowError{Value: d, Precision: precision, Scale: scale}
	}
	if d.Sign() != 0 && d.Precision()-int(d.scale) > whole {
		return Decimal{}, &OverflowError{Value: d, Precision: precision, Scale: scale}
	}
	return d.SetScale(scale, HalfUp), nil
}

// FitExact is Fit for values that must not lose digits.
func (d Decimal) FitExact(precision, scale int) (Decimal, error) {
	f, err := d.Fit(precision, scale)
	if err == nil && f.Cmp(d) != 0 {
		err = &OverflowError{Value: d, Precision: precision, Scale: scale}
	}
	return f, err
}

// DecimalResult is the type of l op r for op + - * / %, both DECIMAL: ksqlDB's formulas. Sums are exact; products and
// quotients are rounded half up where the type's scale has fewer digits.
func DecimalResult(op string, l, r *Type) *Type {
	p1, s1, p2, s2 := l.Precision, l.Scale, r.Precision, r.Scale
	switch op {
	case "*":
		return DecimalOf(p1+p2+1, s1+s2)
	case "/":
		s := max(6, s1+p2+1)
		return DecimalOf(p1-s1+s2+s, s)
	case "%":
		return DecimalOf(min(p1-s1, p2-s2)+max(s1, s2), max(s1, s2))
	}
	return DecimalOf(max(s1, s2)+max(p1-s1, p2-s2)+1, max(s1, s2))
}

// DecimalArith computes l op r as a value of the DECIMAL type t.
func DecimalArith(op string, l, r Decimal, t *Type) (Decimal, error) {
	if t.Scale > maxScale {
		return Decimal{}, &OverflowError{Value: l, Precision: t.Precision, Scale: t.Scale}
	}
	var d Decimal
	var err error
	switch op {
	case "+":
		d = l.Add(r)
	case "-":
		d = l.Sub(r)
	case "*":
		d = l.Mul(r)
	case "/":
		d, err = l.Div(r, t.Scale)
	default:
		d, err = l.Mod(r)
	}
	if err != nil {
		return Decimal{}, err
	}
	return d.Fit(t.Precision, t.Scale)
}
