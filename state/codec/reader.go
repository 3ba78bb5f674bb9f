package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	"github.com/millrace/millrace/sql/types"
)

// Reader decodes what a [Writer] wrote. Call Begin, then for each column Null and, if that is false, the method of its type.
// After an error the methods return zeros; ask Err once, behind the last column.
type Reader struct {
	src   []byte
	nulls []byte
	col   int
	err   error
}

// Begin starts a row of n columns. The reader keeps src.
func (r *Reader) Begin(src []byte, n int) {
	*r = Reader{src: src}
	version := r.take(1)
	if r.err == nil && version[0] != FormatVersion {
		r.err = &VersionError{version[0]}
	}
	r.nulls = r.take((n + 7) / 8)
}

// Err is the first error of the row.
func (r *Reader) Err() error { return r.err }

// Null moves to the next column and says whether it is NULL.
func (r *Reader) Null() bool {
	c := r.col
	r.col++
	return r.err != nil || r.nulls[c/8]&(1<<(c%8)) != 0
}

// take splits n bytes off; after an error it returns nil.
func (r *Reader) take(n int) []byte {
	if r.err == nil && (n < 0 || len(r.src) < n) {
		r.err = ErrTruncated
	}
	if r.err != nil {
		return nil
	}
	head := r.src[:n:n]
	r.src = r.src[n:]
	return head
}

// Bool reads a BOOLEAN.
func (r *Reader) Bool() bool {
	b := r.take(1)
	return b != nil && b[0] == 1
}

// Int32 reads an INTEGER, DATE or TIME.
func (r *Reader) Int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// Int64 reads a BIGINT or TIMESTAMP.
func (r *Reader) Int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// Float64 reads a DOUBLE.
func (r *Reader) Float64() float64 { return math.Float64frombits(uint64(r.Int64())) }

// Str reads a STRING or BYTES. The result aliases the row.
func (r *Reader) Str() []byte { return r.take(r.length()) }

func (r *Reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.src)
	if r.err == nil && n <= 0 {
		r.err = ErrTruncated
	}
	if r.err != nil {
		return 0
	}
	r.src = r.src[n:]
	return v
}

// length reads a count of things that take a byte each at least, so that a corrupt one cannot ask for memory.
func (r *Reader) length() int {
	n := r.uvarint()
	if r.err == nil && n > uint64(len(r.src)) {
		r.err = ErrTruncated
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// Value reads a value of any type that Null said is not NULL, boxed. It shares no memory with the row.
func (r *Reader) Value(t *types.Type) any {
	switch t.Kind {
	case types.KindBoolean:
		return r.Bool()
	case types.KindInt, types.KindDate, types.KindTime:
		return r.Int32()
	case types.KindBigint, types.KindTimestamp:
		return r.Int64()
	case types.KindDouble:
		return r.Float64()
	case types.KindString:
		return string(r.Str())
	case types.KindBytes:
		return append([]byte{}, r.Str()...)
	case types.KindDecimal:
		return r.decimal()
	case types.KindArray:
		list := make([]any, r.length())
		for i := range list {
			list[i] = r.element(t.Elem)
		}
		return list
	case types.KindStruct:
		list := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			list[i] = r.element(f.Type)
		}
		return list
	case types.KindMap:
		m := make(types.Map, r.length())
		for i := range m {
			m[i] = types.MapEntry{Key: r.element(t.Key), Value: r.element(t.Elem)}
		}
		return m
	}
	if r.err == nil {
		r.err = fmt.Errorf("a stored column of type %s", t)
	}
	return nil
}

func (r *Reader) element(t *types.Type) any {
	if m := r.take(1); m == nil || m[0] == null {
		return nil
	}
	return r.Value(t)
}

func (r *Reader) decimal() any {
	head := r.uvarint()
	if head>>2 > types.MaxDigits && r.err == nil {
		r.err = fmt.Errorf("stored decimal has scale %d", head>>2)
	}
	scale := int(head >> 2)
	if head&1 == 1 {
		return types.NewDecimal(r.Int64(), scale)
	}
	n := new(big.Int).SetBytes(r.take(r.length()))
	if head&2 != 0 {
		n.Neg(n)
	}
	if r.err != nil {
		return types.Decimal{}
	}
	return types.DecimalFromBig(n, scale)
}
