package avro

import (
	le "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

var errDefault = errors.New("is not of the field's type")

// appendDefault encodes the JSON of a default. That of a union is of its first branch.
func appendDefault(dst []byte, s *Schema, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch s.kind {
	case null:
		if v != nil {
			return nil, errDefault
		}
		return dst, nil
	case union:
		return appendDefault(append(dst, 0), s.branches[0], v, depth+1)
	case boolean:
		b, ok := v.(bool)
		if !ok {
			return nil, errDefault
		}
		return appendBool(dst, b), nil
	case integer, long, float, double:
		return appendNumber(dst, s.kind, v)
	case text, enum, binary, fixed:
		return appendTextDefault(dst, s, v)
	case array, entries:
		list, ok := v.([]any)
		if !ok {
			return nil, errDefault
		}
		return appendList(dst, s, list, depth)
	case mapping:
		return appendMapDefault(dst, s, v, depth)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errDefault
	}
	for _, f := range s.fields {
		x, has := o[f.name]
		if !has {
			if x, has = f.def, f.hasDefault; !has {
				return nil, fmt.Errorf("lacks field %s", f.name)
			}
		}
		var err error
		if dst, err = appendDefault(dst, f.schema, x, depth+1); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendNumber(dst []byte, k kind, v any) ([]byte, error) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, errDefault
	}
	switch k {
	case float, double:
		f, err := n.Float64()
		if err != nil {
			return nil, errDefault
		}
		if k == float {
			return le.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
		}
		return le.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	}
	i, err := n.Int64()
	if err != nil || k == integer && int64(int32(i)) != i {
		return nil, errDefault
	}
	return le.AppendVarint(dst, i), nil
}

// appendTextDefault: bytes stand in JSON as a string of the code points 0 to 255.
func appendTextDefault(dst []byte, s *Schema, v any) ([]byte, error) {
	t, ok := v.(string)
	if !ok {
		return nil, errDefault
	}
	switch s.kind {
	case text:
		return append(le.AppendVarint(dst, int64(len(t))), t...), nil
	case enum:
		at := slices.Index(s.symbols, t)
		if at < 0 {
			return nil, errDefault
		}
		return le.AppendVarint(dst, int64(at)), nil
	}
	var b []byte
	for _, r := range t {
		if r > 0xff {
			return nil, errDefault
		}
		b = append(b, byte(r))
	}
	if s.kind == fixed {
		if len(b) != s.size {
			return nil, errDefault
		}
		return append(dst, b...), nil
	}
	return append(le.AppendVarint(dst, int64(len(b))), b...), nil
}

func appendList(dst []byte, s *Schema, list []any, depth int) ([]byte, error) {
	if len(list) > 0 {
		dst = le.AppendVarint(dst, int64(len(list)))
	}
	var err error
	for _, x := range list {
		if dst, err = appendDefault(dst, s.items, x, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func appendMapDefault(dst []byte, s *Schema, v any, depth int) ([]byte, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errDefault
	}
	if len(o) > 0 {
		dst = le.AppendVarint(dst, int64(len(o)))
	}
	for _, k := range slices.Sorted(maps.Keys(o)) {
		dst = append(le.AppendVarint(dst, int64(len(k))), k...)
		var err error
		if dst, err = appendDefault(dst, s.items, o[k], depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}
