package task

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/vector"
)

// input is one topic's partition on its way into the task: fetched chunks of records, the first of which are decoded.
type input struct {
	topic   string
	readers []operator.Reader
	table   bool
	answers bool // to the task's own rows, from another task
	order   int

	fails  *failures
	chunks [][]record.Record
	bytes  int   // about what the chunks take
	next   int64 // position behind all chunks
	latest int64 // the largest time of a row that was processed
	atEnd  bool
	idle   time.Time // when it was first seen empty at its end; zero: it was not

	recs    []record.Record // what was decoded last
	letters []int64         // offsets of recs that dead letters were made for
	early   []early         // dead letters of records that are decoded, but not passed
	batch   *vector.Batch   // the decoded rows, nil if none
	sel     []int32         // those that count
	done    int             // how many of sel were processed
	part    vector.Batch
}

func (in *input) add(recs []record.Record, next int64, atEnd bool) {
	if len(recs) > 0 {
		in.chunks = append(in.chunks, recs)
		in.bytes += size(recs)
	}
	in.next, in.atEnd = next, atEnd
}

func (in *input) rewind(position int64) {
	clear(in.chunks)
	in.chunks, in.next, in.atEnd = in.chunks[:0], position, false
	in.batch, in.recs, in.idle, in.bytes = nil, nil, time.Time{}, 0
	in.early = nil
}

// recordBytes is about what a record takes beside its key and value.
const recordBytes = 128

func size(recs []record.Record) int {
	n := recordBytes * len(recs)
	for i := range recs {
		n += len(recs[i].Key) + len(recs[i].Value)
	}
	return n
}

func (in *input) buffered() int {
	n := 0
	for _, c := range in.chunks {
		n += len(c)
	}
	if in.batch != nil {
		n += len(in.sel) - in.done
	}
	return n
}

// position is the offset of the next record to process.
func (in *input) position() int64 {
	if in.batch != nil {
		return in.batch.Offset[in.sel[in.done]]
	}
	if len(in.chunks) > 0 {
		return in.chunks[0][0].Offset
	}
	return in.next
}

// take removes at most n records from the front, to be decoded.
func (in *input) take(n int) []record.Record {
	c := in.chunks[0]
	if len(c) > n {
		in.chunks[0] = c[n:]
		c = c[:n]
	} else {
		in.chunks[0] = nil
		in.chunks = in.chunks[1:]
	}
	in.bytes -= size(c)
	in.recs, in.letters, in.fails.from = c, in.letters[:0], in
	return c
}

// fill decodes records until rows that count are there or no records are left.
func (in *input) fill(n int) error {
	for in.batch == nil && len(in.chunks) > 0 {
		recs := in.take(n)
		in.fails.ahead = true
		b, err := in.readers[0].Decode(recs)
		in.fails.ahead = false
		if err != nil {
			return fmt.Errorf("decode records of %s: %w", in.topic, err)
		}
		in.sel = in.sel[:0]
		for i := range b.Rows() {
			in.sel = append(in.sel, int32(b.Row(i)))
		}
		if len(in.sel) > 0 {
			in.batch, in.done = b, 0
		}
		in.release()
	}
	return nil
}

// release writes the dead letters of the records before the position: the others are to be read again after an abort, or a crash.
func (in *input) release() {
	end := int64(math.MaxInt64)
	if in.batch != nil && in.done < len(in.sel) {
		end = in.batch.Offset[in.sel[in.done]]
	}
	n := 0
	for n < len(in.early) && in.early[n].offset < end {
		in.fails.write(in.early[n].out)
		n++
	}
	in.early = slices.Delete(in.early, 0, n)
}

// head is the timestamp of the next row; there is one.
func (in *input) head() int64 { return in.batch.Time[in.sel[in.done]] }

