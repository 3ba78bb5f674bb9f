package types

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number: an integer coefficient and a scale, the number of digits behind the point. 1.50
// (scale 2) and 1.5 (scale 1) are equal by Cmp but are not the same value. The zero Decimal is 0 with scale 0.
//
// It is immutable. Coefficients that fit 64 bits, which is nearly all of them, take no heap beyond the box.
type Decimal struct {
	lo    int64
	big   *big.Int // the coefficient if it does not fit lo; never shared with a caller
	scale int32
}

// MaxDigits bounds the digits and the scale of a parsed number, so that a text of a few bytes cannot ask for megabytes.
const MaxDigits = 1000

// The errors of decimal arithmetic.
var (
	ErrDivisionByZero = errors.New("division by zero")
	ErrNotNumber      = errors.New("not a number")
)

// OverflowError says that a number has more digits before the point than its type can hold.
type OverflowError struct {
	Value            Decimal
	Precision, Scale int
}

// Error implements error.
func (e *OverflowError) Error() string {
	return fmt.Sprintf("numeric field overflow: %s does not fit DECIMAL(%d, %d)", e.Value, e.Precision, e.Scale)
}

// Rounding says what happens to digits that are cut off.
type Rounding uint8

// The rounding modes; HalfUp rounds halves away from zero, Down cuts.
const (
	HalfUp Rounding = iota
	Down
	Floor
	Ceiling
)

var pow10 = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// NewDecimal returns unscaled * 10^-scale.
func NewDecimal(unscaled int64, scale int) Decimal { return Decimal{lo: unscaled, scale: int32(scale)} }

// DecimalFromBig returns unscaled * 10^-scale. It copies unscaled.
func DecimalFromBig(unscaled *big.Int, scale int) Decimal {
	return fromBig(new(big.Int).Set(unscaled), scale)
}

// fromBig takes ownership of v.
func fromBig(v *big.Int, scale int) Decimal {
	if v.IsInt64() {
		return Decimal{lo: v.Int64(), scale: int32(scale)}
	}
	return Decimal{big: v, scale: int32(scale)}
}

// DecimalFromFloat returns the exact value of f rounded half up to so many significant digits.
func DecimalFromFloat(f float64, digits int) (Decimal, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Decimal{}, ErrNotNumber
	}
	// 'e' with more digits than a float64 can hold is its exact expansion; the widest has 767 digits.
	exact, err := ParseDecimal(strconv.FormatFloat(f, 'e', 800, 64))
	if err != nil {
		return Decimal{}, err
	}
	if over := exact.Precision() - digits; over > 0 {
		exact = exact.SetScale(exact.Scale()-over, HalfUp)
	}
	return exact.trimZeros(), nil
}

// trimZeros drops zeros behind the point.
func (d Decimal) trimZeros() Decimal {
	for d.scale > 0 {
		if d.big == nil {
			if d.lo%10 != 0 {
				return d
			}
			d.lo, d.scale = d.lo/10, d.scale-1
			continue
		}
		q, r := new(big.Int).QuoRem(d.big, big.NewInt(10), new(big.Int))
		if r.Sign() != 0 {
			return d
		}
		d = fromBig(q, int(d.scale)-1)
	}
	return d
}

// ParseDecimal reads an optional sign, digits with an optional point, and an optional exponent. The scale is the number of
// digits behind the point less the exponent, and never negative.
func ParseDecimal(text string) (Decimal, error) {
	s, negative := text, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > MaxDigits || e < -MaxDigits {
			return Decimal{}, badDecimal(text)
		}
		s, exp = s[:i], e
	}
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" || len(whole)+len(frac) > MaxDigits || !allDigits(whole) || !allDigits(frac) {
		return Decimal{}, badDecimal(text)
	}
	digits := whole + frac
	scale := len(frac) - exp
	var d Decimal
	if len(digits) <= 18 {
		n, _ := strconv.ParseInt(digits, 10, 64) // digits only and at most 18 of them
		d.lo = n
	} else {
		v, _ := new(big.Int).SetString(digits, 10) // digits only
		d = fromBig(v, 0)
	}
	if negative {
		d = d.Neg()
	}
	d.scale = int32(scale)
	if scale < 0 {
		d = d.SetScale(0, Down)
	}
	return d, nil
}

func badDecimal(text string) error {
	if len(text) > 60 {
		text = text[:60] + "..."
	}
	return fmt.Errorf("%w: %q", ErrNotNumber, text)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String gives all digits, with zeros up to the scale and without exponent.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append adds String's form to b.
func (d Decimal) Append(b []byte) []byte {
	var room [24]byte
	var digits []byte
	if d.big == nil {
		digits = strconv.AppendInt(room[:0], d.lo, 10)
	} else {
		digits = d.big.Append(room[:0], 10)
	}
	if digits[0] == '-' {
		b, digits = append(b, '-'), digits[1:]
	}
	scale := int(d.scale)
	if scale <= 0 {
		b = append(b, digits...)
		for range -scale {
			b = append(b, '0')
		}
		return b
	}
	if len(digits) > scale {
		b = append(b, digits[:len(digits)-scale]...)
		digits = digits[len(digits)-scale:]
	} else {
		b = append(b, '0')
	}
	b = append(b, '.')
	for range scale - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// Scale is the number of digits behind the point.
func (d Decimal) Scale() int { return int(d.scale) }

// Precision is the number of digits of the coefficient; 1 for zero.
func (d Decimal) Precision() int {
	if d.big == nil {
		n := 1
		for v := d.lo / 10; v != 0; v /= 10 {
			n++
		}
		return n
	}
	n := len(d.big.String())
	if d.big.Sign() < 0 {
		n--
	}
	return n
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.big != nil:
		return d.big.Sign()
	case d.lo < 0:
		return -1
	case d.lo > 0:
		return 1
	}
	return 0
}

// Unscaled returns the coefficient, which the caller may keep and change.
func (d Decimal) Unscaled() *big.Int {
	if d.big != nil {
		return new(big.Int).Set(d.big)
	}
	return big.NewInt(d.lo)
}

// coefficient is Unscaled without the copy, for reading.
func (d Decimal) coefficient() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.lo)
}

// UnscaledInt64 returns the coefficient if it fits 64 bits.
func (d Decimal) UnscaledInt64() (int64, bool) { return d.lo, d.big == nil }

// Float64 is the nearest float64.
func (d Decimal) Float64() float64 {
	if d.big == nil && d.lo > -1<<53 && d.lo < 1<<53 && d.scale >= 0 && d.scale <= 18 {
		return float64(d.lo) / float64(pow10[d.scale]) // both exact, so the quotient is rounded once
	}
	f, _ := strconv.ParseFloat(d.String(), 64) // out of range gives an infinity, as Java does
	return f
}

// Int64 cuts the digits behind the point and keeps the low 64 bits, as Java does.
func (d Decimal) Int64() int64 {
	t := d.SetScale(0, Down)
	if t.big == nil {
		return t.lo
	}
	low := new(big.Int).And(t.big, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}
