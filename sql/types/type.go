// Package types holds the SQL type system: types, schemas, and the Go form of every SQL value.
//
// A value that is not inside a column is boxed in an any. The Go form depends on the SQL type alone:
//
//	BOOLEAN    bool
//	INTEGER    int32
//	BIGINT     int64
//	DOUBLE     float64
//	DECIMAL    Decimal
//	STRING     string
//	BYTES      []byte
//	DATE       int32, days since 1970-01-01
//	TIME       int32, milliseconds since midnight
//	TIMESTAMP  int64, milliseconds since 1970-01-01T00:00:00Z
//	ARRAY      []any
//	MAP        Map, entries in insertion order, keys unique
//	STRUCT     []any, one element a field, in the order of Type.Fields
//	NULL       nil, of any type
//
// Values are immutable once made: whoever holds one may keep it.
package types

// Kind is the base of a SQL type.
type Kind uint8

// The kinds, in the order of ksqlDB's documentation. Null is the type of a bare NULL literal. IntervalUnit
// and Lambda occur as function arguments only.
const (
	KindNull Kind = iota
	KindBoolean
	KindInt
	KindBigint
	KindDouble
	KindDecimal
	KindString
	KindBytes
	KindDate
	KindTime
	KindTimestamp
	KindArray
	KindMap
	KindStruct
	KindIntervalUnit
	KindLambda
)

// Type is a SQL type. It is immutable; scalar types are shared, so compare with Equal, never by pointer.
type Type struct {
	Kind             Kind
	Precision, Scale int     // DECIMAL
	Key              *Type   // MAP
	Elem             *Type   // ARRAY element, MAP value
	Fields           []Field // STRUCT
}

// Field is one field of a STRUCT type.
type Field struct {
	Name string
	Type *Type
}

// The types without parameters.
var (
	Null         = &Type{Kind: KindNull}
	Boolean      = &Type{Kind: KindBoolean}
	Int          = &Type{Kind: KindInt}
	Bigint       = &Type{Kind: KindBigint}
	Double       = &Type{Kind: KindDouble}
	String       = &Type{Kind: KindString}
	Bytes        = &Type{Kind: KindBytes}
	Date         = &Type{Kind: KindDate}
	Time         = &Type{Kind: KindTime}
	Timestamp    = &Type{Kind: KindTimestamp}
	IntervalUnit = &Type{Kind: KindIntervalUnit}
)

// DecimalOf returns DECIMAL(precision, scale).
func DecimalOf(precision, scale int) *Type {
	return &Type{Kind: KindDecimal, Precision: precision, Scale: scale}
}

// ArrayOf returns ARRAY<elem>.
func ArrayOf(elem *Type) *Type { return &Type{Kind: KindArray, Elem: elem} }

// MapOf returns MAP<key, value>.
func MapOf(key, value *Type) *Type { return &Type{Kind: KindMap, Key: key, Elem: value} }

// StructOf returns STRUCT<fields>.
func StructOf(fields ...Field) *Type { return &Type{Kind: KindStruct, Fields: fields} }

// MapEntry is one entry of a Map.
type MapEntry struct{ Key, Value any }

// Map is the boxed form of a MAP value: entries in insertion order with unique keys.
type Map []MapEntry

// Get returns the value under key. Keys of comparable Go forms only.
func (m Map) Get(key any) (any, bool) {
	for i := range m {
		if m[i].Key == key {
			return m[i].Value, true
		}
	}
	return nil, false
}

// Equal says whether two types are the same in every parameter, field names included.
func Equal(a, b *Type) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case KindDecimal:
		return a.Precision == b.Precision && a.Scale == b.Scale
	case KindArray:
		return Equal(a.Elem, b.Elem)
	case KindMap:
		return Equal(a.Key, b.Key) && Equal(a.Elem, b.Elem)
	case KindStruct:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for i, f := range a.Fields {
			if f.Name != b.Fields[i].Name || !Equal(f.Type, b.Fields[i].Type) {
				return false
			}
		}
	}
	return true
}

// IsNumeric says whether arithmetic is defined on the kind.
func (k Kind) IsNumeric() bool {
	return k == KindInt || k == KindBigint || k == KindDouble || k == KindDecimal
}

// IsTemporal says whether the kind is DATE, TIME or TIMESTAMP.
func (k Kind) IsTemporal() bool { return k == KindDate || k == KindTime || k == KindTimestamp }
