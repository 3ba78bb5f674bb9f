package jsonsr

import (
	"testing"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
)

// TestColumns: what schemas of others mean.
func TestColumns(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":["null","number"]},"c":{"oneOf":[{"type":"null"},{"type":"string"}]}}}`:  "`b` BIGINT, `a` DOUBLE, `c` STRING",
		`{"type":"object","properties":{"b":{"type":"boolean","connect.index":1},"a":{"type":"integer","connect.type":"int16","connect.index":0}}}`: "`a` INTEGER, `b` BOOLEAN",
		`{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}},"l":{"type":"array","items":{"$ref":"#/definitions/P"}}},
			"definitions":{"P":{"type":"object","properties":{"x":{"type":"string","connect.type":"bytes"}}}}}`: "`m` MAP<STRING, STRING>, `l` ARRAY<STRUCT<`x` BYTES>>",
		`{"type":"object","properties":{"e":{"enum":["a"]},"any":true,"n":{"type":"null"},"at":{"type":"integer","title":"org.apache.kafka.connect.data.Timestamp"}}}`: "`e` STRING, `at` TIMESTAMP",
		`{"type":"object","properties":{"me":{"$ref":"#"},"x":{"type":"string"}}}`:                                                                                     "",
	} {
		s, err := Parse(schema)
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		fields, err := connect.Columns(s, false, "", false)
		if want == "" { // a schema within itself must only come to an end
			continue
		}
		var out types.Schema
		for _, f := range fields {
			out.Columns = append(out.Columns, types.Column{Name: f.Name, Type: f.Type})
		}
		if err != nil || out.String() != want {
			t.Errorf("%s\ngot %s (%v), want %s", schema, out, err, want)
		}
	}
	for _, bad := range []string{`{`, `{"type":"object","properties":7}`, `{"$ref":"#/nothing"}`, `{"$ref":"http://elsewhere/schema"}`} {
		if s, err := Parse(bad); err == nil {
			t.Errorf("%s was let through: %+v", bad, s)
		}
	}
}

// TestDerive: a derived schema gives the same columns again.
func TestDerive(t *testing.T) {
	fields := []types.Field{
		{Name: "Z", Type: types.Int},
		{Name: "b", Type: types.Bigint},
		{Name: "D", Type: types.DecimalOf(7, 3)},
		{Name: "T", Type: types.Time},
		{Name: "DAY", Type: types.Date},
		{Name: "AT", Type: types.Timestamp},
		{Name: "Y", Type: types.Bytes},
		{Name: "O", Type: types.Boolean},
		{Name: "M", Type: types.MapOf(types.String, types.ArrayOf(types.StructOf(types.Field{Name: "q", Type: types.Double})))},
	}
	text, err := Derive(fields, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := connect.Columns(s, false, "", false)
	if err != nil || !types.Equal(types.StructOf(got...), types.StructOf(fields...)) {
		t.Errorf("%s\ngave %v (%v)", text, types.StructOf(got...), err)
	}
	bare, err := Derive(fields[:1], true)
	if want := `{"oneOf":[{"type":"null"},{"connect.type":"int32","type":"integer"}]}`; err != nil || bare != want {
		t.Errorf("bare: %s, %v", bare, err)
	}
}

// FuzzParse: whatever parses has columns, or an error.
func FuzzParse(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#/definitions/x"}},"definitions":{"x":{"oneOf":[{"type":"null"},{"$ref":"#"}]}}}`)
	f.Add(`{"type":"array","items":{"type":["integer","null"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		for _, bare := range []bool{false, true} {
			if fields, err := connect.Columns(s, bare, "V", true); err == nil && len(fields) == 0 {
				t.Errorf("%s: neither columns nor an error", text)
			}
		}
	})
}
