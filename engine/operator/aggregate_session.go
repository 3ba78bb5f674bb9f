package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/udf"
)

// SessionAggregate groups rows by key and session: rows of a key that are at most a gap apart. A row that comes near several
// sessions merges them; the merged ones are deleted, then the new one is told. Every row reads and writes the store.
type SessionAggregate struct {
	debt
	node    *plan.Aggregate
	env     *Env
	next    Operator
	key     *keyer
	calls   []call
	columns []*udf.Column
	store   state.SessionStore
	old     bool
	gap     int64
	grace   int64
	found   []session
	values  []byte
	one     udf.Fold
	out     vector.Batch
	buf     []byte
	accept  admission

	streamTime, seq, lastClose int64
}

// session is a stored session; its value is a part of SessionAggregate.values.
type session struct {
	start, end int64
	from, to   int
}

// NewSessionAggregate returns the operator of an Aggregate node with a SESSION window.
func NewSessionAggregate(n *plan.Aggregate, env *Env, next Operator) (*SessionAggregate, error) {
	a := &SessionAggregate{
		node: n, env: env, next: next, key: newKeyer(n.Input.Columns(), positions(n.Input.Columns(), plan.Key)),
		old: env.Sub.WantsOld(n), gap: n.Window.Size.Milliseconds(), grace: n.Window.Grace.Milliseconds(),
		streamTime: noTime, lastClose: noTime,
		one: udf.Fold{Rows: make([]int32, 1), Group: make([]int32, 1)},
	}
	var err error
	if a.calls, err = newCalls(n, env); err != nil {
		return nil, err
	}
	a.columns = stateColumns(a.calls)
	a.out.Cols = newVectors(n.Out)
	id, ok := env.Sub.StoreID(n.ID, "")
	if !ok {
		return nil, fmt.Errorf("the topology has no store for %s", n.ID)
	}
	if a.store, err = env.Stores.Session(id); err != nil {
		return nil, err
	}
	a.keep = a.store.Keep
	return a, nil
}

// Process implements Operator.
func (a *SessionAggregate) Process(b *vector.Batch) error {
	if err := evalArgs(a.calls, b); err != nil {
		return err
	}
	if b = a.accept.accepted(a.env, b); b == nil {
		return nil
	}
	a.key.begin(b)
	a.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if b.NullValue.Has(r) {
			continue
		}
		if b.NullKey.Has(r) || a.key.null(r) {
			a.env.logRow(a.node.ID, b, r, RecordProcessing, "group-by column is null: the row is left out", nil)
			a.env.Count.BadRows++
			continue
		}
		if err := a.row(b, r); err != nil {
			return fmt.Errorf("aggregate rows of %s: %w", a.node.ID, err)
		}
	}
	if a.out.N == 0 {
		return nil
	}
	return a.next.Process(&a.out)
}

func (a *SessionAggregate) begin(b *vector.Batch) {
	reset(&a.out)
	a.out.Partition = b.Partition
}

// row adds a row to its session.
func (a *SessionAggregate) row(b *vector.Batch, r int) error {
	t := b.Time[r]
	a.streamTime = max(a.streamTime, t)
	key := a.key.key(r)
	start, end, err := a.find(key, t)
	if err != nil {
		return err
	}
	if end < a.streamTime-a.grace-a.gap {
		a.env.Count.LateRows++
	} else {
		if err := a.settle(); err != nil {
			return err
		}
		if err := a.merge(b, r, key, start, end); err != nil {
			return err
		}
	}
	if a.node.Final {
		return a.close(headersOf(b, r))
	}
	return nil
}

// find collects the sessions that a row at t touches, and the bounds of what they become together.
func (a *SessionAggregate) find(key []byte, t int64) (start, end int64, err error) {
	a.found, a.values = a.found[:0], a.values[:0]
	start, end = t, t
	err = a.store.Fetch(key, t-a.gap, t+a.gap, func(from, to int64, value []byte) bool {
		mark := len(a.values)
		a.values = append(a.values, value...)
		a.found = append(a.found, session{from, to, mark, len(a.values)})
		start, end = min(start, from), max(end, to)
		return true
	})
	return start, end, err
}