// run processes the rows from the head on up to the first that is later than limit; the head itself always.
func (in *input) run(limit int64) error {
	end := in.done + 1
	for end < len(in.sel) && in.batch.Time[in.sel[end]] <= limit {
		end++
	}
	in.fails.from = in
	rows := in.sel[in.done:end]
	for _, r := range rows {
		in.latest = max(in.latest, in.batch.Time[r])
	}
	in.part = *in.batch
	if len(rows) < in.batch.N {
		in.part.Sel = rows
	} else {
		in.part.Sel = nil
	}
	in.done = end
	in.release()
	err := in.readers[0].Next().Process(&in.part)
	if in.done == len(in.sel) {
		in.batch = nil
	}
	return err
}

// runShared processes one record of a topic that several sources read.
func (in *input) runShared() error {
	recs := in.take(1)
	for _, r := range in.readers {
		b, err := r.Decode(recs)
		if err != nil {
			return fmt.Errorf("decode a record of %s: %w", in.topic, err)
		}
		if b.Rows() == 0 {
			continue
		}
		in.latest = max(in.latest, b.Time[b.Row(0)])
		if err := r.Next().Process(b); err != nil {
			return err
		}
	}
	return nil
}

// Process takes the rows that come next, at most a batch, and emits the first piece of what operators owe then; while they owe more, the next
// piece instead. It reports whether there may be more to process at once; if not, the task needs records, or the time to pass until it stops
// waiting for an input. A commit may come between any two calls.
func (t *Task) Process(now time.Time) (more bool, err error) {
	more, err = t.sweep()
	if !more && err == nil {
		if more, err = t.process(now); more && err == nil {
			_, err = t.sweep()
		}
	}
	if err == nil {
		err = t.fails.stop
	}
	return more, err
}

// sweep lets the last operator that owes anything emit a piece of it: those before it would give it more.
func (t *Task) sweep() (swept bool, err error) {
	t.fails.from = nil
	for _, op := range slices.Backward(t.pipe.Stateful) {
		if sw, ok := op.Stateful.(operator.Sweeper); ok {
			if swept, err := sw.Sweep(); swept || err != nil {
				return swept, err
			}
		}
	}
	return false, nil
}

func (t *Task) process(now time.Time) (more bool, err error) {
	if len(t.inputs) == 1 && len(t.inputs[0].readers) > 1 {
		in := t.inputs[0]
		if len(in.chunks) == 0 {
			return false, nil
		}
		return true, in.runShared()
	}
	var first *input
	waiting := false
	for _, in := range t.inputs {
		if err := in.fill(t.opts.BatchSize); err != nil {
			return false, err
		}
		if in.batch == nil {
			waiting = t.waits(in, now) || waiting
			continue
		}
		in.idle = time.Time{}
		if first == nil || t.before(in, first) {
			first = in
		}
	}
	if first == nil || waiting {
		return false, nil
	}
	return true, first.run(t.limit(first))
}

// before says which of two inputs with rows is to go first: that of the earlier head.
func (t *Task) before(in, first *input) bool {
	if t.exchanges && in.answers != first.answers {
		return in.answers
	}
	return in.head() < first.head() || in.head() == first.head() && in.precedes(first)
}

// limit is the time up to which rows of an input may be taken before another input's head comes first.
func (t *Task) limit(first *input) int64 {
	if t.exchanges && !first.answers {
		return math.MinInt64 // the head alone
	}
	limit := int64(math.MaxInt64)
	for _, in := range t.inputs {
		if in == first || in.batch == nil {
			continue
		}
		h := in.head()
		if !first.precedes(in) {
			h--
		}
		limit = min(limit, h)
	}
	return limit
}

// precedes says whose rows go first at equal times: a table's before a stream's, so that a join finds them; else those of
// the input that the plan names first.
func (in *input) precedes(other *input) bool {
	if in.table != other.table {
		return in.table
	}
	return in.order < other.order
}

// waits says whether an empty input holds the others up: until a fetch has shown that it is at its end, and then for MaxIdle.
func (t *Task) waits(in *input, now time.Time) bool {
	if t.opts.MaxIdle < 0 {
		return false
	}
	if !in.atEnd {
		in.idle = time.Time{}
		return true
	}
	if in.idle.IsZero() {
		in.idle = now
	}
	return now.Sub(in.idle) < t.opts.MaxIdle
}
