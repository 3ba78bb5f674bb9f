package types

import (
	"bytes"
	"cmp"
	"math"
	"strings"
)

// Compare orders two values of one type; neither is nil. Strings are ordered by their bytes, DOUBLEs as Java's Double.compare
// does (-0.0 before 0.0, NaN last), false before true, arrays and structs element by element (NULL first). Maps are ordered by
// size, then entry by entry in insertion order.
func Compare(a, b any, t *Type) int {
	switch t.Kind {
	case KindBoolean:
		return compareBool(a.(bool), b.(bool))
	case KindInt, KindDate, KindTime:
		return cmp.Compare(a.(int32), b.(int32))
	case KindBigint, KindTimestamp:
		return cmp.Compare(a.(int64), b.(int64))
	case KindDouble:
		return CompareDouble(a.(float64), b.(float64))
	case KindDecimal:
		return a.(Decimal).Cmp(b.(Decimal))
	case KindBytes:
		return bytes.Compare(a.([]byte), b.([]byte))
	case KindArray:
		return compareLists(a.([]any), b.([]any), func(int) *Type { return t.Elem })
	case KindStruct:
		return compareLists(a.([]any), b.([]any), func(i int) *Type { return t.Fields[i].Type })
	case KindMap:
		return compareMaps(a.(Map), b.(Map), t)
	}
	return strings.Compare(a.(string), b.(string))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// CompareDouble is Java's Double.compare: a total order with -0.0 before 0.0 and NaN last.
func CompareDouble(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b && a != 0:
		return 0
	}
	return cmp.Compare(doubleRank(a), doubleRank(b))
}

// doubleRank tells -0.0, 0.0 and NaN apart.
func doubleRank(f float64) int {
	switch {
	case f != f:
		return 2
	case math.Signbit(f):
		return 0
	}
	return 1
}

func compareNullable(a, b any, t *Type) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return Compare(a, b, t)
}

func compareLists(a, b []any, at func(int) *Type) int {
	for i := range min(len(a), len(b)) {
		if c := compareNullable(a[i], b[i], at(i)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareMaps(a, b Map, t *Type) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	for i := range a {
		if c := compareNullable(a[i].Key, b[i].Key, t.Key); c != 0 {
			return c
		}
		if c := compareNullable(a[i].Value, b[i].Value, t.Elem); c != 0 {
			return c
		}
	}
	return 0
}

// EqualValues says whether two values of one type are the same; NULL equals NULL alone. Maps are equal whatever the order of
// their entries.
func EqualValues(a, b any, t *Type) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	switch t.Kind {
	case KindArray, KindStruct:
		x, y := a.([]any), b.([]any)
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			et := t.Elem
			if t.Kind == KindStruct {
				et = t.Fields[i].Type
			}
			if !EqualValues(x[i], y[i], et) {
				return false
			}
		}
		return true
	case KindMap:
		return equalMaps(a.(Map), b.(Map), t)
	}
	return Compare(a, b, t) == 0
}

func equalMaps(a, b Map, t *Type) bool {
	if len(a) != len(b) {
		return false
	}
	keys := Set{Type: t.Key}
	for _, e := range b {
		keys.Add(e.Key)
	}
	for _, e := range a {
		i := keys.Find(e.Key)
		if i < 0 || !EqualValues(e.Value, b[i].Value, t.Elem) {
			return false
		}
	}
	return true
}

// Lookup is Get for keys of any type.
func (m Map) Lookup(key any, keyType *Type) (any, bool) {
	for i := range m {
		if EqualValues(m[i].Key, key, keyType) {
			return m[i].Value, true
		}
	}
	return nil, false
}