// merge makes one session of those found and the row.
func (a *SessionAggregate) merge(b *vector.Batch, r int, key []byte, start, end int64) error {
	t := b.Time[r]
	for i := range a.calls {
		a.calls[i].state.Reset()
		a.calls[i].agg.Init(a.calls[i].state)
	}
	for _, s := range a.found {
		if _, err := appendState(a.columns, a.values[s.from:s.to]); err != nil {
			return err
		}
	}
	same := start == t && end == t
	for i, s := range a.found {
		if same {
			break
		}
		if err := a.store.Remove(key, s.start, s.end); err != nil {
			return err
		}
		if !a.node.Final {
			a.push(b, r, s.start, s.end, vector.Delete, int32(i+1))
		}
	}
	replaced := same && len(a.found) > 0
	if replaced && a.old && !a.node.Final {
		a.push(b, r, start, end, vector.UpdateBefore, 1)
	}
	a.one.Rows[0], a.one.Seq = int32(r), a.seq
	a.seq++
	for i := range a.calls {
		c := &a.calls[i]
		for k := range a.found {
			if err := c.agg.Merge(c.state, 0, c.state, k+1); err != nil {
				return err
			}
		}
		a.one.Args = c.vecs
		if err := c.agg.Fold(c.state, &a.one, nil); err != nil {
			return err
		}
	}
	a.buf = encodeState(a.buf[:0], end, a.columns, 0)
	if _, err := a.store.Put(key, start, end, a.buf); err != nil {
		return err
	}
	if a.node.Final {
		return nil
	}
	op := vector.Insert
	if replaced {
		op = vector.UpdateAfter
	}
	a.push(b, r, start, end, op, 0)
	return nil
}

// push adds a row with the results of a group of the state. A delete carries results only where old values are wanted.
func (a *SessionAggregate) push(b *vector.Batch, r int, start, end int64, op vector.Op, group int32) {
	out := &a.out
	for k, v := range a.key.cols {
		out.Cols[k].AppendFrom(v, r)
	}
	keys, first := len(a.key.cols), len(out.Cols)-len(a.calls)
	out.Cols[keys].I64 = append(out.Cols[keys].I64, start)
	out.Cols[keys+1].I64 = append(out.Cols[keys+1].I64, end)
	if op == vector.Delete && !a.old {
		appendNulls(out.Cols[first:])
		out.NullValue = out.NullValue.Set(out.N)
	} else {
		for k := range a.calls {
			a.calls[k].agg.Result(a.calls[k].state, []int32{group}, out.Cols[first+k])
		}
	}
	a.finish(b, r, end, op)
}

func (a *SessionAggregate) finish(b *vector.Batch, r int, t int64, op vector.Op) {
	out := &a.out
	if b.Headers != nil {
		out.Headers = append(out.Headers, b.Headers[r])
	}
	out.Ops, out.Time = append(out.Ops, op), append(out.Time, t)
	out.N++
}

// Flush implements Stateful: nothing is held back.
func (a *SessionAggregate) Flush() error { return nil }

// Reset implements Stateful.
func (a *SessionAggregate) Reset() {
	a.forgive()
	a.streamTime, a.seq, a.lastClose = noTime, 0, noTime
}

// Marks implements Stateful: stream time, row counter and the last close that EMIT FINAL has seen.
func (a *SessionAggregate) Marks() []int64 { return []int64{a.streamTime, a.seq, a.lastClose} }

// SetMarks implements Stateful.
func (a *SessionAggregate) SetMarks(m []int64) { a.streamTime, a.seq, a.lastClose = m[0], m[1], m[2] }
