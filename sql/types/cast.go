package types

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cast converts a boxed value by the rules of CAST. NULL stays NULL. The types are ones that CanCast allows; a value
// that cannot be converted is an error.
func Cast(value any, from, to *Type) (any, error) {
	if value == nil || Equal(from, to) {
		return value, nil
	}
	switch from.Kind {
	case KindString:
		return castString(value.(string), to)
	case KindBoolean:
		if to.Kind == KindString {
			return Text(value, from), nil
		}
	case KindInt, KindBigint, KindDouble, KindDecimal:
		return castNumber(value, from, to)
	case KindDate, KindTime, KindTimestamp:
		return castTemporal(value, from, to)
	case KindArray, KindMap, KindStruct:
		return castNested(value, from, to)
	}
	return nil, noCast(from, to)
}

func noCast(from, to *Type) error { return fmt.Errorf("cast of %s to %s is not supported", from, to) }

// DoubleToInt64 converts as Java does: toward zero, saturating, NaN to 0.
func DoubleToInt64(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// DoubleToInt32 converts as Java does: toward zero, saturating, NaN to 0.
func DoubleToInt32(f float64) int32 {
	return int32(max(math.MinInt32, min(math.MaxInt32, DoubleToInt64(f))))
}

func castNumber(value any, from, to *Type) (any, error) {
	switch to.Kind {
	case KindString:
		return Text(value, from), nil
	case KindInt:
		if f, ok := value.(float64); ok {
			return DoubleToInt32(f), nil
		}
		return int32(toInt64(value)), nil
	case KindBigint:
		return toInt64(value), nil
	case KindDouble:
		return toFloat64(value), nil
	case KindDecimal:
		return castDecimal(value, to)
	}
	return nil, noCast(from, to)
}

func toInt64(value any) int64 {
	switch v := value.(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	case float64:
		return DoubleToInt64(v)
	}
	return value.(Decimal).Int64()
}

func toFloat64(value any) float64 {
	switch v := value.(type) {
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return value.(Decimal).Float64()
}

func castDecimal(value any, to *Type) (any, error) {
	var d Decimal
	var err error
	switch v := value.(type) {
	case int32:
		d = NewDecimal(int64(v), 0)
	case int64:
		d = NewDecimal(v, 0)
	case float64:
		d, err = DecimalFromFloat(v, to.Precision)
	case Decimal:
		d = v
	}
	if err == nil {
		d, err = d.Fit(to.Precision, to.Scale)
	}
	if err != nil {
		return nil, err // not d: a failed cast has no value
	}
	return d, nil
}

func castTemporal(value any, from, to *Type) (any, error) {
	switch {
	case to.Kind == KindString:
		return Text(value, from), nil
	case from.Kind == KindDate && to.Kind == KindTimestamp:
		return int64(value.(int32)) * MsPerDay, nil
	case from.Kind == KindTimestamp && to.Kind == KindDate:
		return TimestampDays(value.(int64)), nil
	case from.Kind == KindTimestamp && to.Kind == KindTime:
		return TimestampTime(value.(int64)), nil
	}
	return nil, noCast(from, to)
}

// boxed drops the value of a failed conversion.
func boxed[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func castString(s string, to *Type) (any, error) {
	switch to.Kind {
	case KindBoolean:
		return ParseBoolean(s), nil
	case KindInt:
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
		return boxed(int32(n), badNumber(err, s, to))
	case KindBigint:
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		return boxed(n, badNumber(err, s, to))
	case KindDouble:
		return boxed(ParseDouble(s))
	case KindDecimal:
		d, err := ParseDecimal(strings.TrimSpace(s))
		if err == nil {
			d, err = d.Fit(to.Precision, to.Scale)
		}
		return boxed(d, err)
	case KindDate:
		return boxed(ParseDate(s))
	case KindTime:
		return boxed(ParseTime(s))
	case KindTimestamp:
		return boxed(ParseTimestamp(s))
	case KindBytes:
		return boxed(base64.StdEncoding.DecodeString(strings.TrimSpace(s)))
	}
	return nil, noCast(String, to)
}

func badNumber(err error, s string, to *Type) error {
	if err == nil {
		return nil
	}
	return badTemporal(to.String(), s)
}

// ParseBoolean is CAST's reading of a STRING: true if it is a beginning of true or yes, whatever the case.
func ParseBoolean(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return s != "" && (strings.HasPrefix("true", s) || strings.HasPrefix("yes", s))
}

// ParseDouble reads Java's decimal syntax; infinities and NaN are refused.
func ParseDouble(text string) (float64, error) {
	s := strings.TrimSpace(text)
	if n := len(s); n > 1 && strings.IndexByte("dDfF", s[n-1]) >= 0 {
		s = s[:n-1]
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && strings.IndexByte("+-.eE", c) < 0 {
			return 0, badDecimal(text)
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, badDecimal(text)
	}
	return f, nil
}

func castNested(value any, from, to *Type) (any, error) {
	if to.Kind == KindString {
		return Text(value, from), nil
	}
	if from.Kind != to.Kind {
		return nil, noCast(from, to)
	}
	switch from.Kind {
	case KindArray:
		in := value.([]any)
		out := make([]any, len(in))
		for i, e := range in {
			v, err := Cast(e, from.Elem, to.Elem)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i+1, err)
			}
			out[i] = v
		}
		return out, nil
	case KindMap:
		return castMap(value.(Map), from, to)
	}
	in := value.([]any)
	out := make([]any, len(to.Fields))
	for i, f := range to.Fields {
		j := from.FieldIndex(f.Name)
		if j < 0 {
			continue // a field that the source lacks is NULL
		}
		v, err := Cast(in[j], from.Fields[j].Type, f.Type)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		out[i] = v
	}
	return out, nil
}

func castMap(in Map, from, to *Type) (any, error) {
	out := NewMapBuilder(to.Key, len(in))
	for _, e := range in {
		k, err := Cast(e.Key, from.Key, to.Key)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		v, err := Cast(e.Value, from.Elem, to.Elem)
		if err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		out.Put(k, v)
	}
	return out.Map, nil
}

// Put sets the value under key in a map that the caller is building, and returns it.
func (m Map) Put(key, value any, keyType *Type) Map {
	for i := range m {
		if EqualValues(m[i].Key, key, keyType) {
			m[i].Value = value
			return m
		}
	}
	return append(m, MapEntry{Key: key, Value: value})
}

// Coerce converts a value that ImplicitCast accepts, without losing digits: what INSERT VALUES does.
func Coerce(value any, from, to *Type) (any, error) {
	if !ImplicitCast(from, to) && (from.Kind != KindDecimal || to.Kind != KindDecimal) {
		return nil, fmt.Errorf("%s is not accepted as %s", from, to)
	}
	v, err := Cast(value, from, to)
	if err != nil || from.Kind != KindDecimal || to.Kind != KindDecimal || value == nil {
		return v, err
	}
	return boxed(value.(Decimal).FitExact(to.Precision, to.Scale))
}
