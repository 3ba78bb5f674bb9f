package plan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/sql/types"
)

// Boxed values are encoded by their type: BOOLEAN and the integers as such, DOUBLE and DECIMAL as text (exact, NaN and
// infinities included), BYTES as base64, ARRAY and STRUCT as lists, MAP as a list of pairs in order. NULL is null.

func encodeValue(v any, t *types.Type) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool, int32, int64, string:
		return x, nil
	case float64:
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(x), nil
	case types.Map:
		out := make([]any, len(x))
		for i, e := range x {
			k, err := encodeValue(e.Key, t.Key)
			if err != nil {
				return nil, err
			}
			val, err := encodeValue(e.Value, t.Elem)
			if err != nil {
				return nil, err
			}
			out[i] = []any{k, val}
		}
		return out, nil
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			var err error
			if out[i], err = encodeValue(item, itemType(t, i)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	if t.Kind == types.KindDecimal {
		return fmt.Sprint(v), nil
	}
	return nil, fmt.Errorf("literal of type %s holds a %T", t, v)
}

func itemType(t *types.Type, i int) *types.Type {
	if t.Kind == types.KindStruct {
		return t.Fields[i].Type
	}
	return t.Elem
}

func decodeValue(data json.RawMessage, t *types.Type) (any, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("missing value")
	}
	if string(data) == "null" {
		return nil, nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return unmarshalAs[bool](data)
	case types.KindInt, types.KindDate, types.KindTime:
		return unmarshalAs[int32](data)
	case types.KindBigint, types.KindTimestamp:
		return unmarshalAs[int64](data)
	case types.KindString, types.KindIntervalUnit:
		return unmarshalAs[string](data)
	case types.KindDouble, types.KindDecimal, types.KindBytes:
		return decodeText(data, t)
	case types.KindArray, types.KindMap, types.KindStruct:
		return decodeNested(data, t)
	}
	return nil, fmt.Errorf("no values")
}

func unmarshalAs[T any](data json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

func decodeText(data json.RawMessage, t *types.Type) (any, error) {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, err
	}
	switch t.Kind {
	case types.KindBytes:
		return base64.StdEncoding.DecodeString(text)
	case types.KindDecimal:
		return types.ParseDecimal(text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if math.IsNaN(f) {
		f = math.NaN() // one form of NaN
	}
	return f, err
}

func decodeNested(data json.RawMessage, t *types.Type) (any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	if t.Kind == types.KindMap {
		return decodeMap(raw, t)
	}
	if t.Kind == types.KindStruct && len(raw) != len(t.Fields) {
		return nil, fmt.Errorf("%d values for %d fields", len(raw), len(t.Fields))
	}
	out := make([]any, len(raw))
	for i := range raw {
		var err error
		if out[i], err = decodeValue(raw[i], itemType(t, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeMap(raw []json.RawMessage, t *types.Type) (any, error) {
	out := make(types.Map, len(raw))
	for i := range raw {
		var pair []json.RawMessage
		if err := json.Unmarshal(raw[i], &pair); err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("map entry of %d parts", len(pair))
		}
		var err error
		if out[i].Key, err = decodeValue(pair[0], t.Key); err != nil {
			return nil, err
		}
		if out[i].Value, err = decodeValue(pair[1], t.Elem); err != nil {
			return nil, err
		}
	}
	return out, nil
}
