package builtin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func jsonFunctions() []udf.Function {
	return []udf.Function{
		function("EXTRACTJSONFIELD", "The text at a path, like $.log.cloud[0], in a JSON text; NULL if there is nothing, and null where the text says null.",
			on("input STRING, path STRING -> STRING", extractJSON)),
		function("IS_JSON_STRING", "Whether a text is JSON; false for NULL.",
			onNulls("input STRING -> BOOLEAN", func(_ *udf.Call, a []any) (any, error) {
				s, ok := a[0].(string)
				if !ok {
					return false, nil
				}
				_, more, err := parseJSON(s)
				return err == nil && !more, nil
			})),
		function("JSON_ARRAY_CONTAINS", "Whether a JSON list has an element, which may be NULL; false for a NULL text, or one that is no list.",
			onNulls("jsonArray STRING, val T -> BOOLEAN", jsonContains)),
		function("JSON_ARRAY_LENGTH", "The number of elements of a JSON list; NULL if it is none.",
			on("jsonArray STRING -> INT", func(_ *udf.Call, a []any) (any, error) {
				v, _, err := parseJSON(a[0].(string))
				if list, ok := v.([]any); ok {
					return int32(len(list)), nil
				}
				return nil, err
			})),
		function("JSON_CONCAT", "JSON objects merged, or lists and other values put into one list.",
			on("jsonStrings STRING... -> STRING", jsonConcat)),
		function("JSON_ITEMS", "The elements of a JSON list as JSON texts.",
			on("jsonItems STRING -> ARRAY<STRING>", func(_ *udf.Call, a []any) (any, error) {
				v, _, err := parseJSON(a[0].(string))
				list, ok := v.([]any)
				if !ok {
					return nil, err
				}
				out := make([]any, len(list))
				for i, e := range list {
					out[i] = string(appendJSON(nil, e))
				}
				return out, nil
			})),
		function("JSON_KEYS", "The keys of a JSON object; NULL if it is none.",
			on("jsonObj STRING -> ARRAY<STRING>", func(_ *udf.Call, a []any) (any, error) {
				v, _, err := parseJSON(a[0].(string))
				o, ok := v.(jsonObject)
				if !ok {
					return nil, err
				}
				out := make([]any, len(o))
				for i, m := range o {
					out[i] = m.key
				}
				return out, nil
			})),
		function("JSON_RECORDS", "The members of a JSON object as a map of texts; NULL if it is none.",
			on("jsonObj STRING -> MAP<STRING, STRING>", func(_ *udf.Call, a []any) (any, error) {
				v, _, err := parseJSON(a[0].(string))
				o, ok := v.(jsonObject)
				if !ok {
					return nil, err
				}
				out := make(types.Map, len(o))
				for i, m := range o {
					out[i] = types.MapEntry{Key: m.key, Value: jsonText(m.value)}
				}
				return out, nil
			})),
		function("TO_JSON_STRING", "Any value as a JSON text; NULL as null.", onNulls("input T -> STRING", toJSONString)),
	}
}

func extractJSON(c *udf.Call, a []any) (any, error) {
	path, err := jsonPath(c, a[1].(string))
	if err != nil {
		return nil, err
	}
	v, _, err := parseJSON(a[0].(string))
	if err != nil {
		return nil, err
	}
	for _, step := range path.steps {
		found := false
		switch x := v.(type) {
		case jsonObject:
			v, found = x.get(step)
		case []any:
			v, found = itemAt(x, step)
		}
		if !found {
			return nil, nil
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return string(appendJSON(nil, v)), nil
}

// itemAt is the item of a list that a step of a path names.
func itemAt(list []any, step string) (any, bool) {
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(list) {
		return list[i], true
	}
	return nil, false
}

// pathSteps is a parsed path, kept with the call that uses it.
type pathSteps struct {
	text  string
	steps []string
}

// jsonPath reads $, then .name, [0] or ["name"] any number of times.
func jsonPath(c *udf.Call, text string) (*pathSteps, error) {
	if p, ok := c.Cache.(*pathSteps); ok && p.text == text {
		return p, nil
	}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("json path %q does not begin with $", text)
	}
	p := &pathSteps{text: text}
	for rest != "" {
		var step string
		switch {
		case rest[0] == '.':
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			step, rest = rest[1:n+1], rest[n+1:]
		case rest[0] == '[':
			step, rest, ok = strings.Cut(rest[1:], "]")
			if !ok {
				return nil, fmt.Errorf("json path %q has [ without ]", text)
			}
			step = strings.Trim(step, `"'`)
		default:
			return nil, fmt.Errorf("json path %q has unexpected text at %q", text, rest)
		}
		if step == "" {
			return nil, fmt.Errorf("json path %q has an empty step", text)
		}
		p.steps = append(p.steps, step)
	}
	c.Cache = p
	return p, nil
}

func jsonContains(_ *udf.Call, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return false, nil
	}
	v, _, _ := parseJSON(s) // what is no JSON is no list either
	list, ok := v.([]any)
	if !ok {
		return false, nil
	}
	return slices.ContainsFunc(list, func(e any) bool { return isJSON(e, a[1]) }), nil
}

// isJSON says whether a JSON value is a SQL value. As in ksqlDB, a number with a fraction or an exponent is a DOUBLE, one without is an
// INT or BIGINT, and nothing is a DECIMAL.
func isJSON(e, want any) bool {
	n, isNumber := e.(json.Number)
	if !isNumber {
		return e == nil && want == nil || isScalar(e) && e == want
	}
	whole := !strings.ContainsAny(string(n), ".eE")
	switch want := want.(type) {
	case int32:
		i, err := strconv.ParseInt(string(n), 10, 64)
		return whole && err == nil && i == int64(want)
	case int64:
		i, err := strconv.ParseInt(string(n), 10, 64)
		return whole && err == nil && i == want
	case float64:
		f, err := n.Float64()
		return !whole && err == nil && f == want
	}
	return false
}

func isScalar(v any) bool {
	switch v.(type) {
	case string, bool:
		return true
	}
	return false
}

func jsonConcat(_ *udf.Call, a []any) (any, error) {
	if len(a) == 0 {
		return nil, errors.New("nothing to concatenate")
	}
	merged, list, allObjects := jsonObject{}, []any{}, true
	keys := types.Set{Type: types.String}
	for _, s := range a {
		v, _, err := parseJSON(s.(string))
		if err != nil {
			return nil, err
		}
		switch x := v.(type) {
		case jsonObject:
			for _, m := range x {
				merged = merged.put(&keys, m.key, m.value)
			}
			list = append(list, x)
		case []any:
			allObjects = false
			list = append(list, x...)
		default:
			allObjects = false
			list = append(list, x)
		}
	}
	if allObjects {
		return string(appendJSON(nil, merged)), nil
	}
	return string(appendJSON(nil, list)), nil
}
