package builtin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// maxJSONDepth bounds nesting: recursion without end cannot be recovered from.
const maxJSONDepth = 200

// jsonObject keeps the order of its members. Other JSON values are []any, string, json.Number, bool and nil.
type jsonObject []jsonMember

type jsonMember struct {
	key   string
	value any
}

// parseJSON reads the first JSON value of a text, and says whether something follows it.
func parseJSON(text string) (v any, more bool, err error) {
	if !json.Valid([]byte(text)) {
		return parseFirst(text)
	}
	r := jsonScanner{s: text}
	if v, err = r.value(0); err != nil {
		return nil, false, fmt.Errorf("parse json: %w", err)
	}
	return v, false, nil
}

// parseFirst is parseJSON for a text that is no JSON as a whole.
func parseFirst(text string) (v any, more bool, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if v, err = readJSON(d, 0); err != nil {
		return nil, false, fmt.Errorf("parse json: %w", err)
	}
	_, err = d.Token()
	return v, !errors.Is(err, io.EOF), nil
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		return readObject(d, depth)
	}
	return t, nil
}

func readObject(d *json.Decoder, depth int) (any, error) {
	o, keys := jsonObject{}, types.Set{Type: types.String}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		o = o.put(&keys, key.(string), v)
	}
	_, err := d.Token()
	return o, err
}

// put sets a member; keys holds those that are there.
func (o jsonObject) put(keys *types.Set, key string, v any) jsonObject {
	at, isNew := keys.Add(key)
	if isNew {
		return append(o, jsonMember{key, v})
	}
	o[at].value = v
	return o
}

func (o jsonObject) get(key string) (any, bool) {
	for i := range o {
		if o[i].key == key {
			return o[i].value, true
		}
	}
	return nil, false
}

// appendJSON prints a value without white space.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case json.Number:
		return append(b, v...)
	case string:
		return appendJSONString(b, v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, m := range v.(jsonObject) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, m.key), ':')
		b = appendJSON(b, m.value)
	}
	return append(b, '}')
}

// appendJSONString escapes what JSON must have escaped, and no more.
func appendJSONString(b []byte, s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return append(b, `""`...) // a string always encodes
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// jsonText is a string's own text, another value's JSON, and NULL for null.
func jsonText(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return v
	}
	return string(appendJSON(nil, v))
}

// appendSQLValue prints a SQL value as JSON.
func appendSQLValue(b []byte, v any, t *types.Type) []byte {
	switch {
	case v == nil:
		return append(b, "null"...)
	case t.Kind == types.KindDouble && (math.IsNaN(v.(float64)) || math.IsInf(v.(float64), 0)):
		return appendJSONString(b, types.Text(v, t))
	case t.Kind == types.KindBoolean || t.Kind.IsNumeric():
		return types.AppendValue(b, v, t)
	case t.Kind == types.KindString:
		return appendJSONString(b, v.(string))
	case t.Kind == types.KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.([]byte)), '"')
	case t.Kind == types.KindArray:
		b = append(b, '[')
		for i, e := range v.([]any) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendSQLValue(b, e, t.Elem)
		}
		return append(b, ']')
	case t.Kind == types.KindMap:
		b = append(b, '{')
		for i, e := range v.(types.Map) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, types.Text(e.Key, t.Key)), ':')
			b = appendSQLValue(b, e.Value, t.Elem)
		}
		return append(b, '}')
	case t.Kind == types.KindStruct:
		b = append(b, '{')
		for i, f := range t.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, f.Name), ':')
			b = appendSQLValue(b, v.([]any)[i], f.Type)
		}
		return append(b, '}')
	}
	return appendJSONString(b, types.Text(v, t))
}

// toJSONString is TO_JSON_STRING.
func toJSONString(c *udf.Call, a []any) (any, error) {
	return string(appendSQLValue(nil, a[0], c.Params[0])), nil
}
