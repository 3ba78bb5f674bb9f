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

func decodeValue(data any, t *types.Type) (any, error) {
	if data == nil {
		return nil, nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return boxed(as[bool](data))
	case types.KindInt, types.KindDate, types.KindTime:
		n, err := integer(data, 32)
		return int32(n), err
	case types.KindBigint, types.KindTimestamp:
		return boxed(integer(data, 64))
	case types.KindString, types.KindIntervalUnit:
		return boxed(as[string](data))
	case types.KindDouble, types.KindDecimal, types.KindBytes:
		return decodeText(data, t)
	case types.KindArray, types.KindMap, types.KindStruct:
		return decodeNested(data, t)
	}
	return nil, fmt.Errorf("no values")
}

func boxed[T any](v T, err error) (any, error) { return v, err }

func integer(data any, bits int) (int64, error) {
	n, err := as[json.Number](data)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(n.String(), 10, bits)
}

func decodeText(data any, t *types.Type) (any, error) {
	text, err := as[string](data)
	if err != nil {
		return nil, err
	}
	switch t.Kind {
	case types.KindBytes:
		return boxed(base64.StdEncoding.DecodeString(text))
	case types.KindDecimal:
		return boxed(types.ParseDecimal(text))
	}
	f, err := strconv.ParseFloat(text, 64)
	if math.IsNaN(f) {
		f = math.NaN() // one form of NaN
	}
	return f, err
}

func decodeNested(data any, t *types.Type) (any, error) {
	items, err := as[[]any](data)
	if err != nil {
		return nil, err
	}
	if t.Kind == types.KindMap {
		return decodeMap(items, t)
	}
	if t.Kind == types.KindStruct && len(items) != len(t.Fields) {
		return nil, fmt.Errorf("%d values for %d fields", len(items), len(t.Fields))
	}
	out := make([]any, len(items))
	for i := range items {
		if out[i], err = decodeValue(items[i], itemType(t, i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeMap(items []any, t *types.Type) (any, error) {
	out := make(types.Map, len(items))
	for i := range items {
		pair, err := as[[]any](items[i])
		if err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, fmt.Errorf("map entry of %d parts", len(pair))
		}
		if out[i].Key, err = decodeValue(pair[0], t.Key); err != nil {
			return nil, err
		}
		if out[i].Value, err = decodeValue(pair[1], t.Elem); err != nil {
			return nil, err
		}
	}
	return out, nil
}
