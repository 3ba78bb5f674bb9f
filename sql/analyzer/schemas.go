package analyzer

import (
	"errors"
	"strings"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Schemas tells what columns a schema registry knows of.
type Schemas interface {
	// Infer gives the columns of a topic's key or value. The format's properties may name a schema by number: then the columns are that
	// schema's, as they are called there; else they are those of the topic's latest schema, in upper case. A schema that is not there
	// is ErrNoSchema; a registry that does not answer, ErrNoRegistry; anything else means that the schema has no columns.
	Infer(r SchemaRequest) ([]types.Field, error)
}

// SchemaRequest asks for the columns of one side of a topic. Alone says that the schema stands for a single column.
type SchemaRequest struct {
	Topic  string
	Key    bool
	Format plan.Format
	Alone  bool
}

// The errors that Schemas wraps.
var (
	ErrNoSchema   = errors.New("the schema does not exist")
	ErrNoRegistry = errors.New("the schema registry does not answer")
)

// infer fills in the columns that a CREATE leaves to the registry: those of a side without any whose format can tell them.
func (s *statement) infer(src *catalog.Source, w with) error {
	if err := s.idWithoutColumns(src, w); err != nil {
		return err
	}
	var keys, values []types.Column
	if len(src.Schema.Keys()) == 0 && formatRules[src.KeyFormat.Name].inference {
		fields, err := s.inferred(src.Topic, true, src.KeyFormat, src.KeyFormat.Name != "PROTOBUF", w)
		if err != nil {
			return err
		}
		if len(fields) > 1 {
			return fail("schema.invalid", w.span("KEY_SCHEMA_ID", "KEY_FORMAT", "FORMAT"), "the schema of the key has %d fields; a key that is inferred has one", len(fields))
		}
		keys = columnsOf(fields, types.RoleKey)
	}
	if len(src.Schema.Values()) == 0 && formatRules[src.ValueFormat.Name].inference {
		alone := w.has("WRAP_SINGLE_VALUE") && !w.items["WRAP_SINGLE_VALUE"].flag
		fields, err := s.inferred(src.Topic, false, src.ValueFormat, alone, w)
		if err != nil {
			return err
		}
		values = columnsOf(fields, types.RoleValue)
	}
	return complete(src, keys, values, w)
}

// idWithoutColumns: the number of a schema and columns exclude each other.
func (s *statement) idWithoutColumns(src *catalog.Source, w with) error {
	for _, side := range []struct {
		property string
		columns  []types.Column
	}{{"KEY_SCHEMA_ID", src.Schema.Keys()}, {"VALUE_SCHEMA_ID", src.Schema.Values()}} {
		if w.has(side.property) && len(side.columns) > 0 {
			return fail("with.schema-id-columns", w.span(side.property), "%s and declared columns exclude each other", side.property)
		}
	}
	return nil
}

// inferred asks for the columns of one side.
func (s *statement) inferred(topic string, key bool, f plan.Format, alone bool, w with) ([]types.Field, error) {
	side, property := "values", "VALUE"
	if key {
		side, property = "keys", "KEY"
	}
	at := w.span(property+"_SCHEMA_ID", property+"_FORMAT", "FORMAT")
	if err := s.available(f, at); err != nil {
		return nil, err
	}
	if s.opts.Schemas == nil {
		return nil, fail("schema.registry", at, "there is no schema registry to ask for the columns of topic %s", topic)
	}
	fields, err := s.opts.Schemas.Infer(SchemaRequest{Topic: topic, Key: key, Format: f, Alone: alone})
	switch {
	case err == nil:
		return fields, nil
	case errors.Is(err, ErrNoSchema):
		what := "topic " + topic
		if id, ok := f.Props[propSchemaID]; ok {
			what = "number " + id
		}
		return nil, advise(fail("schema.not-found", at, "the schema registry has no schema for the %s of %s", side, what), "declare the columns, or register a schema")
	case errors.Is(err, ErrNoRegistry):
		return nil, advise(fail("schema.registry", at, "the columns of topic %s cannot be asked for: %v", topic, err), "try again")
	}
	return nil, fail("schema.invalid", at, "the schema of the %s of topic %s has no columns for format %s: %v", side, topic, f.Name, err)
}

func columnsOf(fields []types.Field, role types.Role) []types.Column {
	out := make([]types.Column, len(fields))
	for i, f := range fields {
		out[i] = types.Column{Name: f.Name, Type: f.Type, Role: role}
	}
	return out
}

// complete puts the inferred columns behind the declared ones of their kind: headers, keys, values.
func complete(src *catalog.Source, keys, values []types.Column, w with) error {
	if len(keys)+len(values) == 0 {
		return nil
	}
	old := src.Schema
	var schema types.Schema
	if len(keys) == 0 {
		keys = old.Keys()
	}
	if len(values) == 0 {
		values = old.Values()
	}
	for _, list := range [][]types.Column{old.With(types.RoleHeader), keys, values} {
		for _, c := range list {
			if schema.Find(c.Name) >= 0 {
				return fail("name.duplicate-column", w.at, "column %s is there twice", types.QuoteName(c.Name))
			}
			if reserved(c.Name) {
				return fail("name.reserved-column", w.at, "%s is the name of a system column", types.QuoteName(c.Name))
			}
			schema.Columns = append(schema.Columns, c)
		}
	}
	src.Schema = schema
	return nil
}

// matchSchema holds the columns of a sink against the schema that its statement names by number: each must be there with its type and in
// its place.
func (s *statement) matchSchema(topic string, key bool, f plan.Format, cols []plan.OutColumn, w with) error {
	property := "VALUE_SCHEMA_ID"
	if key {
		property = "KEY_SCHEMA_ID"
	}
	if !w.has(property) || len(cols) == 0 {
		return nil
	}
	fields, err := s.inferred(topic, key, f, f.Wrap != nil && !*f.Wrap, w)
	if err != nil {
		return err
	}
	var changed, have []string
	for i, c := range cols {
		name := c.Name
		if key && f.Wrap != nil && !*f.Wrap && len(fields) == 1 {
			name = fields[0].Name // a bare key has no name of its own
		}
		if i >= len(fields) || fields[i].Name != name || !types.Equal(fields[i].Type, c.Type) {
			changed = append(changed, types.QuoteName(c.Name)+" "+c.Type.String())
		}
	}
	if changed == nil {
		return nil
	}
	for _, field := range fields {
		have = append(have, types.QuoteName(field.Name)+" "+field.Type.String())
	}
	return fail("schema.mismatch", w.span(property), "the schema has no %s where the query has it; it has %s", strings.Join(changed, ", "), strings.Join(have, ", "))
}
