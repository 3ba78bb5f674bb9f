package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/millrace/millrace/sql/types"
)

// take splits n bytes off.
func take(src []byte, n int) (head, rest []byte, err error) {
	if n < 0 || len(src) < n {
		return nil, nil, ErrTruncated
	}
	return src[:n], src[n:], nil
}

// keyValue decodes what appendKeyValue wrote.
func keyValue(src []byte, t *types.Type) (value any, rest []byte, err error) {
	marker, src, err := take(src, 1)
	if err != nil || marker[0] == null {
		return nil, src, err
	}
	if marker[0] != present {
		return nil, nil, fmt.Errorf("marker %d of a %s", marker[0], t)
	}
	var b []byte
	switch t.Kind {
	case types.KindBoolean:
		if b, rest, err = take(src, 1); err == nil {
			value = b[0] == 1
		}
	case types.KindInt, types.KindDate, types.KindTime:
		if b, rest, err = take(src, 4); err == nil {
			value = int32(binary.BigEndian.Uint32(b) ^ (1 << 31))
		}
	case types.KindBigint, types.KindTimestamp:
		if b, rest, err = take(src, 8); err == nil {
			value = int64(binary.BigEndian.Uint64(b) ^ (1 << 63))
		}
	case types.KindDouble:
		if b, rest, err = take(src, 8); err == nil {
			value = floatOf(binary.BigEndian.Uint64(b))
		}
	case types.KindDecimal:
		return decimalOf(src, t)
	case types.KindString:
		if b, rest, err = unescape(src); err == nil {
			value = string(b)
		}
	case types.KindBytes:
		if b, rest, err = unescape(src); err == nil {
			value = b
		}
	default:
		return keyNested(src, t)
	}
	return value, rest, err
}

func keyNested(src []byte, t *types.Type) (value any, rest []byte, err error) {
	switch t.Kind {
	case types.KindArray:
		list := []any{}
		rest, err = keyElements(src, func(src []byte) ([]byte, error) {
			v, rest, err := keyValue(src, t.Elem)
			list = append(list, v)
			return rest, err
		})
		return list, rest, err
	case types.KindStruct:
		list := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			if list[i], src, err = keyValue(src, f.Type); err != nil {
				return nil, nil, err
			}
		}
		return list, src, nil
	case types.KindMap:
		m := types.Map{}
		rest, err = keyElements(src, func(src []byte) ([]byte, error) {
			k, src, err := keyValue(src, t.Key)
			if err != nil {
				return nil, err
			}
			v, rest, err := keyValue(src, t.Elem)
			m = append(m, types.MapEntry{Key: k, Value: v})
			return rest, err
		})
		return m, rest, err
	}
	return nil, nil, fmt.Errorf("a key column of type %s", t)
}

// keyElements calls f behind each element's marker until the end marker.
func keyElements(src []byte, f func([]byte) ([]byte, error)) ([]byte, error) {
	for {
		marker, rest, err := take(src, 1)
		if err != nil || marker[0] == end {
			return rest, err
		}
		if marker[0] != present {
			return nil, fmt.Errorf("marker %d of an element", marker[0])
		}
		if src, err = f(rest); err != nil {
			return nil, err
		}
	}
}

func unescape(src []byte) (value, rest []byte, err error) {
	value = []byte{}
	for {
		i := bytes.IndexByte(src, 0)
		if i < 0 || i+1 == len(src) {
			return nil, nil, ErrTruncated
		}
		value = append(value, src[:i]...)
		kind := src[i+1]
		src = src[i+2:]
		switch kind {
		case 1:
			return value, src, nil
		case 255:
			value = append(value, 0)
		default:
			return nil, nil, fmt.Errorf("escape %d in a string", kind)
		}
	}
}

func decimalOf(src []byte, t *types.Type) (any, []byte, error) {
	b, src, err := take(src, 2)
	if err != nil {
		return nil, nil, err
	}
	length := int(binary.BigEndian.Uint16(b)) - 0x8000
	negative := length < 0
	if negative {
		length = -length - 1
	}
	b, rest, err := take(src, length)
	if err != nil {
		return nil, nil, err
	}
	magnitude := append([]byte(nil), b...)
	if negative {
		for i := range magnitude {
			magnitude[i] = ^magnitude[i]
		}
	}
	n := new(big.Int).SetBytes(magnitude)
	if negative {
		n.Neg(n)
	}
	return types.DecimalFromBig(n, t.Scale), rest, nil
}
