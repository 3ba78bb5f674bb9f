package operator

import (
	"bytes"
	"encoding/binary"

	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
)

// While a join owes results, rows that come wait in line behind them. The line is in the outer store, behind all rows that wait for a match, so
// that a commit may come before their turn: it is the rest of a batch.

// queueKey is the key of a row in line; the line's first is number 0.
func queueKey(dst []byte, number int) []byte {
	dst = append(dst, 255, 255, 255, 255, 255, 255, 255, 255, 2) // the last of all times, and behind both sides: see waitKey
	return binary.BigEndian.AppendUint64(dst, uint64(number))
}

// A row in line is a byte of flags, its headers, and its stored form.
const (
	queuedRight   = 1 << iota // it is of the right side
	queuedNullKey             // its record's key was null
	queuedHeaders             // its batch has headers
)

// queue puts a row at the end of the line.
func (j *StreamStreamJoin) queue(side int, b *vector.Batch, r int) error {
	s := &j.owed[0]
	j.key = queueKey(j.key[:0], s.Queued)
	s.Queued++
	var flags byte
	if side == rightSide {
		flags |= queuedRight
	}
	if b.NullKey.Has(r) {
		flags |= queuedNullKey
	}
	value := []byte{flags}
	if b.Headers != nil {
		value[0] |= queuedHeaders
		value = encodeHeaders(value, b.Headers[r])
	}
	return j.outer.Put(j.key, append(value, j.sides[side].rows.encode(b, r)...))
}

// admit lets the rows in line have their turn. They may come to stand in line again, behind one of them.
func (j *StreamStreamJoin) admit() error {
	var keys, values [][]byte
	err := j.outer.Range(queueKey(nil, 0), nil, func(key, value []byte) bool {
		keys, values = append(keys, bytes.Clone(key)), append(values, bytes.Clone(value))
		return true
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := j.outer.Delete(key); err != nil {
			return err
		}
	}
	j.swept = true // the first one's time has done that
	for len(values) > 0 {
		var side int
		var b *vector.Batch
		if side, b, values, err = j.unqueue(values); err != nil {
			return err
		}
		if err := j.process(side, b); err != nil {
			return err
		}
	}
	return nil
}

// unqueue makes a batch of the first rows in line that are of one side, and returns the others.
func (j *StreamStreamJoin) unqueue(values [][]byte) (side int, b *vector.Batch, rest [][]byte, err error) {
	b = &vector.Batch{Partition: j.env.Partition}
	var kind byte
	for i, value := range values {
		if len(value) == 0 {
			return side, b, nil, codec.ErrTruncated
		}
		flags, data := value[0], value[1:]
		if i == 0 {
			kind = flags &^ queuedNullKey
			if flags&queuedRight != 0 {
				side = rightSide
			}
			b.Cols = newVectors(j.node.Inputs()[side].Columns())
		} else if flags&^queuedNullKey != kind {
			return side, b, values[i:], nil
		}
		if flags&queuedHeaders != 0 {
			var hs []vector.Header
			if hs, data, err = decodeHeaders(data); err != nil {
				return side, b, nil, err
			}
			b.Headers = append(b.Headers, hs)
		}
		t, err := j.sides[side].rows.decode(data, b.Cols)
		if err != nil {
			return side, b, nil, err
		}
		if flags&queuedNullKey != 0 {
			b.NullKey = b.NullKey.Set(b.N)
		}
		b.Time = append(b.Time, t)
		b.N++
	}
	return side, b, nil, nil
}

// encodeHeaders appends headers behind their number. A value that is null differs from one that is empty.
func encodeHeaders(dst []byte, hs []vector.Header) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(hs)))
	for _, h := range hs {
		dst = appendSized(dst, []byte(h.Key))
		if h.Value == nil {
			dst = append(dst, 0)
			continue
		}
		dst = appendSized(append(dst, 1), h.Value)
	}
	return dst
}

// decodeHeaders takes what encodeHeaders appended from the front.
func decodeHeaders(b []byte) (hs []vector.Header, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return nil, nil, codec.ErrTruncated
	}
	b = b[size:]
	for range n {
		var key, value []byte
		if key, b, err = cutSized(b); err != nil {
			return nil, nil, err
		}
		if len(b) == 0 {
			return nil, nil, codec.ErrTruncated
		}
		null := b[0] == 0
		if b = b[1:]; !null {
			if value, b, err = cutSized(b); err != nil {
				return nil, nil, err
			}
		}
		hs = append(hs, vector.Header{Key: string(key), Value: value})
	}
	return hs, b, nil
}
