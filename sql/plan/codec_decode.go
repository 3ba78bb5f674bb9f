package plan

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/millrace/millrace/sql/types"
)

// decode sets v from data, a JSON value as package json reads it into an any (numbers as json.Number).
func decode(data any, v reflect.Value, depth int) error {
	if depth > maxPlanDepth {
		return fmt.Errorf("nested deeper than %d", maxPlanDepth)
	}
	switch v.Type() {
	case nodeType:
		return decodeTagged(data, v, nodeTags, depth)
	case exprType:
		return decodeTagged(data, v, exprTags, depth)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		text, err := as[string](data)
		if err != nil {
			return err
		}
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(data, v.Elem(), depth+1)
	case reflect.Slice:
		return decodeList(data, v, depth)
	case reflect.Struct:
		fields, err := as[map[string]any](data)
		if err != nil {
			return err
		}
		return decodeFields(fields, v, "", depth)
	case reflect.Map:
		return decodeTexts(data, v)
	}
	return decodeScalar(data, v)
}

// as is data in the Go form that it must have.
func as[T any](data any) (T, error) {
	t, ok := data.(T)
	if !ok {
		return t, fmt.Errorf("%v where a %T is expected", data, t)
	}
	return t, nil
}

func decodeTagged[T any](data any, v reflect.Value, known tags[T], depth int) error {
	fields, err := as[map[string]any](data)
	if err != nil {
		return err
	}
	tag, _ := fields["is"].(string)
	zero, ok := known[tag]
	if !ok {
		return fmt.Errorf("unknown tag %q", tag)
	}
	p := reflect.New(reflect.TypeOf(zero).Elem())
	if err := decodeFields(fields, p.Elem(), "is", depth+1); err != nil {
		return fmt.Errorf("%s: %w", tag, err)
	}
	v.Set(p)
	return nil
}

// decodeFields sets the fields of a struct; skip names the one that is its tag.
func decodeFields(fields map[string]any, v reflect.Value, skip string, depth int) error {
	if v.Type() == literalType {
		return decodeLiteral(fields, v.Addr().Interface().(*Literal), skip)
	}
	for name, value := range fields {
		if name == skip {
			continue
		}
		f, ok := v.Type().FieldByName(name)
		if !ok || f.Anonymous {
			return fmt.Errorf("unknown field %q", name)
		}
		if err := decode(value, v.FieldByIndex(f.Index), depth+1); err != nil {
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

func decodeList(data any, v reflect.Value, depth int) error {
	items, err := as[[]any](data)
	if err != nil {
		return err
	}
	s := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := decode(item, s.Index(i), depth+1); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

// decodeTexts sets a map of strings, the only maps of a plan.
func decodeTexts(data any, v reflect.Value) error {
	fields, err := as[map[string]any](data)
	if err != nil {
		return err
	}
	out := map[string]string{}
	for name, value := range fields {
		if out[name], err = as[string](value); err != nil {
			return err
		}
	}
	v.Set(reflect.ValueOf(out))
	return nil
}

func decodeScalar(data any, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		b, err := as[bool](data)
		v.SetBool(b)
		return err
	case reflect.String:
		s, err := as[string](data)
		v.SetString(s)
		return err
	}
	n, err := as[json.Number](data)
	if err != nil {
		return err
	}
	if v.CanUint() {
		u, err := strconv.ParseUint(n.String(), 10, v.Type().Bits())
		v.SetUint(u)
		return err
	}
	i, err := strconv.ParseInt(n.String(), 10, v.Type().Bits())
	v.SetInt(i)
	return err
}

func decodeLiteral(fields map[string]any, l *Literal, skip string) error {
	for name := range fields {
		if name != "T" && name != "Value" && name != skip {
			return fmt.Errorf("unknown field %q", name)
		}
	}
	text, err := as[string](fields["T"])
	if err != nil {
		return err
	}
	if l.T, err = types.ParseType(text); err != nil {
		return err
	}
	value, ok := fields["Value"]
	if !ok {
		return fmt.Errorf("literal without value")
	}
	if l.Value, err = decodeValue(value, l.T); err != nil {
		return fmt.Errorf("literal of type %s: %w", l.T, err)
	}
	return nil
}
