// Package connect is what AVRO, PROTOBUF and JSON_SR have in common: the data model of Kafka Connect, through which ksqlDB reads and
// writes them. A schema of any of the three becomes a Schema, from which columns are inferred; a scalar of any of them becomes a
// Scalar, which goes into a column if the model's rules let it.
//
//	BOOLEAN            booleans
//	INTEGER, DATE,     integers of up to 32 bits
//	TIME
//	BIGINT, TIMESTAMP  integers of up to 64 bits
//	DOUBLE             float and double
//	DECIMAL            decimals that fit without rounding
//	STRING             strings, enums, numbers and booleans
//	BYTES              bytes
//
// Fields are matched by name: exactly, else by the upper-case form of the record's name.
package connect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// Kind is what a value is on the wire.
type Kind uint8

// The kinds. Unsupported is a value that no column can hold.
const (
	Unsupported Kind = iota
	Boolean
	Int32
	Int64
	Float32
	Float64
	String
	Bytes
	Array
	Map
	Struct
)

var kindNames = [...]string{"unsupported", "boolean", "int32", "int64", "float32", "float64", "string", "bytes", "array", "map", "struct"}

func (k Kind) String() string { return kindNames[k] }

// Logical is what a value means.
type Logical uint8

// The logical types: a DECIMAL is Bytes, DATE and TIME are Int32, TIMESTAMP is Int64.
const (
	Plain Logical = iota
	Decimal
	Date
	Time
	Timestamp
)

// Schema is the type of a value.
type Schema struct {
	Kind             Kind
	Logical          Logical
	Precision, Scale int     // Decimal
	Key, Elem        *Schema // Map; Array has Elem
	Fields           []Field // Struct
}

// Field is one field of a Struct.
type Field struct {
	Name   string
	Schema *Schema
}

// ErrAnonymous says that a schema has no fields where columns are wanted.
var ErrAnonymous = errors.New("the schema is no record: its value stands alone")

// MaxDepth bounds how deep a schema may nest; one that refers to itself is cut there.
const MaxDepth = 64

// Columns are the columns that a schema stands for. Bare says that the value is a single column called name; upper that the names of
// fields become upper case. Fields that no column can hold are left out.
func Columns(s *Schema, bare bool, name string, upper bool) ([]types.Field, error) {
	if bare {
		t := s.columnType(upper, 0)
		if t == nil {
			return nil, fmt.Errorf("a schema of kind %s cannot be a column", s.Kind)
		}
		return []types.Field{{Name: name, Type: t}}, nil
	}
	if s.Kind != Struct {
		return nil, ErrAnonymous
	}
	fields := s.fields(upper, 0)
	if len(fields) == 0 {
		return nil, errors.New("the schema has no field that can be a column")
	}
	return fields, nil
}

func (s *Schema) fields(upper bool, depth int) []types.Field {
	var out []types.Field
	for _, f := range s.Fields {
		t := f.Schema.columnType(upper, depth+1)
		if t == nil {
			continue
		}
		if upper {
			f.Name = strings.ToUpper(f.Name)
		}
		out = append(out, types.Field{Name: f.Name, Type: t})
	}
	return out
}

// columnType is the SQL type of the schema, nil if there is none.
func (s *Schema) columnType(upper bool, depth int) *types.Type {
	if depth > MaxDepth {
		return nil
	}
	switch s.Kind {
	case Boolean:
		return types.Boolean
	case Int32:
		switch s.Logical {
		case Date:
			return types.Date
		case Time:
			return types.Time
		}
		return types.Int
	case Int64:
		if s.Logical == Timestamp {
			return types.Timestamp
		}
		return types.Bigint
	case Float32, Float64:
		return types.Double
	case String:
		return types.String
	case Bytes:
		if s.Logical == Decimal {
			return types.DecimalOf(s.Precision, s.Scale)
		}
		return types.Bytes
	case Array:
		if elem := s.Elem.columnType(upper, depth+1); elem != nil {
			return types.ArrayOf(elem)
		}
	case Map:
		elem := s.Elem.columnType(upper, depth+1)
		if elem != nil && s.Key.isMapKey() {
			return types.MapOf(types.String, elem)
		}
	case Struct:
		if fields := s.fields(upper, depth); len(fields) > 0 {
			return types.StructOf(fields...)
		}
	}
	return nil
}

func (s *Schema) isMapKey() bool {
	return s.Kind == String || s.Kind == Int32 || s.Kind == Int64 || s.Kind == Boolean
}

// Match finds, for each field of a record, the column that takes it, or -1: the one of exactly its name, else the one whose name is its
// upper-case form, unless that has a field already.
func Match(fields, columns []string) []int {
	out := make([]int, len(fields))
	taken := make([]bool, len(columns))
	match := func(f int, name string) {
		c := slices.Index(columns, name)
		if out[f] < 0 && c >= 0 && !taken[c] {
			out[f], taken[c] = c, true
		}
	}
	for f, name := range fields {
		out[f] = -1
		match(f, name)
	}
	for f, name := range fields {
		match(f, strings.ToUpper(name))
	}
	return out
}
