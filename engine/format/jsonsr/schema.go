// Package jsonsr reads JSON Schemas as columns, and writes columns as JSON Schemas, as ksqlDB's JSON_SR does. The values themselves are
// plain JSON behind the registry's header and are read by the JSON decoder; the schema is for inference and for others to know.
package jsonsr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
)

const (
	javaNames = "org.apache.kafka.connect.data."
	maxText   = 4 << 20
)

// members keeps the order in which an object's members are written.
type members struct {
	names  []string
	values map[string]json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &m.values); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return err
		}
		m.names = append(m.names, name.(string))
	}
	return nil
}

type schemaDoc struct {
	Type        json.RawMessage   `json:"type"`
	Title       string            `json:"title"`
	ConnectType string            `json:"connect.type"`
	Index       *int              `json:"connect.index"`
	Params      map[string]string `json:"connect.parameters"`
	Properties  *members          `json:"properties"`
	Additional  json.RawMessage   `json:"additionalProperties"`
	Items       json.RawMessage   `json:"items"`
	OneOf       []json.RawMessage `json:"oneOf"`
	AnyOf       []json.RawMessage `json:"anyOf"`
	AllOf       []json.RawMessage `json:"allOf"`
	Enum        []any             `json:"enum"`
	Ref         string            `json:"$ref"`
}

// Parse reads a schema into Connect's model. What Connect has no form of is an unsupported part.
func Parse(schema string) (*connect.Schema, error) {
	if len(schema) > maxText {
		return nil, errors.New("parse JSON schema: too long")
	}
	p := parser{root: json.RawMessage(schema), left: 1 << 16}
	s, err := p.parse(p.root, 0)
	if err != nil {
		return nil, fmt.Errorf("parse JSON schema: %w", err)
	}
	return s, nil
}

type parser struct {
	root json.RawMessage
	left int // schemas that references may still unfold to
}

func (p *parser) parse(text json.RawMessage, depth int) (*connect.Schema, error) {
	if p.left--; p.left < 0 || depth > connect.MaxDepth {
		return &connect.Schema{}, nil
	}
	if t := bytes.TrimSpace(text); len(t) == 0 || t[0] != '{' {
		return &connect.Schema{}, nil // true, false: anything goes
	}
	var d schemaDoc
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	if d.Ref != "" {
		target, err := p.resolve(d.Ref)
		if err != nil {
			return nil, err
		}
		return p.parse(target, depth+1)
	}
	for _, list := range [][]json.RawMessage{d.OneOf, d.AnyOf, d.AllOf} {
		if len(list) > 0 {
			return p.choice(list, depth)
		}
	}
	switch name := d.typeName(); name {
	case "boolean":
		return &connect.Schema{Kind: connect.Boolean}, nil
	case "integer":
		return d.integer(), nil
	case "number":
		return d.number(), nil
	case "string":
		if d.ConnectType == "bytes" {
			return &connect.Schema{Kind: connect.Bytes}, nil
		}
		return &connect.Schema{Kind: connect.String}, nil
	case "array":
		return p.array(&d, depth)
	case "object":
		return p.object(&d, depth)
	}
	if len(d.Enum) > 0 {
		return &connect.Schema{Kind: connect.String}, nil
	}
	return &connect.Schema{}, nil
}

// typeName is the type, or the one beside null of a list of two.
func (d *schemaDoc) typeName() string {
	var one string
	if json.Unmarshal(d.Type, &one) == nil {
		return one
	}
	var list []string
	if json.Unmarshal(d.Type, &list) != nil {
		return ""
	}
	list = slices.DeleteFunc(list, func(s string) bool { return s == "null" })
	if len(list) == 1 {
		return list[0]
	}
	return ""
}

// choice is the one that is not null; several others are a record with a field each.
func (p *parser) choice(list []json.RawMessage, depth int) (*connect.Schema, error) {
	out := &connect.Schema{Kind: connect.Struct}
	for i, text := range list {
		var d schemaDoc
		if json.Unmarshal(text, &d) == nil && string(d.Type) == `"null"` {
			continue
		}
		s, err := p.parse(text, depth+1)
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, connect.Field{Name: "connect_union_field_" + strconv.Itoa(i), Schema: s})
	}
	switch len(out.Fields) {
	case 0:
		return &connect.Schema{}, nil
	case 1:
		return out.Fields[0].Schema, nil
	}
	return out, nil
}

func (d *schemaDoc) integer() *connect.Schema {
	s := &connect.Schema{Kind: connect.Int64}
	switch d.ConnectType {
	case "int8", "int16", "int32":
		s.Kind = connect.Int32
	}
	switch d.Title {
	case javaNames + "Date":
		s.Kind, s.Logical = connect.Int32, connect.Date
	case javaNames + "Time":
		s.Kind, s.Logical = connect.Int32, connect.Time
	case javaNames + "Timestamp":
		s.Kind, s.Logical = connect.Int64, connect.Timestamp
	}
	return s
}

