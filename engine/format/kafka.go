package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// kafka is one column in the form of Kafka's own serializers: big-endian INTEGER, BIGINT and DOUBLE of exactly 4, 8 and
// 8 bytes, STRING in UTF-8, BYTES as they are.
type kafka struct{ col Column }

func checkKafka(cols []Column) error {
	if len(cols) != 1 {
		return fmt.Errorf("the 'KAFKA' format only supports a single field; got %d", len(cols))
	}
	switch cols[0].Type.Kind {
	case types.KindInt, types.KindBigint, types.KindDouble, types.KindString, types.KindBytes:
		return nil
	}
	return fmt.Errorf("column %s: the 'KAFKA' format does not support type '%s'", types.QuoteName(cols[0].Name), cols[0].Type.Kind)
}

func newKafkaDecoder(_ plan.Format, cols []Column, _ Options) (Decoder, error) {
	return kafka{cols[0]}, nil
}

func newKafkaEncoder(_ plan.Format, cols []Column, _ Options) (Encoder, error) {
	return kafka{cols[0]}, nil
}

// Decode implements Decoder.
func (k kafka) Decode(payload []byte, dest []*vector.Vector) error {
	if size := fixedSize(k.col.Type); size > 0 && len(payload) != size {
		return fmt.Errorf("KAFKA: column %s: %s takes %d bytes, got %d",
			types.QuoteName(k.col.Name), k.col.Type, size, len(payload))
	}
	if k.col.Target < 0 {
		return nil
	}
	v := dest[k.col.Target]
	switch k.col.Type.Kind {
	case types.KindInt:
		v.I32 = append(v.I32, int32(binary.BigEndian.Uint32(payload)))
	case types.KindBigint:
		v.I64 = append(v.I64, int64(binary.BigEndian.Uint64(payload)))
	case types.KindDouble:
		v.F64 = append(v.F64, math.Float64frombits(binary.BigEndian.Uint64(payload)))
	case types.KindString:
		appendValidUTF8(v, payload)
	default:
		v.AppendBytes(payload)
	}
	return nil
}

// Append implements Encoder.
func (k kafka) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	v := cols[k.col.Target]
	if v.IsNull(row) {
		return dst, ErrNull
	}
	i := v.At(row)
	switch k.col.Type.Kind {
	case types.KindInt:
		return binary.BigEndian.AppendUint32(dst, uint32(v.I32[i])), nil
	case types.KindBigint:
		return binary.BigEndian.AppendUint64(dst, uint64(v.I64[i])), nil
	case types.KindDouble:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.F64[i])), nil
	}
	return append(dst, v.Str(row)...), nil
}

func fixedSize(t *types.Type) int {
	switch t.Kind {
	case types.KindInt:
		return 4
	case types.KindBigint, types.KindDouble:
		return 8
	}
	return 0
}

// appendValidUTF8 adds a STRING element; bytes that are not UTF-8 become U+FFFD, as in Java's strings.
func appendValidUTF8(v *vector.Vector, b []byte) {
	if !utf8.Valid(b) {
		b = []byte(string([]rune(string(b))))
	}
	v.AppendBytes(b)
}
