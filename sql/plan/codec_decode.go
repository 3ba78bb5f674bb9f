package plan

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/sql/types"
)

type decoder struct{}

func (d *decoder) value(data json.RawMessage, v reflect.Value, depth int) error {
	if depth > maxPlanDepth {
		return fmt.Errorf("nested deeper than %d", maxPlanDepth)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return fmt.Errorf("null where %s is expected", v.Type())
	}
	switch v.Type() {
	case nodeType:
		return tagged(d, data, v, nodeTags, depth)
	case exprType:
		return tagged(d, data, v, exprTags, depth)
	case literalType:
		return d.object(data, v, false, depth)
	}
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			return unmarshalText(data, u)
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if err := d.value(data, p.Elem(), depth+1); err != nil {
			return err
		}
		v.Set(p)
		return nil
	case reflect.Slice:
		return d.list(data, v, depth)
	case reflect.Struct:
		return d.object(data, v, false, depth)
	}
	return json.Unmarshal(data, v.Addr().Interface())
}

func unmarshalText(data json.RawMessage, u encoding.TextUnmarshaler) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return u.UnmarshalText([]byte(text))
}

func tagged[T any](d *decoder, data json.RawMessage, v reflect.Value, known tags[T], depth int) error {
	var head struct {
		Is string `json:"is"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	zero, ok := known[head.Is]
	if !ok {
		return fmt.Errorf("unknown tag %q", head.Is)
	}
	p := reflect.New(reflect.TypeOf(zero).Elem())
	if err := d.object(data, p.Elem(), true, depth+1); err != nil {
		return fmt.Errorf("%s: %w", head.Is, err)
	}
	v.Set(p)
	return nil
}

func (d *decoder) list(data json.RawMessage, v reflect.Value, depth int) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	s := reflect.MakeSlice(v.Type(), len(raw), len(raw))
	for i := range raw {
		if err := d.value(raw[i], s.Index(i), depth+1); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

func (d *decoder) object(data json.RawMessage, v reflect.Value, isTagged bool, depth int) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if isTagged {
		delete(raw, "is")
	}
	if v.Type() == literalType {
		return d.literal(raw, v.Addr().Interface().(*Literal))
	}
	for name, value := range raw {
		f, ok := v.Type().FieldByName(name)
		if !ok || f.Anonymous {
			return fmt.Errorf("unknown field %q", name)
		}
		if err := d.value(value, v.FieldByIndex(f.Index), depth+1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return required(v)
}

// optional names the fields of interface or type that may be absent; all others of these kinds must be there.
var optional = map[string]bool{"Else": true}

var sqlType = reflect.TypeFor[*types.Type]()

func required(v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if (f.Type == sqlType || f.Type == nodeType || f.Type == exprType) && v.Field(i).IsNil() && !optional[f.Name] {
			return fmt.Errorf("missing field %q", f.Name)
		}
	}
	return nil
}

func (d *decoder) literal(raw map[string]json.RawMessage, l *Literal) error {
	for name := range raw {
		if name != "T" && name != "Value" {
			return fmt.Errorf("unknown field %q", name)
		}
	}
	l.T = &types.Type{}
	if err := unmarshalText(raw["T"], l.T); err != nil {
		return fmt.Errorf("literal: %w", err)
	}
	v, err := decodeValue(raw["Value"], l.T)
	if err != nil {
		return fmt.Errorf("literal of type %s: %w", l.T, err)
	}
	l.Value = v
	return nil
}
