package qtt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// referenceSpec is a schema that another imports.
type referenceSpec struct{ Name, Schema string }

// schemaKind is the kind of a topic's schemas, by its format.
func schemaKind(f formatName) string {
	switch f.Format {
	case "PROTOBUF":
		return registry.Protobuf
	case "JSON", "JSON_SR":
		return registry.JSON
	}
	return registry.Avro
}

// registerTopic puts the schemas of a topic into the registry, the key's first.
func registerTopic(m *registry.Memory, t *Topic) {
	for _, side := range []struct {
		key        bool
		format     formatName
		text       json.RawMessage
		id         int
		references []referenceSpec
	}{{true, t.KeyFormat, t.KeySchema, t.KeySchemaID, t.KeySchemaReferences}, {false, t.ValueFormat, t.ValueSchema, t.ValueSchemaID, t.ValueSchemaReferences}} {
		if isNull(side.text) {
			continue
		}
		s := registry.Schema{Kind: schemaKind(side.format), Text: string(side.text)}
		if s.Kind == registry.Protobuf {
			s.Text = Unquote(side.text)
		}
		for _, r := range side.references {
			s.References = append(s.References, registry.Reference{Name: r.Name, Text: r.Schema})
		}
		m.Put(registry.Subject(t.Name, side.key), s, side.id)
	}
}

// Register puts the schemas of the case's topics into the registry, and what they refer to under its own name.
func (c *Case) Register(m *registry.Memory) {
	for i := range c.Topics {
		t := &c.Topics[i]
		for _, r := range append(append([]referenceSpec{}, t.KeySchemaReferences...), t.ValueSchemaReferences...) {
			m.Put(r.Name, registry.Schema{Kind: registry.Protobuf, Text: r.Schema}, 0)
		}
		registerTopic(m, t)
	}
}

// readTopics are the topics that CREATE statements without a query read, and whether the statement says how many partitions there are.
func readTopics(c *Case) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.Statements {
		stmt, err := parser.ParseOne(s)
		create, ok := stmt.(*ast.CreateSource)
		if err != nil || !ok || create.With == nil {
			continue // what is wrong with it shows when it is executed
		}
		topic, sized := "", false
		for _, p := range create.With.Items {
			if text, ok := p.Value.(*ast.StringLit); ok && strings.EqualFold(p.Name.Name, "KAFKA_TOPIC") {
				topic = text.Value
			}
			sized = sized || strings.EqualFold(p.Name.Name, "PARTITIONS")
		}
		out[topic] = out[topic] || sized
	}
	return out
}

// registerRead registers the schemas of the topics that are read, and returns what does so for the others: their numbers come behind
// those of the schemas that the CREATE statements register.
func registerRead(m *registry.Memory, c *Case, read map[string]bool) (others func()) {
	for i := range c.Topics {
		if _, ok := read[c.Topics[i].Name]; ok {
			registerTopic(m, &c.Topics[i])
		}
	}
	return func() {
		for i := range c.Topics {
			if _, ok := read[c.Topics[i].Name]; !ok {
				registerTopic(m, &c.Topics[i])
			}
		}
	}
}

// writes says whether a statement has a query.
func writes(statement string) bool {
	stmt, err := parser.ParseOne(statement)
	if err != nil {
		return false
	}
	_, create := stmt.(*ast.CreateAs)
	_, insert := stmt.(*ast.InsertSelect)
	return create || insert
}

// side is the key or value of a topic as the case writes it.
type side struct {
	schemas registry.Registry
	topic   string
	key     bool
	format  plan.Format
	cols    []types.Column
}

// layout is how the bytes of a side are made: the columns they hold, and the format that makes them.
func (s *side) layout(schema registry.Schema, id int) (plan.Format, []format.Column, error) {
	f := plan.Format{Name: s.format.Name, Props: map[string]string{}}
	for k, v := range s.format.Props {
		f.Props[k] = v
	}
	f.Props["SCHEMA_ID"] = strconv.Itoa(id)
	wrap := true
	fields, err := format.Columns(f, schema, s.key, false, false)
	if errors.Is(err, connect.ErrAnonymous) {
		wrap = false
		fields, err = format.Columns(f, schema, s.key, true, false)
	}
	f.Wrap = &wrap
	return f, columnsOf(fields), err
}

