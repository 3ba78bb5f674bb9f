package codec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/types"
)

// Writer encodes one row column by column, for callers that hold their columns in a form of their own. The zero value is
// ready. Call Begin, then one method per column in order, then Bytes.
type Writer struct {
	buf   []byte
	nulls int // offset of the bitmap
	col   int
}

// Begin starts a row of n columns behind what dst holds.
func (w *Writer) Begin(dst []byte, n int) {
	w.buf = append(dst, FormatVersion)
	w.nulls, w.col = len(w.buf), 0
	for range (n + 7) / 8 {
		w.buf = append(w.buf, 0)
	}
}

// Bytes returns dst with the row appended.
func (w *Writer) Bytes() []byte { return w.buf }

// Null writes a NULL of any type.
func (w *Writer) Null() {
	w.buf[w.nulls+w.col/8] |= 1 << (w.col % 8)
	w.col++
}

// Bool writes a BOOLEAN.
func (w *Writer) Bool(v bool) {
	w.buf = append(w.buf, bit(v))
	w.col++
}

// Int32 writes an INTEGER, DATE or TIME.
func (w *Writer) Int32(v int32) {
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(v))
	w.col++
}

// Int64 writes a BIGINT or TIMESTAMP.
func (w *Writer) Int64(v int64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(v))
	w.col++
}

// Float64 writes a DOUBLE.
func (w *Writer) Float64(v float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(v))
	w.col++
}

// Str writes a STRING or BYTES.
func (w *Writer) Str(v []byte) {
	w.buf = append(binary.AppendUvarint(w.buf, uint64(len(v))), v...)
	w.col++
}

// Value writes a boxed value of any type; nil is NULL.
func (w *Writer) Value(t *types.Type, v any) {
	if v == nil {
		w.Null()
		return
	}
	w.buf = appendValue(w.buf, t, v)
	w.col++
}

// appendValue writes a value that is not NULL.
func appendValue(dst []byte, t *types.Type, v any) []byte {
	switch t.Kind {
	case types.KindBoolean:
		return append(dst, bit(v.(bool)))
	case types.KindInt, types.KindDate, types.KindTime:
		return binary.LittleEndian.AppendUint32(dst, uint32(v.(int32)))
	case types.KindBigint, types.KindTimestamp:
		return binary.LittleEndian.AppendUint64(dst, uint64(v.(int64)))
	case types.KindDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.(float64)))
	case types.KindString:
		s := v.(string)
		return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	case types.KindBytes:
		b := v.([]byte)
		return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
	case types.KindDecimal:
		return appendDecimalValue(dst, v.(types.Decimal))
	case types.KindArray:
		list := v.([]any)
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, e := range list {
			dst = appendElement(dst, t.Elem, e)
		}
		return dst
	case types.KindStruct:
		for i, e := range v.([]any) {
			dst = appendElement(dst, t.Fields[i].Type, e)
		}
		return dst
	case types.KindMap:
		m := v.(types.Map)
		dst = binary.AppendUvarint(dst, uint64(len(m)))
		for _, e := range m {
			dst = appendElement(appendElement(dst, t.Key, e.Key), t.Elem, e.Value)
		}
		return dst
	}
	panic(fmt.Sprintf("codec: a stored column of type %s", t))
}

func appendElement(dst []byte, t *types.Type, v any) []byte {
	if v == nil {
		return append(dst, null)
	}
	return appendValue(append(dst, present), t, v)
}

// appendDecimalValue keeps the value's own scale, which may differ from its type's inside an accumulator. The lowest bit
// of the first number says that the coefficient follows as 8 bytes; else the next lowest is its sign.
func appendDecimalValue(dst []byte, d types.Decimal) []byte {
	scale := uint64(d.Scale()) << 2
	if n, ok := d.UnscaledInt64(); ok {
		return binary.LittleEndian.AppendUint64(binary.AppendUvarint(dst, scale|1), uint64(n))
	}
	n := d.Unscaled()
	if n.Sign() < 0 {
		scale |= 2
	}
	magnitude := n.Bytes()
	return append(binary.AppendUvarint(binary.AppendUvarint(dst, scale), uint64(len(magnitude))), magnitude...)
}
