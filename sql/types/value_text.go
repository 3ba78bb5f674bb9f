package types

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// AppendDouble adds f as Java's Double.toString writes it: 1.0, 1.0E10, 1.0E-4, NaN, Infinity.
func AppendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case f == 0 && math.Signbit(f):
		return append(b, "-0.0"...)
	}
	start := len(b)
	if a := math.Abs(f); a == 0 || a >= 1e-3 && a < 1e7 {
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
		for _, c := range b[start:] {
			if c == '.' {
				return b
			}
		}
		return append(b, ".0"...)
	}
	var room [32]byte
	mantissa, exp, _ := strings.Cut(string(strconv.AppendFloat(room[:0], f, 'E', -1, 64)), "E")
	if !strings.Contains(mantissa, ".") {
		// Java writes at least two digits, the two that are nearest: 4.9E-324, not 5.0E-324.
		mantissa, exp, _ = strings.Cut(string(strconv.AppendFloat(room[:0], f, 'E', 1, 64)), "E")
	}
	b = append(b, mantissa...)
	b = append(b, 'E')
	if exp[0] == '-' {
		b = append(b, '-')
	}
	return append(b, strings.TrimLeft(exp[1:], "0")...)
}

// AppendValue adds the text of a value of type t that CAST to STRING gives: numbers in Java's forms, DECIMAL without exponent,
// lists as [a, b], maps as {k=v}, structs as Struct{F=v} without their NULL fields. A NULL is written null.
func AppendValue(b []byte, value any, t *Type) []byte {
	if value == nil {
		return append(b, "null"...)
	}
	switch t.Kind {
	case KindBoolean:
		return strconv.AppendBool(b, value.(bool))
	case KindInt:
		return strconv.AppendInt(b, int64(value.(int32)), 10)
	case KindBigint:
		return strconv.AppendInt(b, value.(int64), 10)
	case KindDouble:
		return AppendDouble(b, value.(float64))
	case KindDecimal:
		return value.(Decimal).Append(b)
	case KindBytes:
		return base64.StdEncoding.AppendEncode(b, value.([]byte))
	case KindDate:
		return AppendDate(b, value.(int32))
	case KindTime:
		return AppendTime(b, value.(int32))
	case KindTimestamp:
		return AppendTimestamp(b, value.(int64))
	case KindArray, KindMap, KindStruct:
		return appendNested(b, value, t)
	}
	return append(b, value.(string)...)
}

func appendNested(b []byte, value any, t *Type) []byte {
	switch t.Kind {
	case KindArray:
		b = append(b, '[')
		for i, e := range value.([]any) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = AppendValue(b, e, t.Elem)
		}
		return append(b, ']')
	case KindMap:
		b = append(b, '{')
		for i, e := range value.(Map) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = AppendValue(b, e.Key, t.Key)
			b = append(b, '=')
			b = AppendValue(b, e.Value, t.Elem)
		}
		return append(b, '}')
	}
	b = append(b, "Struct{"...)
	first := true
	for i, f := range t.Fields {
		v := value.([]any)[i]
		if v == nil {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(b, f.Name...), '=')
		b = AppendValue(b, v, f.Type)
	}
	return append(b, '}')
}

// Text is AppendValue as a string.
func Text(value any, t *Type) string { return string(AppendValue(nil, value, t)) }
