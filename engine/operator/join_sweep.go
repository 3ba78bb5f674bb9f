package operator

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
)

// expire emits the waiting rows whose time is over; row r of b, of the side, made time advance. It owes those that are more than are emitted at a
// time.
func (j *StreamStreamJoin) expire(side int, b *vector.Batch, r int) error {
	if j.minTime == math.MaxInt64 || j.minTime+j.after[side]+j.grace >= j.streamTime {
		return nil
	}
	j.minTime = math.MaxInt64
	s := Sweep{From: noTime, To: j.streamTime}
	more, err := j.end(&s, b, r)
	if err != nil || !more {
		return err
	}
	s.Headers = headersOf(b, r)
	if headerBytes(s.Headers) <= maxOwedHeaders {
		j.owe(s)
		return nil
	}
	for more && err == nil {
		more, err = j.end(&s, b, r)
	}
	return err
}

// Sweep implements Sweeper. When nothing is owed any more the rows that wait in line have their turn.
func (j *StreamStreamJoin) Sweep() (swept bool, err error) {
	if len(j.owed) == 0 {
		return false, nil
	}
	cause := &vector.Batch{Partition: j.env.Partition}
	if hs := j.owed[0].Headers; hs != nil {
		cause.Headers = [][]vector.Header{hs}
	}
	j.begin(cause)
	more, err := j.end(&j.owed[0], cause, 0)
	if err == nil {
		err = j.push(cause, 1)
	}
	if err == nil && !more {
		j.pay()
		err = j.admit()
	}
	if err != nil {
		return true, fmt.Errorf("emit rows without a match of %s: %w", j.node.ID, err)
	}
	return true, nil
}

// end emits the next piece of the waiting rows whose time is over, from where s says, and lets s say where to go on. It reports whether
// there may be more.
func (j *StreamStreamJoin) end(s *Sweep, b *vector.Batch, r int) (more bool, err error) {
	if more, err = j.find(s); err != nil {
		return more, err
	}
	for _, w := range j.found {
		if err := j.emitWaiting(w, b, r); err != nil {
			return more, err
		}
		if err := j.outer.Delete(w.key); err != nil {
			return more, err
		}
	}
	clear(j.found)
	return more, j.push(b, emitChunk)
}

// find sets found to the next entries that have expired, a piece at most, and says whether there may be more.
func (j *StreamStreamJoin) find(s *Sweep) (more bool, err error) {
	j.found = j.found[:0]
	p := piece{limit: j.env.Piece}
	err = j.outer.Range(s.Key, queueKey(nil, 0), func(key, rows []byte) bool {
		if s.Open[leftSide] && s.Open[rightSide] {
			return false
		}
		t := int64(binary.BigEndian.Uint64(key) ^ 1<<63)
		if more = p.full(key); more {
			s.From, s.Key = t, append([]byte{}, key...)
			return false
		}
		side := 1 - j.primary
		if key[8] == 1 {
			side = j.primary
		}
		j.minTime = t
		if t+j.after[side]+j.grace >= j.streamTime {
			s.Open[side] = true
			return true
		}
		p.add(rows)
		j.found = append(j.found, waiting{append([]byte{}, key...), t, side, append([]byte{}, rows...)})
		return true
	})
	return more, err
}

// emitWaiting adds the rows of an expired entry.
func (j *StreamStreamJoin) emitWaiting(w waiting, b *vector.Batch, r int) error {
	for rows := w.rows; len(rows) > 0; {
		data, rest, err := cutSized(rows)
		if err != nil {
			return err
		}
		rows = rest
		if err := j.addStored(w.side, w.key[9:], data); err != nil {
			return err
		}
		j.finish(b, r, w.time)
	}
	return nil
}

// addStored appends the columns of a stored row that found no match.
func (j *StreamStreamJoin) addStored(side int, key, data []byte) error {
	if err := j.addKey(side, key); err != nil {
		return err
	}
	split := j.head + j.sides[leftSide].cols
	left, right := half{data: data}, half{}
	if side == rightSide {
		left, right = right, left
	}
	if err := j.fill(j.out.Cols[j.head:split], left, leftSide); err != nil {
		return err
	}
	return j.fill(j.out.Cols[split:], right, rightSide)
}

// appendSized appends bytes behind their length.
func appendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// cutSized takes what appendSized appended from the front.
func cutSized(b []byte) (first, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, codec.ErrTruncated
	}
	end := size + int(n)
	return b[size:end:end], b[end:], nil
}
