// Package avro reads and writes Avro binary by schema, straight between bytes and columns.
//
// Parse reads a schema. NewReader compiles the schema that bytes were written with, and the columns that are wanted of them, into a
// tree that decodes a record without allocating for flat columns; whatever nobody wants is skipped. NewWriter compiles columns into
// the schema that is to be written. Derive makes the schema that ksqlDB would give to columns. There is no reader's schema: columns
// take the writer's fields by name, and a column that has no field is NULL.
//
// The decoders are this package's own: a library's generic path would make an any of every value. Bytes are hostile: every length is
// held against what is left, nesting and numbers of elements are bounded.
package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/engine/format/connect"
)

type kind uint8

const (
	null kind = iota
	boolean
	integer
	long
	float
	double
	binary
	text
	fixed
	enum
	array
	entries // an array of records with key and value, which stands for a map
	mapping
	record
	union
)

// Schema is a parsed schema. Named types that refer to themselves make it a graph.
type Schema struct {
	kind             kind
	name             string // full, of record, enum and fixed
	logical          connect.Logical
	precision, scale int
	size             int // fixed
	symbols          []string
	fields           []field
	items            *Schema // array, entries (the record), map
	branches         []*Schema
	isMap            bool // entries that Connect marked as a map
}

type field struct {
	name       string
	schema     *Schema
	def        any // the JSON of the default
	hasDefault bool
}

// Name is the full name of a record, enum or fixed.
func (s *Schema) Name() string { return s.name }

type parser struct {
	named map[string]*Schema
	depth int
}

// maxText bounds a schema, and maxDepth its nesting.
const (
	maxText  = 4 << 20
	maxDepth = 128
)

// Parse reads a schema from JSON.
func Parse(schema string) (*Schema, error) {
	if len(schema) > maxText {
		return nil, errors.New("parse AVRO schema: too long")
	}
	d := json.NewDecoder(strings.NewReader(schema))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("parse AVRO schema: %w", err)
	}
	p := parser{named: map[string]*Schema{}}
	s, err := p.parse(v, "")
	if err != nil {
		return nil, fmt.Errorf("parse AVRO schema: %w", err)
	}
	return s, nil
}

var primitives = map[string]kind{
	"null": null, "boolean": boolean, "int": integer, "long": long, "float": float, "double": double, "bytes": binary, "string": text,
}

func (p *parser) parse(v any, space string) (*Schema, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch v := v.(type) {
	case string:
		if k, ok := primitives[v]; ok {
			return &Schema{kind: k}, nil
		}
		if s, ok := p.named[qualified(v, space)]; ok {
			return s, nil
		}
		if s, ok := p.named[v]; ok {
			return s, nil
		}
		return nil, fmt.Errorf("unknown type %q", v)
	case []any:
		u := &Schema{kind: union}
		for _, b := range v {
			s, err := p.parse(b, space)
			if err != nil {
				return nil, err
			}
			if s.kind == union {
				return nil, errors.New("a union within a union")
			}
			u.branches = append(u.branches, s)
		}
		if len(u.branches) == 0 {
			return nil, errors.New("an empty union")
		}
		return u, nil
	case map[string]any:
		return p.object(v, space)
	}
	return nil, fmt.Errorf("%T is no schema", v)
}

func qualified(name, space string) string {
	if strings.Contains(name, ".") || space == "" {
		return name
	}
	return space + "." + name
}

func (p *parser) object(o map[string]any, space string) (*Schema, error) {
	name, ok := o["type"].(string)
	if !ok {
		return p.parse(o["type"], space)
	}
	switch name {
	case "record", "error", "enum", "fixed":
		return p.namedType(name, o, space)
	case "array":
		items, err := p.parse(o["items"], space)
		if err != nil {
			return nil, err
		}
		s := &Schema{kind: array, items: items}
		if len(items.fields) == 2 && strings.EqualFold(items.fields[0].name, "key") && strings.EqualFold(items.fields[1].name, "value") {
			s.kind = entries
			s.isMap = items.isMap || o["connect.internal.type"] == "Map"
		}
		return s, nil
	case "map":
		items, err := p.parse(o["values"], space)
		return &Schema{kind: mapping, items: items}, err
	}
	s, err := p.parse(name, space)
	if err != nil || s.name != "" {
		return s, err
	}
	s.logicalType(o)
	return s, nil
}

