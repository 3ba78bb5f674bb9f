package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/vector"
)

// processFinal is EMIT FINAL: rows are folded as ever, but what is emitted are the windows that close, once, as stream
// time passes their end and grace. Each row that may close windows ends a run: what came up to it is stored before it is noted which
// windows it has closed, so that the store's retention shows and hides exactly what it would row by row. A closed window
// changes no more, so the rest of the batch need not wait until it is emitted.
func (a *Aggregate) processFinal(b *vector.Batch) error {
	sel, from, t := b.Sel, 0, a.streamTime
	a.key.begin(b)
	a.rows = a.rows[:0]
	for i := range b.Rows() {
		a.rows = append(a.rows, int32(b.Row(i)))
	}
	rows := a.rows
	defer func() { b.Sel = sel }()
	for i, r := range rows {
		if b.NullKey.Has(int(r)) || b.NullValue.Has(int(r)) || a.key.null(int(r)) {
			continue
		}
		t = max(t, b.Time[r])
		if !a.closes(t) {
			continue
		}
		b.Sel = rows[from : i+1]
		from = i + 1
		if err := a.add(b); err != nil {
			return err
		}
		if err := a.close(headersOf(b, int(r))); err != nil {
			return err
		}
	}
	if from == len(rows) {
		return nil
	}
	b.Sel = rows[from:]
	return a.add(b)
}

// closes says whether windows may have closed now that stream time is t.
func (a *Aggregate) closes(t int64) bool {
	w := a.window
	to := t - w.grace - w.size
	return to >= 0 && t-w.grace > w.lastClose && w.lower() <= to/w.advance*w.advance
}

// lower is the smallest start that EMIT FINAL has not looked at.
func (w *timeWindow) lower() int64 {
	if w.lastClose == noTime {
		return 0
	}
	return max(0, w.lastClose-w.size) + 1
}

// close notes which windows the stream time has closed; the record that made it advance has the headers.
func (a *Aggregate) close(headers []vector.Header) error {
	if err := a.Flush(); err != nil {
		return err
	}
	w := a.window
	from := max(w.lower(), a.store.win.Shown())
	w.lastClose = a.streamTime - w.grace
	a.owe(Sweep{From: from, To: w.lastClose - w.size, Headers: headers})
	return a.relieve(a.Sweep)
}

// Sweep implements Sweeper. The closed windows take the room of the accumulators in memory.
func (a *Aggregate) Sweep() (swept bool, err error) {
	if len(a.owed) == 0 {
		return false, nil
	}
	if err := a.Flush(); err != nil {
		return true, err
	}
	a.beginClosed()
	s, p, more := a.owed[0], piece{limit: a.env.Piece}, false
	var failed error
	err = a.store.win.Resume(s.From, s.Key, s.To, func(start int64, key, value []byte) bool {
		if more = p.full(key); more {
			a.goOn(start, 0, key)
			return false
		}
		p.add(value)
		failed = a.appendClosed(start, key, value)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = a.pushClosed(s.Headers)
	}
	if err != nil {
		return true, fmt.Errorf("emit closed windows of %s: %w", a.node.ID, err)
	}
	if !more {
		a.pay()
	}
	return true, nil
}

// beginClosed empties the output.
func (a *Aggregate) beginClosed() {
	reset(&a.out)
	a.out.Ops, a.out.Partition = nil, a.env.Partition
	a.forget()
	a.closed = a.closed[:0]
}

// pushClosed pushes the windows that were read back since beginClosed.
func (a *Aggregate) pushClosed(headers []vector.Header) error {
	for k := range a.calls {
		c := &a.calls[k]
		c.agg.Result(c.state, a.closed, a.out.Cols[len(a.out.Cols)-len(a.calls)+k])
	}
	if headers != nil {
		for range a.closed {
			a.out.Headers = append(a.out.Headers, headers)
		}
	}
	var err error
	if a.out.N > 0 {
		err = a.next.Process(&a.out)
	}
	a.beginClosed()
	return err
}

// appendClosed adds a stored window to the output, but for its results.
func (a *Aggregate) appendClosed(start int64, key, value []byte) error {
	if _, err := a.key.codec.Decode(key, a.out.Cols[:len(a.keys)]); err != nil {
		return err
	}
	t, err := appendState(a.columns, value)
	if err != nil {
		return err
	}
	from, to := a.out.Cols[len(a.keys)], a.out.Cols[len(a.keys)+1]
	from.I64, to.I64 = append(from.I64, start), append(to.I64, start+a.window.size)
	a.out.Time = append(a.out.Time, t)
	a.out.N++
	a.closed = append(a.closed, int32(len(a.closed)))
	return nil
}
