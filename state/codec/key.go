package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// A column of a key is 0 for NULL, or 1 and the value:
//
//	BOOLEAN            1 byte
//	INTEGER, BIGINT .. big endian, sign bit flipped
//	DOUBLE             IEEE bits, flipped so that they order; all NaNs are one, above +Inf; -0 is below 0
//	STRING, BYTES      bytes, 0 as 0 255; then 0 1
//	DECIMAL            unscaled integer at the type's scale: length (above 0x8000, or complemented below), magnitude
//	ARRAY, STRUCT      1 and an element each, like a column; ARRAY ends with 0
//	MAP                as an ARRAY of key and value, ordered by encoded key
const (
	null    = 0
	present = 1
	end     = 0
)

// Key encodes and decodes keys of fixed column types. It is immutable.
type Key struct{ types []*types.Type }

// NewKey returns the codec for keys with columns of the types.
func NewKey(columns []*types.Type) *Key { return &Key{columns} }

// Append encodes a row of the columns.
func (k *Key) Append(dst []byte, cols []*vector.Vector, row int) []byte {
	for i, c := range cols {
		dst = appendKeyColumn(dst, k.types[i], c, row)
	}
	return dst
}

// AppendValues encodes boxed values, the first columns of a key or all.
func (k *Key) AppendValues(dst []byte, values []any) []byte {
	for i, v := range values {
		dst = appendKeyValue(dst, k.types[i], v)
	}
	return dst
}

// Decode appends the columns of a key to vectors and returns the bytes behind it.
func (k *Key) Decode(src []byte, cols []*vector.Vector) ([]byte, error) {
	for i, t := range k.types {
		v, rest, err := keyValue(src, t)
		if err != nil {
			return nil, fmt.Errorf("decode key column %d: %w", i, err)
		}
		cols[i].Append(v)
		src = rest
	}
	return src, nil
}

// DecodeValues returns the boxed columns of a key and the bytes behind it.
func (k *Key) DecodeValues(src []byte) (values []any, rest []byte, err error) {
	for i, t := range k.types {
		var v any
		if v, src, err = keyValue(src, t); err != nil {
			return nil, nil, fmt.Errorf("decode key column %d: %w", i, err)
		}
		values = append(values, v)
	}
	return values, src, nil
}

// appendKeyColumn is appendKeyValue without the box, for flat types.
func appendKeyColumn(dst []byte, t *types.Type, c *vector.Vector, row int) []byte {
	if c.IsNull(row) {
		return append(dst, null)
	}
	i := c.At(row)
	switch t.Kind {
	case types.KindBoolean:
		return append(dst, present, bit(c.Bool[i]))
	case types.KindInt, types.KindDate, types.KindTime:
		return appendInt32(append(dst, present), c.I32[i])
	case types.KindBigint, types.KindTimestamp:
		return appendInt64(append(dst, present), c.I64[i])
	case types.KindDouble:
		return appendFloat(append(dst, present), c.F64[i])
	case types.KindString, types.KindBytes:
		return appendEscaped(append(dst, present), c.Str(row))
	}
	return appendKeyValue(dst, t, c.Item(i))
}

func appendKeyValue(dst []byte, t *types.Type, value any) []byte {
	if value == nil {
		return append(dst, null)
	}
	dst = append(dst, present)
	switch t.Kind {
	case types.KindBoolean:
		return append(dst, bit(value.(bool)))
	case types.KindInt, types.KindDate, types.KindTime:
		return appendInt32(dst, value.(int32))
	case types.KindBigint, types.KindTimestamp:
		return appendInt64(dst, value.(int64))
	case types.KindDouble:
		return appendFloat(dst, value.(float64))
	case types.KindDecimal:
		return appendDecimal(dst, value.(types.Decimal).SetScale(t.Scale, types.HalfUp).Unscaled())
	case types.KindString:
		return appendEscaped(dst, []byte(value.(string)))
	case types.KindBytes:
		return appendEscaped(dst, value.([]byte))
	case types.KindArray:
		for _, e := range value.([]any) {
			dst = appendKeyValue(append(dst, present), t.Elem, e)
		}
		return append(dst, end)
	case types.KindStruct:
		for i, e := range value.([]any) {
			dst = appendKeyValue(dst, t.Fields[i].Type, e)
		}
		return dst
	case types.KindMap:
		return appendKeyMap(dst, t, value.(types.Map))
	}
	panic(fmt.Sprintf("codec: a key column of type %s", t))
}

func appendKeyMap(dst []byte, t *types.Type, m types.Map) []byte {
	entries := make([][]byte, len(m))
	for i, e := range m {
		entries[i] = appendKeyValue(appendKeyValue([]byte{present}, t.Key, e.Key), t.Elem, e.Value)
	}
	slices.SortFunc(entries, bytes.Compare)
	return append(append(dst, bytes.Join(entries, nil)...), end)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendInt32(dst []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(v)^(1<<31))
}

func appendInt64(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^(1<<63))
}

func appendFloat(dst []byte, f float64) []byte {
	b := math.Float64bits(f)
	switch {
	case f != f:
		b = 0x7ff8_0000_0000_0000 | 1<<63
	case b>>63 == 1:
		b = ^b
	default:
		b |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, b)
}

func floatOf(b uint64) float64 {
	if b>>63 == 1 {
		return math.Float64frombits(b &^ (1 << 63))
	}
	return math.Float64frombits(^b)
}

func appendEscaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, 0)
		if i < 0 {
			return append(append(dst, s...), 0, 1)
		}
		dst = append(append(dst, s[:i]...), 0, 255)
		s = s[i+1:]
	}
}

func appendDecimal(dst []byte, n *big.Int) []byte {
	magnitude := n.Bytes()
	if n.Sign() >= 0 {
		return append(binary.BigEndian.AppendUint16(dst, uint16(0x8000+len(magnitude))), magnitude...)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(0x7fff-len(magnitude)))
	for _, b := range magnitude {
		dst = append(dst, ^b)
	}
	return dst
}
