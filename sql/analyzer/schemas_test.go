package analyzer_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/types"
)

// registered answers as a registry would that knows topic t alone.
type registered struct{}

func (registered) Infer(r analyzer.SchemaRequest) ([]types.Field, error) {
	id := r.Format.Props["SCHEMA_ID"]
	switch {
	case r.Topic == "down":
		return nil, fmt.Errorf("ask: %w", analyzer.ErrNoRegistry)
	case r.Topic == "odd":
		return nil, errors.New("it stands alone")
	case r.Topic != "t" && id == "":
		return nil, fmt.Errorf("ask: %w", analyzer.ErrNoSchema)
	case r.Key && r.Alone:
		return []types.Field{{Name: "ROWKEY", Type: types.Int}}, nil
	case r.Key:
		return []types.Field{{Name: "ID", Type: types.Int}}, nil
	case r.Alone:
		return []types.Field{{Name: "ROWVAL", Type: types.StructOf(types.Field{Name: "V", Type: types.Int})}}, nil
	case id != "":
		return []types.Field{{Name: "v", Type: types.Int}, {Name: "more", Type: types.String}}, nil
	}
	return []types.Field{{Name: "V", Type: types.Int}, {Name: "W", Type: types.Timestamp}}, nil
}

func infer(t *testing.T, cat *catalog.Catalog, text string) (analyzer.Result, error) {
	t.Helper()
	stmt, err := parser.ParseOne(text)
	if err != nil {
		t.Fatal(err)
	}
	return analyzer.New(testFunctions, models{}, analyzer.Options{Schemas: registered{}, DefaultPartitions: 1}).Analyze(stmt, cat, text, nil)
}

// TestInference: what CREATE leaves out comes from the registry, per side.
func TestInference(t *testing.T) {
	for text, want := range map[string]string{
		`CREATE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO');`:                                          "`V` INTEGER, `W` TIMESTAMP",
		`CREATE STREAM s (k STRING KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='PROTOBUF');`:                       "`K` STRING KEY, `V` INTEGER, `W` TIMESTAMP",
		`CREATE TABLE s WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR');`:                                              "`ROWKEY` INTEGER KEY, `V` INTEGER, `W` TIMESTAMP",
		`CREATE TABLE s WITH (KAFKA_TOPIC='t', FORMAT='PROTOBUF');`:                                             "`ID` INTEGER KEY, `V` INTEGER, `W` TIMESTAMP",
		`CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='t', FORMAT='AVRO');`:                                        "`ROWKEY` INTEGER KEY, `X` INTEGER",
		`CREATE STREAM s WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO', WRAP_SINGLE_VALUE=false);`:                 "`ROWVAL` STRUCT<`V` INTEGER>",
		`CREATE STREAM s WITH (KAFKA_TOPIC='x', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=3);`:                       "`v` INTEGER, `more` STRING",
		`CREATE STREAM s (h BYTES HEADER('h')) WITH (KAFKA_TOPIC='t', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');`: "`H` BYTES HEADER('h'), `ROWKEY` INTEGER KEY, `V` INTEGER, `W` TIMESTAMP",
	} {
		r, err := infer(t, &catalog.Catalog{}, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := r.(*analyzer.CreateSource).Source.Schema.String(); got != want {
			t.Errorf("%s\ngot %s, want %s", text, got, want)
		}
	}
}

// TestInferenceRefused: each way to fail has its code; so has a sink that its schema does not fit.
func TestInferenceRefused(t *testing.T) {
	r, err := infer(t, &catalog.Catalog{}, "CREATE STREAM src (k STRING KEY, `v` INT, `w` INT) WITH (KAFKA_TOPIC='src', VALUE_FORMAT='JSON');")
	if err != nil {
		t.Fatal(err)
	}
	cat := (&catalog.Catalog{}).WithSource(r.(*analyzer.CreateSource).Source)
	for text, code := range map[string]string{
		`CREATE STREAM s WITH (KAFKA_TOPIC='unknown', VALUE_FORMAT='AVRO');`:                            "schema.not-found",
		`CREATE STREAM s WITH (KAFKA_TOPIC='down', VALUE_FORMAT='AVRO');`:                               "schema.registry",
		`CREATE STREAM s WITH (KAFKA_TOPIC='odd', VALUE_FORMAT='AVRO');`:                                "schema.invalid",
		`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1);`:       "with.schema-id-columns",
		`CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', VALUE_SCHEMA_ID=1);`:       "with.schema-id-format",
		"CREATE STREAM s WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT k, `w` FROM src;":      "schema.mismatch",
		"CREATE STREAM s WITH (VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT k, `w`, `v` FROM src;": "schema.mismatch",
		`CREATE STREAM s (v ARRAY<ARRAY<INT>>) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='PROTOBUF');`:        "format.type",
		`CREATE TABLE s (v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO');`:                           "key.missing",
	} {
		_, err := infer(t, cat, text)
		var e *ast.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s\ngot %v, want %s", text, err, code)
		}
	}
	as, err := infer(t, cat, "CREATE STREAM s_out WITH (FORMAT='AVRO', VALUE_SCHEMA_ID=1) AS SELECT k, `v` FROM src;")
	if err != nil {
		t.Fatal(err)
	}
	if got := as.(*analyzer.CreateAs).Sink.KeyFormat.Props["FULL_SCHEMA_NAME"]; got != "io.confluent.ksql.avro_schemas.SOutKey" {
		t.Errorf("the key's record is called %s", got)
	}
}
