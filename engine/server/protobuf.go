package server

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/format/protobuf"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// protoWriter writes StreamedRow objects whose rows are Protobuf messages, of a schema that the header shows:
//
//	[{"header":{"queryId":"q","protoSchema":"syntax = \"proto3\"; ..."}},
//	{"row":{"protobufBytes":"CAE="}}]
type protoWriter struct {
	streamedRowWriter
	schema string
	writer *protobuf.Writer
	vecs   []*vector.Vector
}

// outerMessage is the name of a row's message.
const outerMessage = "ConnectDefault1"

// prepare compiles the columns; some types have no form in Protobuf.
func (p *protoWriter) prepare(cols []engine.ResultColumn) error {
	fields, columns := make([]types.Field, len(cols)), make([]protobuf.Column, len(cols))
	for i, c := range cols {
		fields[i] = types.Field{Name: c.Name, Type: c.Type}
		columns[i] = protobuf.Column{Name: c.Name, Type: c.Type, Target: i}
	}
	text, err := protobuf.Derive(fields, outerMessage, "")
	if err != nil {
		return badRequest("the rows cannot be written as protobuf: " + err.Error())
	}
	file, err := protobuf.Parse(text, nil)
	if err != nil {
		return fmt.Errorf("protobuf schema of a result: %w", err)
	}
	m, err := protobuf.Message(file, outerMessage)
	if err != nil {
		return fmt.Errorf("protobuf schema of a result: %w", err)
	}
	if p.writer, err = protobuf.NewWriter(m, columns, "", false); err != nil {
		return fmt.Errorf("protobuf schema of a result: %w", err)
	}
	p.schema, p.vecs = protoText(fields), make([]*vector.Vector, len(cols))
	return nil
}

func (p *protoWriter) head(b []byte, rows engine.ResultSet) []byte {
	b = format.AppendJSONString(append(b, `[{"header":{"queryId":`...), rows.QueryID())
	b = format.AppendJSONString(append(b, `,"protoSchema":`...), p.schema)
	return append(b, "}}"...)
}

func (p *protoWriter) row(b []byte, cols []engine.ResultColumn, row engine.ResultRow) []byte {
	for i, c := range cols {
		var v any
		if i < len(row.Values) {
			v = row.Values[i]
		}
		p.vecs[i] = vector.NewConst(c.Type, v)
	}
	message, err := p.writer.Append(nil, p.vecs, 0)
	if err != nil {
		e := &apiError{code: codeServerError, message: "a row cannot be written as protobuf: " + err.Error()}
		return append(append(append(b, ",\n"+`{"errorMessage":`...), e.object()...), '}')
	}
	b = base64.StdEncoding.AppendEncode(append(b, ",\n"+`{"row":{"protobufBytes":"`...), message)
	b = append(b, '"')
	if row.Tombstone {
		b = append(b, `,"tombstone":true`...)
	}
	return append(b, "}}"...)
}

// protoText is the schema as clients know it: what protobuf.Derive gives, but that a map is shown as the repeated message that it
// is on the wire.
func protoText(fields []types.Field) string {
	t := protoPrinter{imports: map[string]bool{}}
	body := t.message(outerMessage, fields, "")
	text := "syntax = \"proto3\";\n"
	for i, name := range slices.Sorted(maps.Keys(t.imports)) {
		if i == 0 {
			text += "\n"
		}
		text += "import \"" + name + "\";\n"
	}
	return text + "\n" + body
}

type protoPrinter struct {
	count   int // messages so far
	imports map[string]bool
}

func (t *protoPrinter) message(name string, fields []types.Field, indent string) string {
	t.count++
	var b, inner strings.Builder
	for i, f := range fields {
		label, typ := "", f.Type
		if typ.Kind == types.KindArray {
			label, typ = "repeated ", typ.Elem
		}
		word := ""
		switch typ.Kind {
		case types.KindMap:
			label, word = "repeated ", fmt.Sprintf("ConnectDefault%dEntry", t.count+1)
			entry := []types.Field{{Name: "key", Type: types.String}, {Name: "value", Type: typ.Elem}}
			inner.WriteString("\n" + t.message(word, entry, indent+"  "))
		case types.KindStruct:
			word = fmt.Sprintf("ConnectDefault%d", t.count+1)
			inner.WriteString("\n" + t.message(word, typ.Fields, indent+"  "))
		default:
			word = t.word(typ)
		}
		option := ""
		if typ.Kind == types.KindDecimal {
			t.imports["confluent/meta.proto"] = true
			option = fmt.Sprintf(" [(confluent.field_meta) = { params: [{ key: \"precision\", value: \"%d\" }, { key: \"scale\", value: \"%d\" }] }]",
				typ.Precision, typ.Scale)
		}
		fmt.Fprintf(&b, "%s  %s%s %s = %d%s;\n", indent, label, word, f.Name, i+1, option)
	}
	return indent + "message " + name + " {\n" + b.String() + inner.String() + indent + "}\n"
}

var protoWords = map[types.Kind]string{
	types.KindBoolean: "bool", types.KindInt: "int32", types.KindBigint: "int64", types.KindDouble: "double",
	types.KindString: "string", types.KindBytes: "bytes",
}

// protoMessages are the messages that hold a value, each with its file.
var protoMessages = map[types.Kind][2]string{
	types.KindDecimal:   {"confluent.type.Decimal", "confluent/type/decimal.proto"},
	types.KindDate:      {"google.type.Date", "google/type/date.proto"},
	types.KindTime:      {"google.type.TimeOfDay", "google/type/timeofday.proto"},
	types.KindTimestamp: {"google.protobuf.Timestamp", "google/protobuf/timestamp.proto"},
}

func (t *protoPrinter) word(typ *types.Type) string {
	if w, ok := protoWords[typ.Kind]; ok {
		return w
	}
	m := protoMessages[typ.Kind]
	t.imports[m[1]] = true
	return "." + m[0]
}
