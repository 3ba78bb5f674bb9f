// Package protobuf reads and writes Protobuf messages by schema, straight between bytes and columns.
//
// Parse compiles the text of a schema. NewReader compiles a message and the columns that are wanted of it into a table by field number
// that decodes without allocating for flat columns; NewWriter goes the other way. Derive makes the schema that ksqlDB would give to
// columns. The wire code is this package's own, on protowire: dynamic messages would make an any of every value.
//
// Protobuf has no NULL but for messages and optional fields: a NULL that has no form is not written, and reads as the default of its
// type, 0, "", false or nothing in a collection. Bytes are hostile: nesting is bounded, and whatever does not follow the schema is
// skipped as an unknown field is.
package protobuf

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/connect"
)

// The ways to write NULL in a field, as WITH (VALUE_PROTOBUF_NULLABLE_REPRESENTATION=...) gives them.
const (
	Optional = "OPTIONAL"
	Wrapper  = "WRAPPER"
)

const maxText = 4 << 20

// Parse compiles a schema. Imports are other schemas by name; Google's and Confluent's own need not be among them.
func Parse(schema string, imports map[string]string) (protoreflect.FileDescriptor, error) {
	if len(schema) > maxText {
		return nil, errors.New("parse PROTOBUF schema: too long")
	}
	const name = "millrace/schema.proto"
	files := map[string]string{}
	for n, text := range wellKnown {
		files[n] = text
	}
	for n, text := range imports {
		files[n] = text
	}
	files[name] = schema
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(files),
	})}
	out, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, fmt.Errorf("parse PROTOBUF schema: %w", err)
	}
	return out[0], nil
}

// ErrSeveral says that a schema has several messages and no name tells which is meant.
var ErrSeveral = errors.New("the schema has several messages; a full schema name must tell which")

// ErrNoMessage says that a schema has no message of the name.
var ErrNoMessage = errors.New("the schema has no such message")

// Message finds a message by its name, full or without its package; without a name there must be just one.
func Message(f protoreflect.FileDescriptor, name string) (protoreflect.MessageDescriptor, error) {
	ms := f.Messages()
	if name == "" {
		switch ms.Len() {
		case 0:
			return nil, ErrNoMessage
		case 1:
			return ms.Get(0), nil
		}
		return nil, ErrSeveral
	}
	if m := find(ms, name); m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("%s: %w", name, ErrNoMessage)
}

func find(ms protoreflect.MessageDescriptors, name string) protoreflect.MessageDescriptor {
	for i := range ms.Len() {
		m := ms.Get(i)
		if string(m.FullName()) == name || string(m.Name()) == name {
			return m
		}
		if inner := find(m.Messages(), name); inner != nil {
			return inner
		}
	}
	return nil
}

// Indexes are the path to a message in its file, as the registry's wire format holds it.
func Indexes(m protoreflect.MessageDescriptor) []int {
	if parent, ok := m.Parent().(protoreflect.MessageDescriptor); ok {
		return append(Indexes(parent), m.Index())
	}
	return []int{m.Index()}
}

// At finds a message by its path.
func At(f protoreflect.FileDescriptor, path []int) (protoreflect.MessageDescriptor, error) {
	ms := f.Messages()
	var m protoreflect.MessageDescriptor
	for _, i := range path {
		if i < 0 || i >= ms.Len() {
			return nil, fmt.Errorf("the schema has no message %v", path)
		}
		m = ms.Get(i)
		ms = m.Messages()
	}
	if m == nil {
		return nil, errors.New("an empty path to a message")
	}
	return m, nil
}

// The messages that stand for values of their own.
const (
	decimalName   = "confluent.type.Decimal"
	dateName      = "google.type.Date"
	timeName      = "google.type.TimeOfDay"
	timestampName = "google.protobuf.Timestamp"
)

var wrappers = map[protoreflect.FullName]bool{
	"google.protobuf.BoolValue": true, "google.protobuf.Int32Value": true, "google.protobuf.Int64Value": true,
	"google.protobuf.UInt32Value": true, "google.protobuf.UInt64Value": true, "google.protobuf.FloatValue": true,
	"google.protobuf.DoubleValue": true, "google.protobuf.StringValue": true, "google.protobuf.BytesValue": true,
}

// shape is how a value is read and written.
type shape uint8

const (
	plain shape = iota // a scalar of the field's own
	decimal
	date
	timeOfDay
	timestamp
	wrapped // a scalar in a message of one field
	message
)

