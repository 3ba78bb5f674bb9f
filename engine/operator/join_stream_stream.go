package operator

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// StreamStreamJoin joins rows of two streams that have one key and timestamps near each other.
//
// A row looks for rows of the other side first and is stored after, so it never meets itself. Without GRACE a row
// of a side that keeps its rows is emitted without a match at once. With GRACE it waits in the outer store until a match
// comes or its time is over. Where a row ends the wait of very many, it waits there itself, and those behind it in its batch, until all
// of them are emitted.
type StreamStreamJoin struct {
	joined
	debt
	node   *plan.Join
	env    *Env
	next   Operator
	stores [2]state.JoinStore
	outer  state.KeyValueStore // nil: no row waits
	keeps  [2]bool
	// before and after bound, in milliseconds, the times of the other side's rows that a row of the side meets.
	before, after [2]int64
	grace         int64
	primary       int // the side that WITHIN is told from

	streamTime int64
	minTime    int64 // no row that waits is older; math.MaxInt64: none waits

	matches []match
	arena   []byte
	key     []byte
	found   []waiting
	swept   bool // the next row's time has ended all waits that it ends
}

type match struct {
	time     int64
	from, to int // of the stored row in the arena
}

type waiting struct {
	key  []byte
	time int64
	side int
	rows []byte
}

// NewStreamStreamJoin returns the join, which is stateful, and its two inputs.
func NewStreamStreamJoin(n *plan.Join, env *Env, next Operator) (j *StreamStreamJoin, left, right Operator, err error) {
	j = &StreamStreamJoin{joined: newJoined(n.Left, n.Right, n.Out), node: n, env: env, next: next, streamTime: noTime, minTime: math.MaxInt64}
	j.keeps = [2]bool{n.Kind == plan.Left || n.Kind == plan.Full, n.Kind == plan.Right || n.Kind == plan.Full}
	if n.Kind == plan.Right {
		j.primary = rightSide
	}
	b, a := n.Within.Before.Milliseconds(), n.Within.After.Milliseconds()
	j.before[j.primary], j.after[j.primary] = b, a
	j.before[1-j.primary], j.after[1-j.primary] = a, b
	if n.Within.Grace != nil {
		j.grace = n.Within.Grace.Milliseconds()
	}
	for side, role := range []string{"left", "right"} {
		id, ok := env.Sub.StoreID(n.ID, role)
		if !ok {
			return nil, nil, nil, fmt.Errorf("the topology has no store for %s", n.ID)
		}
		if j.stores[side], err = env.Stores.Join(id); err != nil {
			return nil, nil, nil, err
		}
	}
	if id, ok := env.Sub.StoreID(n.ID, "outer"); ok {
		if j.outer, err = env.Stores.KeyValue(id); err != nil {
			return nil, nil, nil, err
		}
	}
	return j, sideInput{leftSide, j}, sideInput{rightSide, j}, nil
}

func (j *StreamStreamJoin) process(side int, b *vector.Batch) error {
	j.begin(b)
	j.sides[side].key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if b.NullValue.Has(r) {
			continue
		}
		if err := j.arrive(side, b, r); err != nil {
			return fmt.Errorf("join rows of %s: %w", j.node.ID, err)
		}
		if err := j.push(b, emitChunk); err != nil {
			return err
		}
	}
	return j.push(b, 1)
}

// push passes the joined rows on if there are so many.
func (j *StreamStreamJoin) push(b *vector.Batch, least int) error {
	if j.out.N < least {
		return nil
	}
	err := j.next.Process(&j.out)
	j.begin(b)
	return err
}

// arrive joins one row and stores it, unless more rows are to be emitted first than are emitted at a time: then it waits in line.
func (j *StreamStreamJoin) arrive(side int, b *vector.Batch, r int) error {
	if len(j.owed) > 0 {
		return j.queue(side, b, r)
	}
	t := b.Time[r]
	if b.NullKey.Has(r) || j.sides[side].key.null(r) {
		if !j.keeps[side] {
			return nil
		}
		j.streamTime = max(j.streamTime, t)
		return j.emit(side, b, r, half{b: b, row: r}, half{}, t)
	}
	j.streamTime = max(j.streamTime, t)
	if j.outer != nil && t == j.streamTime && !j.swept {
		if err := j.expire(side, b, r); err != nil {
			return err
		}
		if len(j.owed) > 0 {
			return j.queue(side, b, r)
		}
	}
	j.swept = false
	return j.row(side, b, r)
}

