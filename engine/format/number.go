package format

import (
	"bytes"
	"errors"
	"math"
	"strconv"

	"github.com/millrace/millrace/sql/types"
)

var (
	errRange   = errors.New("number out of range")
	errNumeric = errors.New("text is not a number")
)

// parseInt reads an optional sign and digits, as Java's parseLong does.
func parseInt(b []byte) (int64, error) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		i = 1
	}
	if i == len(b) || digits(b, i) != len(b) {
		return 0, errNumeric
	}
	if len(b)-i > 18 { // may not fit
		v, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return 0, errRange
		}
		return v, nil
	}
	var v int64
	for _, c := range b[i:] {
		v = v*10 + int64(c-'0')
	}
	if negative {
		v = -v
	}
	return v, nil
}

// truncate reads a JSON number with a point or an exponent and drops what is behind the point.
func truncate(b []byte) (int64, error) {
	d, err := types.ParseDecimal(string(b))
	if err != nil {
		return 0, errRange
	}
	v, whole := d.SetScale(0, types.Down).UnscaledInt64()
	if !whole {
		return 0, errRange
	}
	return v, nil
}

// exactPow10 holds the powers of ten that a float64 holds exactly.
var exactPow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// parseDouble reads a JSON number as the nearest float64. A coefficient below 2^53 and a power of ten are both exact, so
// that one division rounds correctly (Clinger 1990); other numbers take strconv's way.
func parseDouble(b []byte) (float64, error) {
	i, seen, frac := 0, 0, 0
	var m uint64
	if b[0] == '-' {
		i = 1
	}
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		m = m*10 + uint64(b[i]-'0')
		seen++
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			m = m*10 + uint64(b[i]-'0')
			seen++
			frac++
		}
	}
	if i != len(b) || seen > 18 || m >= 1<<53 {
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return 0, errRange
		}
		return f, nil
	}
	f := float64(m) / exactPow10[frac]
	if b[0] == '-' {
		f = -f
	}
	return f, nil
}

// parseJavaDouble reads what Java's parseDouble reads: spaces around, NaN, Infinity, a final d or f; hexadecimal is left out.
func parseJavaDouble(b []byte) (float64, error) {
	b = bytes.TrimFunc(b, func(r rune) bool { return r <= ' ' })
	s := string(b)
	switch s {
	case "NaN", "+NaN", "-NaN":
		return math.NaN(), nil
	case "Infinity", "+Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if n := len(s); n > 1 && (s[n-1]|0x20 == 'd' || s[n-1]|0x20 == 'f') {
		s = s[:n-1]
	}
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return 0, errNumeric // strconv would take underscores, "inf" and hexadecimal
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		return f, nil // Java gives an infinity too
	}
	if err != nil {
		return 0, errNumeric
	}
	return f, nil
}

// parseDecimal reads a number that must fit the type without rounding.
func parseDecimal(b []byte, t *types.Type) (types.Decimal, error) {
	d, err := types.ParseDecimal(string(b))
	if err != nil {
		return types.Decimal{}, errNumeric
	}
	return d.FitExact(t.Precision, t.Scale)
}

// appendNumberText writes a JSON number as ksqlDB turns it into a STRING: integers as they are, others as Java's BigDecimal prints.
func appendNumberText(dst, b []byte, fraction bool) []byte {
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	if !fraction {
		if negative && !(len(b) == 1 && b[0] == '0') {
			dst = append(dst, '-')
		}
		return append(dst, b...)
	}
	exp := 0
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(b[i+1:]))
		if err != nil || e > math.MaxInt32 || e < math.MinInt32 {
			return append(dst, b...) // beyond BigDecimal: leave the text
		}
		exp, b = e, b[:i]
	}
	whole, frac, _ := bytes.Cut(b, []byte{'.'})
	coef := append(append(make([]byte, 0, 32), whole...), frac...)
	for len(coef) > 1 && coef[0] == '0' {
		coef = coef[1:]
	}
	if negative && !(len(coef) == 1 && coef[0] == '0') {
		dst = append(dst, '-')
	}
	return appendBigDecimal(dst, coef, len(frac)-exp)
}

// appendBigDecimal prints coef * 10^-scale by the rule of Java's BigDecimal.toString.
func appendBigDecimal(dst, coef []byte, scale int) []byte {
	adjusted := len(coef) - 1 - scale
	switch {
	case scale == 0:
		return append(dst, coef...)
	case scale < 0 || adjusted < -6:
		dst = append(dst, coef[0])
		if len(coef) > 1 {
			dst = append(append(dst, '.'), coef[1:]...)
		}
		if adjusted == 0 {
			return dst
		}
		dst = append(dst, 'E')
		if adjusted > 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(adjusted), 10)
	case scale >= len(coef):
		dst = append(dst, "0."...)
		for range scale - len(coef) {
			dst = append(dst, '0')
		}
		return append(dst, coef...)
	}
	point := len(coef) - scale
	return append(append(append(dst, coef[:point]...), '.'), coef[point:]...)
}