// shapeOf tells a field's shape. Wrappers count as such only where the format says that NULL is written so.
func shapeOf(f protoreflect.FieldDescriptor, nullable string) shape {
	if f.Kind() != protoreflect.MessageKind && f.Kind() != protoreflect.GroupKind {
		return plain
	}
	switch name := f.Message().FullName(); {
	case name == decimalName:
		return decimal
	case name == dateName:
		return date
	case name == timeName:
		return timeOfDay
	case name == timestampName:
		return timestamp
	case wrappers[name] && nullable == Wrapper:
		return wrapped
	}
	return message
}

// Connect is a message's schema in Connect's model.
func Connect(m protoreflect.MessageDescriptor, nullable string) *connect.Schema {
	left := maxExpanded
	return connectMessage(m, nullable, 0, &left)
}

// maxExpanded bounds the tree that messages within messages unfold to.
const maxExpanded = 1 << 16

func connectMessage(m protoreflect.MessageDescriptor, nullable string, depth int, left *int) *connect.Schema {
	s := &connect.Schema{Kind: connect.Struct}
	if *left--; *left < 0 || depth > connect.MaxDepth {
		return &connect.Schema{}
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		s.Fields = append(s.Fields, connect.Field{Name: string(f.Name()), Schema: connectField(f, nullable, depth, left)})
	}
	return s
}

func connectField(f protoreflect.FieldDescriptor, nullable string, depth int, left *int) *connect.Schema {
	switch {
	case f.IsMap():
		return &connect.Schema{
			Kind: connect.Map, Key: connectValue(f.MapKey(), nullable, depth+1, left), Elem: connectValue(f.MapValue(), nullable, depth+1, left),
		}
	case f.IsList():
		return &connect.Schema{Kind: connect.Array, Elem: connectValue(f, nullable, depth+1, left)}
	}
	return connectValue(f, nullable, depth, left)
}

var connectKinds = [...]connect.Kind{
	protoreflect.BoolKind: connect.Boolean, protoreflect.Int32Kind: connect.Int32, protoreflect.Sint32Kind: connect.Int32,
	protoreflect.Sfixed32Kind: connect.Int32, protoreflect.Uint32Kind: connect.Int64, protoreflect.Fixed32Kind: connect.Int64,
	protoreflect.Int64Kind: connect.Int64, protoreflect.Sint64Kind: connect.Int64, protoreflect.Sfixed64Kind: connect.Int64,
	protoreflect.Uint64Kind: connect.Int64, protoreflect.Fixed64Kind: connect.Int64, protoreflect.FloatKind: connect.Float32,
	protoreflect.DoubleKind: connect.Float64, protoreflect.StringKind: connect.String, protoreflect.BytesKind: connect.Bytes,
	protoreflect.EnumKind: connect.String,
}

// connectValue is the schema of a field's single value.
func connectValue(f protoreflect.FieldDescriptor, nullable string, depth int, left *int) *connect.Schema {
	switch shapeOf(f, nullable) {
	case plain:
		return &connect.Schema{Kind: connectKinds[f.Kind()]}
	case decimal:
		const defaultPrecision = 64
		params := meta(f)
		number := func(name string, otherwise int) int {
			if n, err := strconv.Atoi(params[name]); err == nil && n >= 0 && n < 1<<15 {
				return n
			}
			return otherwise
		}
		return &connect.Schema{
			Kind: connect.Bytes, Logical: connect.Decimal, Precision: number("precision", defaultPrecision), Scale: number("scale", 0),
		}
	case date:
		return &connect.Schema{Kind: connect.Int32, Logical: connect.Date}
	case timeOfDay:
		return &connect.Schema{Kind: connect.Int32, Logical: connect.Time}
	case timestamp:
		return &connect.Schema{Kind: connect.Int64, Logical: connect.Timestamp}
	case wrapped:
		return &connect.Schema{Kind: connectKinds[f.Message().Fields().ByNumber(1).Kind()]}
	}
	return connectMessage(f.Message(), nullable, depth+1, left)
}

// meta reads the parameters of the option confluent.field_meta.
func meta(f protoreflect.FieldDescriptor) map[string]string {
	out := map[string]string{}
	f.Options().ProtoReflect().Range(func(o protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if o.FullName() != "confluent.field_meta" || o.Message() == nil {
			return true
		}
		params := o.Message().Fields().ByName("params")
		if params == nil || !params.IsMap() {
			return true
		}
		v.Message().Get(params).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			out[k.String()] = v.String()
			return true
		})
		return true
	})
	return out
}