// row joins one row whose key is not null and stores it.
func (j *StreamStreamJoin) row(side int, b *vector.Batch, r int) error {
	t := b.Time[r]
	own := half{b: b, row: r}
	key := j.sides[side].key.key(r)
	if err := j.fetch(side, key, t); err != nil {
		return err
	}
	for _, m := range j.matches {
		if j.outer != nil {
			if err := j.unwait(1-side, m.time, key); err != nil {
				return err
			}
		}
		if err := j.emit(side, b, r, own, half{data: j.arena[m.from:m.to]}, max(t, m.time)); err != nil {
			return err
		}
	}
	if len(j.matches) == 0 && j.keeps[side] {
		if err := j.unmatched(side, b, r, key); err != nil {
			return err
		}
	}
	_, err := j.stores[side].Put(t, key, j.sides[side].rows.encode(b, r))
	return err
}

// fetch finds the other side's rows that the row meets.
func (j *StreamStreamJoin) fetch(side int, key []byte, t int64) error {
	j.matches, j.arena = j.matches[:0], j.arena[:0]
	return j.stores[1-side].Fetch(key, max(0, t-j.before[side]), max(0, t+j.after[side]), func(time int64, value []byte) bool {
		from := len(j.arena)
		j.arena = append(j.arena, value...)
		j.matches = append(j.matches, match{time, from, len(j.arena)})
		return true
	})
}

// unmatched emits a row without a match, or lets it wait.
func (j *StreamStreamJoin) unmatched(side int, b *vector.Batch, r int, key []byte) error {
	t := b.Time[r]
	if j.outer == nil || max(0, t+j.after[side]) < j.streamTime {
		return j.emit(side, b, r, half{b: b, row: r}, half{}, t)
	}
	j.waitKey(side, t, key)
	rows, err := j.outer.Get(j.key)
	if err != nil {
		return err
	}
	j.minTime = min(j.minTime, t)
	return j.outer.Put(j.key, appendSized(append([]byte{}, rows...), j.sides[side].rows.encode(b, r)))
}

// waitKey makes the key of waiting rows: by time, then the other side than the primary one first, then key.
func (j *StreamStreamJoin) waitKey(side int, t int64, key []byte) {
	j.key = binary.BigEndian.AppendUint64(j.key[:0], uint64(t)^1<<63)
	var order byte
	if side == j.primary {
		order = 1
	}
	j.key = append(append(j.key, order), key...)
}

// unwait forgets the waiting rows that a match was found for.
func (j *StreamStreamJoin) unwait(side int, t int64, key []byte) error {
	if !j.keeps[side] {
		return nil
	}
	j.waitKey(side, t, key)
	return j.outer.Delete(j.key)
}

// emit adds a joined row.
func (j *StreamStreamJoin) emit(side int, b *vector.Batch, r int, own, other half, t int64) error {
	if b.NullKey.Has(r) {
		j.out.NullKey = j.out.NullKey.Set(j.out.N)
	}
	if side == leftSide {
		return j.add(b, r, side, own, other, t)
	}
	return j.add(b, r, side, other, own, t)
}

// Flush implements Stateful.
func (j *StreamStreamJoin) Flush() error { return nil }

// Reset implements Stateful.
func (j *StreamStreamJoin) Reset() {
	j.forgive()
	j.streamTime, j.minTime, j.swept = noTime, math.MaxInt64, false
}

// Marks implements Stateful: stream time, and the time before which no row waits.
func (j *StreamStreamJoin) Marks() []int64 { return []int64{j.streamTime, j.minTime} }

// SetMarks implements Stateful.
func (j *StreamStreamJoin) SetMarks(m []int64) { j.streamTime, j.minTime = m[0], m[1] }
