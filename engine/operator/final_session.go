package operator

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/vector"
)

// close notes which sessions stream time has closed; the record that made it advance has the headers.
func (a *SessionAggregate) close(headers []vector.Header) error {
	upTo := a.streamTime - a.grace - a.gap
	if upTo <= a.lastClose || upTo <= 0 {
		return nil
	}
	from := max(0, a.lastClose, a.store.Shown())
	a.lastClose = upTo
	a.owe(Sweep{From: from, To: upTo - 1, Start: math.MinInt64, Headers: headers})
	return a.relieve(a.Sweep)
}

// settle emits what is owed if a session of it is among those found, which are to be merged: unlike a window, a session that has closed may
// still become part of a later one.
func (a *SessionAggregate) settle() error {
	for _, s := range a.found {
		for len(a.owed) > 0 && s.end >= a.owed[0].From && s.end <= a.owed[len(a.owed)-1].To {
			if _, err := a.Sweep(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sweep implements Sweeper.
func (a *SessionAggregate) Sweep() (swept bool, err error) {
	if len(a.owed) == 0 {
		return false, nil
	}
	reset(&a.out)
	a.out.Partition = a.env.Partition
	for i := range a.calls {
		a.calls[i].state.Reset()
	}
	s, p, more := a.owed[0], piece{limit: a.env.Piece}, false
	var failed error
	err = a.store.Resume(s.From, s.Start, s.Key, s.To, func(start, end int64, key, value []byte) bool {
		if more = p.full(key); more {
			a.goOn(end, start, key)
			return false
		}
		failed = a.appendClosed(start, end, key, value, int32(p.rows), s.Headers)
		p.add(value)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err == nil && a.out.N > 0 {
		err = a.next.Process(&a.out)
	}
	if err != nil {
		return true, fmt.Errorf("emit closed sessions of %s: %w", a.node.ID, err)
	}
	reset(&a.out)
	if !more {
		a.pay()
	}
	return true, nil
}

// appendClosed adds a stored session to the output.
func (a *SessionAggregate) appendClosed(start, end int64, key, value []byte, group int32, headers []vector.Header) error {
	out := &a.out
	keys, first := len(a.key.cols), len(out.Cols)-len(a.calls)
	if _, err := a.key.codec.Decode(key, out.Cols[:keys]); err != nil {
		return err
	}
	if _, err := appendState(a.columns, value); err != nil {
		return err
	}
	out.Cols[keys].I64 = append(out.Cols[keys].I64, start)
	out.Cols[keys+1].I64 = append(out.Cols[keys+1].I64, end)
	for k := range a.calls {
		a.calls[k].agg.Result(a.calls[k].state, []int32{group}, out.Cols[first+k])
	}
	if headers != nil {
		out.Headers = append(out.Headers, headers)
	}
	out.Ops, out.Time = append(out.Ops, vector.Insert), append(out.Time, end)
	out.N++
	return nil
}