func (d *schemaDoc) number() *connect.Schema {
	if d.Title != javaNames+"Decimal" {
		return &connect.Schema{Kind: connect.Float64}
	}
	const defaultPrecision = 64
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(d.Params[name]); err == nil && n >= 0 && n < 1<<15 {
			return n
		}
		return otherwise
	}
	return &connect.Schema{
		Kind: connect.Bytes, Logical: connect.Decimal, Precision: number("connect.decimal.precision", defaultPrecision), Scale: number("scale", 0),
	}
}

func (p *parser) array(d *schemaDoc, depth int) (*connect.Schema, error) {
	if d.Items == nil {
		return &connect.Schema{}, nil
	}
	elem, err := p.parse(d.Items, depth+1)
	if err != nil {
		return nil, err
	}
	if d.ConnectType == "map" && elem.Kind == connect.Struct && len(elem.Fields) == 2 {
		return &connect.Schema{Kind: connect.Map, Key: elem.Fields[0].Schema, Elem: elem.Fields[1].Schema}, nil
	}
	return &connect.Schema{Kind: connect.Array, Elem: elem}, nil
}

func (p *parser) object(d *schemaDoc, depth int) (*connect.Schema, error) {
	if d.ConnectType == "map" || d.Properties == nil && d.Additional != nil {
		elem, err := p.parse(d.Additional, depth+1)
		return &connect.Schema{Kind: connect.Map, Key: &connect.Schema{Kind: connect.String}, Elem: elem}, err
	}
	s := &connect.Schema{Kind: connect.Struct}
	if d.Properties == nil {
		return s, nil
	}
	index := map[string]int{}
	for i, name := range d.Properties.names {
		var head schemaDoc
		text := d.Properties.values[name]
		// A property that cannot be read fails below.
		if json.Unmarshal(text, &head) == nil && head.Index != nil {
			i = *head.Index
		}
		index[name] = i
		f, err := p.parse(text, depth+1)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", name, err)
		}
		s.Fields = append(s.Fields, connect.Field{Name: name, Schema: f})
	}
	slices.SortStableFunc(s.Fields, func(a, b connect.Field) int { return index[a.Name] - index[b.Name] })
	return s, nil
}

// resolve follows a reference within the schema: #/definitions/Name.
func (p *parser) resolve(ref string) (json.RawMessage, error) {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("reference %s leads out of the schema", ref)
	}
	at := p.root
	for _, step := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			continue
		}
		var o map[string]json.RawMessage
		if err := json.Unmarshal(at, &o); err != nil || o[step] == nil {
			return nil, fmt.Errorf("reference %s leads nowhere", ref)
		}
		at = o[step]
	}
	return at, nil
}

type object map[string]any

// Derive makes the schema of columns: an object of nullable properties, or the bare type of the single column.
func Derive(cols []types.Field, bare bool) (string, error) {
	var s any
	if bare {
		s = nullable(cols[0].Type, nil)
	} else {
		s = record(cols)
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("derive a JSON schema: %w", err)
	}
	return string(b), nil
}

func record(fields []types.Field) object {
	props := object{}
	for i, f := range fields {
		props[f.Name] = nullable(f.Type, object{"connect.index": i})
	}
	return object{"type": "object", "properties": props}
}

func nullable(t *types.Type, o object) object {
	out := object{"oneOf": []any{object{"type": "null"}, typ(t)}}
	maps.Copy(out, o)
	return out
}

var forms = map[types.Kind]object{
	types.KindBoolean:   {"type": "boolean", "connect.type": "boolean"},
	types.KindInt:       {"type": "integer", "connect.type": "int32"},
	types.KindBigint:    {"type": "integer", "connect.type": "int64"},
	types.KindDouble:    {"type": "number", "connect.type": "float64"},
	types.KindString:    {"type": "string"},
	types.KindBytes:     {"type": "string", "connect.type": "bytes"},
	types.KindDate:      {"type": "integer", "title": javaNames + "Date", "connect.type": "int32", "connect.version": 1},
	types.KindTime:      {"type": "integer", "title": javaNames + "Time", "connect.type": "int32", "connect.version": 1},
	types.KindTimestamp: {"type": "integer", "title": javaNames + "Timestamp", "connect.type": "int64", "connect.version": 1},
}

func typ(t *types.Type) object {
	switch t.Kind {
	case types.KindDecimal:
		return object{
			"type": "number", "title": javaNames + "Decimal", "connect.type": "bytes", "connect.version": 1,
			"connect.parameters": object{"scale": strconv.Itoa(t.Scale), "connect.decimal.precision": strconv.Itoa(t.Precision)},
		}
	case types.KindArray:
		return object{"type": "array", "items": nullable(t.Elem, nil)}
	case types.KindMap:
		return object{"type": "object", "connect.type": "map", "additionalProperties": nullable(t.Elem, nil)}
	case types.KindStruct:
		return record(t.Fields)
	}
	return forms[t.Kind]
}
