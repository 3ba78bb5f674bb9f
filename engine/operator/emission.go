package operator

import (
	"github.com/millrace/millrace/sql/vector"
)

// emitChunk is how many changed groups one batch of a coalesced emission holds.
const emitChunk = 1024

// emission works out, in exact mode, what each row of a batch emits.
type emission struct {
	// prev tells where the group's result before fold row i is: prev[i] >= 0, after fold row prev[i]; else it is
	// what the group had before the batch, at touched[^prev[i]].
	prev    []int32
	time    []int64 // of the emitted row
	touched []int32 // groups of the batch, in order
	had     []bool  // touched[i] had a result before the batch
	last    []int32 // by group: its last fold row so far + 1
}

// prepare looks at a batch that is about to be folded.
func (m *emission) prepare(a *Aggregate, b *vector.Batch) {
	m.prev, m.time, m.touched, m.had = m.prev[:0], m.time[:0], m.touched[:0], m.had[:0]
	for len(m.last) < a.groups.len() {
		m.last = append(m.last, 0)
	}
	for i, g := range a.fold.Group {
		r := int(a.fold.Rows[i])
		a.times[g] = max(a.times[g], b.Time[r])
		m.time = append(m.time, a.times[g])
		switch at := m.last[g]; {
		case at == 0:
			m.touched, m.had = append(m.touched, g), append(m.had, a.exists[g])
			m.prev = append(m.prev, ^int32(len(m.touched)-1))
		case b.Op(r) == vector.UpdateAfter && b.Op(int(a.fold.Rows[at-1])) == vector.UpdateBefore:
			m.prev = append(m.prev, m.prev[at-1]) // both halves of an update are one change
		default:
			m.prev = append(m.prev, at-1)
		}
		m.last[g] = int32(i + 1)
	}
	for _, g := range m.touched {
		m.last[g] = 0
	}
	if !a.old {
		return
	}
	for i := range a.calls {
		c := &a.calls[i]
		c.before.Reset()
		c.agg.Result(c.state, m.touched, c.before)
	}
}

func (m *emission) forget() { m.last = m.last[:0] }

// emitRows pushes an update for every folded row.
func (a *Aggregate) emitRows(b *vector.Batch) error {
	if len(a.fold.Rows) == 0 {
		return nil
	}
	out := &a.out
	reset(out)
	out.Partition, out.Headers = b.Partition, nil
	for i, row := range a.fold.Rows {
		r := int(row)
		if a.table && b.Op(r) == vector.UpdateBefore && a.pairs(b, i) {
			continue
		}
		g, prev := int(a.fold.Group[i]), a.em.prev[i]
		existed := prev >= 0 || a.em.had[^prev]
		if a.old && existed {
			a.appendGroup(g, vector.UpdateBefore, a.em.time[i])
			for k := range a.calls {
				v := out.Cols[len(out.Cols)-len(a.calls)+k]
				if prev >= 0 {
					v.AppendFrom(a.calls[k].after, int(prev))
				} else {
					v.AppendFrom(a.calls[k].before, int(^prev))
				}
			}
			a.appendHeaders(b, r)
		}
		op := vector.Insert
		if existed {
			op = vector.UpdateAfter
		}
		a.appendGroup(g, op, a.em.time[i])
		for k := range a.calls {
			out.Cols[len(out.Cols)-len(a.calls)+k].AppendFrom(a.calls[k].after, i)
		}
		a.appendHeaders(b, r)
	}
	if out.N == 0 {
		return nil
	}
	return a.next.Process(out)
}

// pairs says whether fold row i, an UpdateBefore, is followed by its UpdateAfter in the same group.
func (a *Aggregate) pairs(b *vector.Batch, i int) bool {
	return i+1 < len(a.fold.Rows) && a.fold.Group[i+1] == a.fold.Group[i] && b.Op(int(a.fold.Rows[i+1])) == vector.UpdateAfter
}

// appendGroup begins a row of the output: all but the results.
func (a *Aggregate) appendGroup(g int, op vector.Op, t int64) {
	out := &a.out
	out.N++
	out.Ops, out.Time = append(out.Ops, op), append(out.Time, t)
	for k, v := range a.keys {
		out.Cols[k].AppendFrom(v, g)
	}
	if a.window != nil {
		start := a.groups.starts[g]
		from, to := out.Cols[len(a.keys)], out.Cols[len(a.keys)+1]
		from.I64, to.I64 = append(from.I64, start), append(to.I64, start+a.window.size)
	}
}

// appendHeaders gives the row just appended the headers of the row that caused it.
func (a *Aggregate) appendHeaders(b *vector.Batch, r int) {
	if b.Headers == nil {
		return
	}
	a.out.Headers = append(a.out.Headers, b.Headers[r])
}

// emitDirty pushes one update for every group that changed since the last commit.
func (a *Aggregate) emitDirty() error {
	for from := 0; from < len(a.dirty); from += emitChunk {
		to := min(from+emitChunk, len(a.dirty))
		reset(&a.out)
		for k := range a.calls {
			c := &a.calls[k]
			c.after.Reset()
			c.agg.Result(c.state, a.dirty[from:to], c.after)
		}
		first := len(a.out.Cols) - len(a.calls)
		for i := from; i < to; i++ {
			g, op := int(a.dirty[i]), vector.Insert
			if a.began[i] {
				op = vector.UpdateAfter
			}
			if a.old && a.began[i] {
				a.appendGroup(g, vector.UpdateBefore, a.times[g])
				for k := range a.calls {
					a.out.Cols[first+k].AppendFrom(a.calls[k].before, i)
				}
			}
			a.appendGroup(g, op, a.times[g])
			for k := range a.calls {
				a.out.Cols[first+k].AppendFrom(a.calls[k].after, i-from)
			}
		}
		if err := a.next.Process(&a.out); err != nil {
			return err
		}
	}
	return nil
}
