package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// Namespace is that of the records that Derive names, and DefaultName the name of the record of a value.
const (
	Namespace   = "io.confluent.ksql.avro_schemas"
	DefaultName = Namespace + ".KsqlDataSourceSchema"
)

// fieldName is the name of a column's field.
func fieldName(column string) string { return strings.ReplaceAll(column, ".", "_") }

// Derive makes the schema of columns as ksqlDB does: a record of nullable fields, or the bare type of the single column; nested
// records and maps are named for their place. A name that Avro does not allow is an error.
func Derive(cols []types.Field, name string, bare bool) (string, error) {
	if name == "" {
		name = DefaultName
	}
	d := deriver{}
	var s any
	if bare {
		s = d.typ(cols[0].Type, name)
	} else {
		s = d.record(cols, name)
	}
	if d.err != nil {
		return "", d.err
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("derive an Avro schema: %w", err)
	}
	return string(b), nil
}

type object map[string]any

type deriver struct{ err error }

func (d *deriver) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// checkName holds a name without its namespace to [A-Za-z_][A-Za-z0-9_]*.
func (d *deriver) checkName(name string) {
	for i, c := range name {
		if c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9' {
			continue
		}
		d.fail(fmt.Errorf("%s is no name that AVRO allows: letters, digits and _ are", types.QuoteName(name)))
		return
	}
	if name == "" {
		d.fail(errors.New("a name must not be empty"))
	}
}

func (d *deriver) record(fields []types.Field, name string) any {
	space, last := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space, last = name[:i], name[i+1:]
	}
	for _, part := range strings.Split(name, ".") {
		d.checkName(part)
	}
	out := object{"type": "record", "name": last, "connect.name": name}
	if space != "" {
		out["namespace"] = space
	}
	list := []any{}
	seen := map[string]bool{}
	for _, f := range fields {
		field := fieldName(f.Name)
		d.checkName(field)
		if seen[field] {
			d.fail(fmt.Errorf("two fields would be called %s", field))
		}
		seen[field] = true
		list = append(list, d.nullable(field, f.Type, name+"_"+f.Name))
	}
	out["fields"] = list
	return out
}

func (d *deriver) nullable(field string, t *types.Type, name string) any {
	return object{"name": field, "type": []any{"null", d.typ(t, fieldNamePath(name))}, "default": nil}
}

// fieldNamePath makes the part of a type's name behind the namespace valid where it was made of column names with points.
func fieldNamePath(name string) string {
	head := Namespace + "."
	if rest, ok := strings.CutPrefix(name, head); ok {
		return head + fieldName(rest)
	}
	return name
}

func (d *deriver) typ(t *types.Type, name string) any {
	switch t.Kind {
	case types.KindBoolean:
		return "boolean"
	case types.KindInt:
		return "int"
	case types.KindBigint:
		return "long"
	case types.KindDouble:
		return "double"
	case types.KindString:
		return "string"
	case types.KindBytes:
		return "bytes"
	case types.KindDecimal:
		o := logical("bytes", "decimal", "Decimal")
		o["precision"], o["scale"] = t.Precision, t.Scale
		o["connect.parameters"] = object{"scale": strconv.Itoa(t.Scale), "connect.decimal.precision": strconv.Itoa(t.Precision)}
		return o
	case types.KindDate:
		return logical("int", "date", "Date")
	case types.KindTime:
		return logical("int", "time-millis", "Time")
	case types.KindTimestamp:
		return logical("long", "timestamp-millis", "Timestamp")
	case types.KindArray:
		return object{"type": "array", "items": []any{"null", d.typ(t.Elem, name)}}
	case types.KindMap:
		return d.mapping(t, name)
	case types.KindStruct:
		return d.record(t.Fields, name)
	}
	d.fail(fmt.Errorf("AVRO has no form of %s", t))
	return nil
}

func logical(base, name, java string) object {
	return object{"type": base, "logicalType": name, "connect.version": 1, "connect.name": "org.apache.kafka.connect.data." + java}
}

// mapping is an array of entries: that is how Connect writes a map whose keys may be null, and ksqlDB's may.
func (d *deriver) mapping(t *types.Type, name string) any {
	entry := d.record(nil, name).(object)
	delete(entry, "connect.name")
	entry["connect.internal.type"] = "MapEntry"
	entry["fields"] = []any{
		d.nullable("key", t.Key, name+"_MapKey"),
		d.nullable("value", t.Elem, name+"_MapValue"),
	}
	return object{"type": "array", "items": entry, "connect.internal.type": "Map"}
}
