package plan

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

var (
	nodeType    = reflect.TypeFor[Node]()
	exprType    = reflect.TypeFor[Expr]()
	literalType = reflect.TypeFor[Literal]()
	textType    = reflect.TypeFor[encoding.TextMarshaler]()
)

// encoder writes JSON by reflection. Fields of their zero value are left out, so a field added later reads as zero in old
// plans. Embedded structs are written inline.
type encoder struct{ bytes.Buffer }

func (e *encoder) value(v reflect.Value) error {
	switch v.Type() {
	case nodeType:
		return e.tagged(v, func(p reflect.Value) string { return nodeTags.tag(p) })
	case exprType:
		return e.tagged(v, func(p reflect.Value) string { return exprTags.tag(p) })
	case literalType:
		return e.literal(v.Interface().(Literal), "")
	}
	if v.Type().Implements(textType) {
		return e.json(v.Interface())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return e.value(v.Elem())
	case reflect.Slice:
		e.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				e.WriteByte(',')
			}
			if err := e.value(v.Index(i)); err != nil {
				return err
			}
		}
		e.WriteByte(']')
		return nil
	case reflect.Struct:
		e.WriteByte('{')
		if err := e.fields(v, true); err != nil {
			return err
		}
		e.WriteByte('}')
		return nil
	}
	return e.json(v.Interface())
}

func (e *encoder) tagged(v reflect.Value, tag func(reflect.Value) string) error {
	if v.IsNil() {
		return fmt.Errorf("missing %s", v.Type().Name())
	}
	p := v.Elem()
	name := tag(p)
	if l, ok := p.Interface().(*Literal); ok {
		return e.literal(*l, name)
	}
	fmt.Fprintf(e, `{"is":%q`, name)
	if err := e.fields(p.Elem(), false); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	e.WriteByte('}')
	return nil
}

func (e *encoder) fields(v reflect.Value, first bool) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if err := e.fields(v.Field(i), first); err != nil {
				return err
			}
			first = first && v.Field(i).IsZero()
			continue
		}
		if v.Field(i).IsZero() {
			continue
		}
		if !first {
			e.WriteByte(',')
		}
		first = false
		fmt.Fprintf(e, "%q:", f.Name)
		if err := e.value(v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func (e *encoder) literal(l Literal, tag string) error {
	if l.T == nil {
		return fmt.Errorf("literal without type")
	}
	v, err := encodeValue(l.Value, l.T)
	if err != nil {
		return err
	}
	e.WriteByte('{')
	if tag != "" {
		fmt.Fprintf(e, `"is":%q,`, tag)
	}
	e.WriteString(`"T":`)
	if err := e.json(l.T); err != nil {
		return err
	}
	e.WriteString(`,"Value":`)
	if err := e.json(v); err != nil {
		return err
	}
	e.WriteByte('}')
	return nil
}

func (e *encoder) json(v any) error {
	enc := json.NewEncoder(e)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	e.Truncate(e.Len() - 1) // the encoder's newline
	return nil
}
