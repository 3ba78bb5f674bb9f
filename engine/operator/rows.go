package operator

import (
	"encoding/binary"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
	"github.com/millrace/millrace/udf"
)

// keyer encodes the key columns of a batch's rows as stores order them.
type keyer struct {
	at    []int
	codec *codec.Key
	cols  []*vector.Vector
	buf   []byte
}

// newKeyer encodes the columns at the positions.
func newKeyer(cols []plan.OutColumn, at []int) *keyer {
	k := &keyer{at: at, cols: make([]*vector.Vector, len(at))}
	ts := make([]*types.Type, len(at))
	for i, c := range at {
		ts[i] = cols[c].Type
	}
	k.codec = codec.NewKey(ts)
	return k
}

// begin takes the key columns of a batch.
func (k *keyer) begin(b *vector.Batch) {
	for i, c := range k.at {
		k.cols[i] = b.Cols[c]
	}
}

// key is the key of a row of the batch, valid until the next call.
func (k *keyer) key(row int) []byte {
	k.buf = k.codec.Append(k.buf[:0], k.cols, row)
	return k.buf
}

// null says whether a key column is NULL.
func (k *keyer) null(row int) bool {
	for _, c := range k.cols {
		if c.IsNull(row) {
			return true
		}
	}
	return false
}

// newRowCodec stores all columns of a node.
func newRowCodec(cols []plan.OutColumn) *codec.Row { return codec.NewRow(columnTypes(cols)) }

func columnTypes(cols []plan.OutColumn) []*types.Type {
	ts := make([]*types.Type, len(cols))
	for i := range cols {
		ts[i] = cols[i].Type
	}
	return ts
}

// tableRows stores the rows of a table: the timestamp, then all columns.
type tableRows struct {
	codec *codec.Row
	buf   []byte
}

func newTableRows(cols []plan.OutColumn) *tableRows { return &tableRows{codec: newRowCodec(cols)} }

// encode is the stored form of a row, valid until the next call.
func (t *tableRows) encode(b *vector.Batch, row int) []byte {
	t.buf = binary.BigEndian.AppendUint64(t.buf[:0], uint64(b.Time[row]))
	t.buf = t.codec.Append(t.buf, b.Cols, row)
	return t.buf
}

// timeOf is the timestamp of a stored row.
func timeOf(data []byte) int64 {
	if len(data) < 8 {
		return noTime
	}
	return int64(binary.BigEndian.Uint64(data))
}

// decode appends a stored row to the columns and returns its timestamp.
func (t *tableRows) decode(data []byte, cols []*vector.Vector) (int64, error) {
	if len(data) < 8 {
		return 0, codec.ErrTruncated
	}
	return timeOf(data), t.codec.Decode(data[8:], cols)
}

// A stored accumulator is a row: the timestamp of the aggregate, then the state columns of every function.

// encodeState encodes the accumulators of a group.
func encodeState(dst []byte, t int64, cols []*udf.Column, g int) []byte {
	var w codec.Writer
	w.Begin(dst, 1+len(cols))
	w.Int64(t)
	for _, c := range cols {
		if c.Null[g] {
			w.Null()
			continue
		}
		switch c.Type.Kind {
		case types.KindBoolean:
			w.Bool(c.Bool[g])
		case types.KindInt, types.KindDate, types.KindTime:
			w.Int32(c.I32[g])
		case types.KindBigint, types.KindTimestamp:
			w.Int64(c.I64[g])
		case types.KindDouble:
			w.Float64(c.F64[g])
		case types.KindString, types.KindBytes:
			w.Str(c.Str[g])
		default:
			w.Value(c.Type, c.Any[g])
		}
	}
	return w.Bytes()
}

// appendState adds a stored accumulator to the columns and returns its timestamp.
func appendState(cols []*udf.Column, data []byte) (int64, error) {
	var r codec.Reader
	r.Begin(data, 1+len(cols))
	r.Null()
	t := r.Int64()
	for _, c := range cols {
		c.AppendNull()
		if r.Null() {
			continue
		}
		g := c.Len() - 1
		c.Null[g] = false
		switch c.Type.Kind {
		case types.KindBoolean:
			c.Bool[g] = r.Bool()
		case types.KindInt, types.KindDate, types.KindTime:
			c.I32[g] = r.Int32()
		case types.KindBigint, types.KindTimestamp:
			c.I64[g] = r.Int64()
		case types.KindDouble:
			c.F64[g] = r.Float64()
		case types.KindString, types.KindBytes:
			c.Str[g] = append(c.Str[g][:0], r.Str()...)
		default:
			c.Any[g] = r.Value(c.Type)
		}
	}
	return t, r.Err()
}
