package format

import (
	"fmt"

	"github.com/millrace/millrace/engine/format/avro"
	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/engine/format/jsonsr"
	"github.com/millrace/millrace/engine/format/protobuf"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Infer gives the columns that a registry knows of a topic's key or value: of the schema of the number in the format's properties, with
// names as they are, else of the subject's last one, with names in upper case. Alone says that the schema stands for a single column,
// ROWKEY or ROWVAL.
func Infer(f plan.Format, opts Options, alone bool) ([]types.Field, error) {
	if opts.Schemas == nil {
		return nil, fmt.Errorf("%w: there is no schema registry", ErrUnavailable)
	}
	id, err := schemaID(f)
	if err != nil {
		return nil, err
	}
	var s registry.Schema
	if id != 0 {
		s, err = opts.Schemas.ByID(id)
	} else {
		_, s, err = opts.Schemas.Latest(registry.Subject(opts.Topic, opts.Key))
	}
	if err != nil {
		return nil, err
	}
	return Columns(f, s, opts.Key, alone, id == 0)
}

// Columns gives the columns of a schema.
func Columns(f plan.Format, s registry.Schema, key, alone, upper bool) ([]types.Field, error) {
	if s.Kind != schemaKinds[f.Name] {
		return nil, fmt.Errorf("the schema is %s, not one of format %s", s.Kind, f.Name)
	}
	c, err := connectSchema(f, s)
	if err != nil {
		return nil, err
	}
	name := "ROWVAL"
	if key {
		name = "ROWKEY"
	}
	return connect.Columns(c, alone, name, upper)
}

func connectSchema(f plan.Format, s registry.Schema) (*connect.Schema, error) {
	switch s.Kind {
	case registry.Avro:
		parsed, err := avro.Parse(s.Text)
		if err != nil {
			return nil, err
		}
		return parsed.Connect(), nil
	case registry.JSON:
		return jsonsr.Parse(s.Text)
	}
	file, err := parseProtobuf(s)
	if err != nil {
		return nil, err
	}
	m, err := protobuf.Message(file, f.Props[propSchemaName])
	if err != nil {
		return nil, err
	}
	return protobuf.Connect(m, f.Props[propNullable]), nil
}