func columnsOf(fields []types.Field) []format.Column {
	out := make([]format.Column, len(fields))
	for i, f := range fields {
		out[i] = format.Column{Name: f.Name, Type: f.Type, Target: i}
	}
	return out
}

// plainLayout is that of a format without a registry: the source's own.
func (s *side) plainLayout() (plan.Format, []format.Column) {
	fields := make([]types.Field, len(s.cols))
	for i, c := range s.cols {
		fields[i] = types.Field{Name: c.Name, Type: c.Type}
	}
	f := s.format
	if f.Wrap == nil {
		wrap := true
		f.Wrap = &wrap
	}
	return f, columnsOf(fields)
}

// encode makes bytes of the JSON of a case, by the latest schema of the topic.
func (s *side) encode(spec json.RawMessage) ([]byte, error) {
	f, cols := s.plainLayout()
	if s.format.Name != "PROTOBUF_NOSR" {
		id, schema, err := s.schemas.Latest(registry.Subject(s.topic, s.key))
		if err == nil {
			f, cols, err = s.layout(schema, id)
		}
		if err != nil {
			return nil, err
		}
	}
	v, err := Parse(spec)
	if err != nil {
		return nil, err
	}
	v = named(v, wholeType(cols, *f.Wrap))
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dest := vectors(cols)
	opts := format.Options{Key: s.key, Schemas: s.schemas, Topic: s.topic}
	d, err := format.NewDecoder(plan.Format{Name: "JSON", Wrap: f.Wrap}, cols, opts)
	if err != nil {
		return nil, err
	}
	if err := d.Decode(text, dest); err != nil {
		return nil, err
	}
	e, err := format.NewEncoder(f, cols, opts)
	if err != nil {
		return nil, err
	}
	return e.Append([]byte{}, dest, 0)
}

// decode gives the JSON of bytes, by the schema that they name.
func (s *side) decode(b []byte) (string, error) {
	f, cols := s.plainLayout()
	if s.format.Name != "PROTOBUF_NOSR" {
		if len(b) < 5 {
			return "", fmt.Errorf("%x has no header", b)
		}
		id := int(binary.BigEndian.Uint32(b[1:]))
		schema, err := s.schemas.ByID(id)
		if err == nil {
			f, cols, err = s.layout(schema, id)
		}
		if err != nil {
			return "", err
		}
	}
	dest := vectors(cols)
	opts := format.Options{Key: s.key, Schemas: s.schemas, Topic: s.topic}
	d, err := format.NewDecoder(f, cols, opts)
	if err != nil {
		return "", err
	}
	if err := d.Decode(b, dest); err != nil {
		return "", err
	}
	for _, v := range dest {
		// Cases take empty bytes of a message for null.
		if s.format.Name == "PROTOBUF" && v.Type.Kind == types.KindBytes && len(v.Str(0)) == 0 {
			v.Nulls = v.Nulls.Set(0)
		}
	}
	e, err := format.NewEncoder(plan.Format{Name: "JSON", Wrap: f.Wrap}, cols, opts)
	if err != nil {
		return "", err
	}
	text, err := e.Append(nil, dest, 0)
	return string(text), err
}

func vectors(cols []format.Column) []*vector.Vector {
	out := make([]*vector.Vector, len(cols))
	for i, c := range cols {
		out[i] = vector.New(c.Type)
	}
	return out
}

// wholeType is the type of the JSON value that the columns make.
func wholeType(cols []format.Column, wrap bool) *types.Type {
	if !wrap {
		return cols[0].Type
	}
	var fields []types.Field
	for _, c := range cols {
		fields = append(fields, types.Field{Name: c.Name, Type: c.Type})
	}
	return types.StructOf(fields...)
}

// named gives the members of objects the names of the fields that they are meant for, whatever their case.
func named(v any, t *types.Type) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		if t.Kind == types.KindMap {
			for k, e := range x {
				out[k] = named(e, t.Elem)
			}
			return out
		}
		for _, f := range t.Fields {
			for k, e := range x {
				if _, exact := x[f.Name]; k == f.Name || !exact && strings.EqualFold(k, f.Name) {
					out[f.Name] = named(e, f.Type)
				}
			}
		}
		return out
	case []any:
		if t.Kind != types.KindArray {
			return v
		}
		for i, e := range x {
			x[i] = named(e, t.Elem)
		}
	}
	return v
}

// compact is JSON without spaces.
func compact(spec json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	err := json.Compact(&b, spec)
	return b.Bytes(), err
}
