package protobuf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// Derive makes the schema of columns as ksqlDB does: messages ConnectDefault1, ConnectDefault2 ... with fields numbered in order. Name
// calls the outermost message; nullable is how NULL is written, if at all. Arrays and maps directly within arrays and maps have no
// form in Protobuf.
func Derive(cols []types.Field, name, nullable string) (string, error) {
	d := deriver{nullable: nullable, imports: map[string]bool{}}
	space, last := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space, last = name[:i], name[i+1:]
	}
	body := d.message(last, cols, "")
	if d.err != nil {
		return "", d.err
	}
	text := "syntax = \"proto3\";\n"
	if space != "" {
		text += "package " + space + ";\n"
	}
	for _, i := range imports {
		if d.imports[i] {
			text += "\nimport \"" + i + "\";"
		}
	}
	return text + "\n" + body, nil
}

var imports = []string{
	"confluent/meta.proto", "confluent/type/decimal.proto", "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto",
	"google/type/date.proto", "google/type/timeofday.proto",
}

type deriver struct {
	nullable string
	imports  map[string]bool
	count    int
	err      error
}

func (d *deriver) message(name string, fields []types.Field, indent string) string {
	d.count++
	if name == "" {
		name = fmt.Sprintf("ConnectDefault%d", d.count)
	}
	var b, inner strings.Builder
	for i, f := range fields {
		d.checkName(f.Name)
		label, option := "", ""
		typ := f.Type
		switch typ.Kind {
		case types.KindArray:
			label, typ = "repeated ", typ.Elem
		case types.KindMap:
			typ = typ.Elem
		}
		word := d.word(typ, label == "" && f.Type.Kind != types.KindMap, indent+"  ", &inner)
		if f.Type.Kind == types.KindMap {
			word = "map<string, " + word + ">"
		}
		if label == "" && d.nullable == Optional && f.Type.Kind != types.KindMap && f.Type.Kind != types.KindStruct {
			label = "optional "
		}
		if typ.Kind == types.KindDecimal {
			option = fmt.Sprintf(" [(confluent.field_meta) = { params: [{ key: \"precision\", value: \"%d\" }, { key: \"scale\", value: \"%d\" }] }]",
				typ.Precision, typ.Scale)
			d.imports["confluent/meta.proto"] = true
		}
		fmt.Fprintf(&b, "%s  %s%s %s = %d%s;\n", indent, label, word, f.Name, i+1, option)
	}
	return indent + "message " + name + " {\n" + b.String() + inner.String() + indent + "}\n"
}

// checkName: a field's name is an identifier.
func (d *deriver) checkName(name string) {
	ok := name != ""
	for i, c := range name {
		ok = ok && (c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9')
	}
	if !ok && d.err == nil {
		d.err = fmt.Errorf("%s is no name that PROTOBUF allows: letters, digits and _ are", types.QuoteName(name))
	}
}

type scalarForm struct{ word, wrapper string }

var scalarForms = map[types.Kind]scalarForm{
	types.KindBoolean: {"bool", "BoolValue"}, types.KindInt: {"int32", "Int32Value"}, types.KindBigint: {"int64", "Int64Value"},
	types.KindDouble: {"double", "DoubleValue"}, types.KindString: {"string", "StringValue"}, types.KindBytes: {"bytes", "BytesValue"},
}

var messageForms = map[types.Kind][2]string{
	types.KindDecimal: {"confluent.type.Decimal", "confluent/type/decimal.proto"},
	types.KindDate:    {"google.type.Date", "google/type/date.proto"},
	types.KindTime:    {"google.type.TimeOfDay", "google/type/timeofday.proto"},
	types.KindTimestamp: {
		"google.protobuf.Timestamp", "google/protobuf/timestamp.proto",
	},
}

// word is a type's name; a message of its own is written to inner.
func (d *deriver) word(t *types.Type, single bool, indent string, inner *strings.Builder) string {
	if f, ok := scalarForms[t.Kind]; ok {
		if d.nullable == Wrapper && single {
			d.imports["google/protobuf/wrappers.proto"] = true
			return "google.protobuf." + f.wrapper
		}
		return f.word
	}
	if f, ok := messageForms[t.Kind]; ok {
		d.imports[f[1]] = true
		return "." + f[0]
	}
	if t.Kind != types.KindStruct {
		if d.err == nil {
			d.err = errors.New("PROTOBUF has no form of an ARRAY or MAP directly within an ARRAY or MAP")
		}
		return ""
	}
	name := fmt.Sprintf("ConnectDefault%d", d.count+1)
	inner.WriteString(d.message(name, t.Fields, indent))
	return name
}