// logicalType reads what a primitive or fixed means. What is not known stays what it is, as the specification has it. A decimal
// without a precision has Connect's default.
func (s *Schema) logicalType(o map[string]any) {
	const defaultPrecision = 64
	number := func(name string, otherwise int) int {
		if n, ok := o[name].(json.Number); ok {
			if v, err := n.Int64(); err == nil && v >= 0 && v < 1<<15 {
				return int(v)
			}
		}
		return otherwise
	}
	logical, _ := o["logicalType"].(string)
	connectName, _ := o["connect.name"].(string)
	is := func(kind kind, name, java string) bool {
		return s.kind == kind && (logical == name || connectName == java)
	}
	switch {
	case (s.kind == binary || s.kind == fixed) && logical == "decimal":
		s.logical, s.precision, s.scale = connect.Decimal, number("precision", defaultPrecision), number("scale", 0)
	case is(integer, "date", "org.apache.kafka.connect.data.Date"):
		s.logical = connect.Date
	case is(integer, "time-millis", "org.apache.kafka.connect.data.Time"):
		s.logical = connect.Time
	case is(long, "timestamp-millis", "org.apache.kafka.connect.data.Timestamp"):
		s.logical = connect.Timestamp
	}
}

func (p *parser) namedType(kindName string, o map[string]any, space string) (*Schema, error) {
	name, _ := o["name"].(string)
	if name == "" {
		return nil, fmt.Errorf("a %s without a name", kindName)
	}
	if ns, ok := o["namespace"].(string); ok && !strings.Contains(name, ".") {
		space = ns
	}
	name = qualified(name, space)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space = name[:i]
	}
	if _, twice := p.named[name]; twice {
		return nil, fmt.Errorf("type %s is defined twice", name)
	}
	s := &Schema{name: name}
	p.named[name] = s
	switch kindName {
	case "enum":
		s.kind = enum
		symbols, _ := o["symbols"].([]any)
		for _, x := range symbols {
			symbol, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("enum %s has a symbol that is no string", name)
			}
			s.symbols = append(s.symbols, symbol)
		}
		return s, nil
	case "fixed":
		s.kind = fixed
		n, _ := o["size"].(json.Number)
		size, err := n.Int64()
		if err != nil || size < 0 || size > 1<<30 {
			return nil, fmt.Errorf("fixed %s has no size", name)
		}
		s.size = int(size)
		s.logicalType(o)
		return s, nil
	}
	s.kind = record
	s.isMap = o["connect.internal.type"] == "MapEntry"
	return s, p.fields(s, o, space)
}

func (p *parser) fields(s *Schema, o map[string]any, space string) error {
	list, ok := o["fields"].([]any)
	if !ok {
		return fmt.Errorf("record %s has no fields", s.name)
	}
	for _, x := range list {
		f, _ := x.(map[string]any)
		name, _ := f["name"].(string)
		if name == "" {
			return fmt.Errorf("record %s has a field without a name", s.name)
		}
		t, err := p.parse(f["type"], space)
		if err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
		def, has := f["default"]
		s.fields = append(s.fields, field{name: name, schema: t, def: def, hasDefault: has})
	}
	return nil
}

// nullable splits a union of null and one other type.
func (s *Schema) nullable() (inner *Schema, nullAt int, ok bool) {
	if s.kind != union || len(s.branches) != 2 {
		return nil, 0, false
	}
	for i, b := range s.branches {
		if b.kind == null && s.branches[1-i].kind != null {
			return s.branches[1-i], i, true
		}
	}
	return nil, 0, false
}
