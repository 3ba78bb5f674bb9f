package state

import (
	"context"
	"iter"
	"time"
)

// Flush is a running flush of one task. The layers that it writes stay readable until EndFlush.
type Flush struct {
	durable Durable
	items   []FlushItem
	layers  []int // per store: how many of the oldest committed layers are written
	clocks  []clock
	since   time.Time // the dirty mark before
	began   time.Time
}

// BeginFlush freezes the committed layers. Call it on the task's goroutine, between transactions or within one; then Run on
// any goroutine, then EndFlush on the task's. It returns nil if there is nowhere to flush to, a flush is running, or the task has
// neither changes nor positions. All stores get their position, also those without changes: an idle store's must not grow old.
func (t *Task) BeginFlush(now time.Time) *Flush {
	if t.config.Durable == nil || t.flushing != nil || t.dirty.IsZero() && t.stamped.IsZero() {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &Flush{durable: t.config.Durable, since: t.dirty, began: now}
	for _, s := range t.stores {
		f.layers = append(f.layers, len(s.committed))
		f.clocks = append(f.clocks, s.saved)
		f.items = append(f.items, FlushItem{
			Partition: s.partition, Entries: s.committed.entries(), Position: Position{Offset: s.position, Time: now},
		})
	}
	t.flushing = f
	t.dirty = time.Time{}
	return f
}

// Run writes. It may be called from any goroutine, once.
func (f *Flush) Run(ctx context.Context) error { return f.durable.Flush(ctx, f.items) }

// EndFlush takes the outcome of Run: after success the written layers go, after a failure they stay and the next flush
// tries again.
func (t *Task) EndFlush(f *Flush, err error) {
	t.flushing = nil
	if err != nil {
		t.dirty = f.since
		return
	}
	t.stamped = f.began
	for i, s := range t.stores {
		s.release() // its snapshot may be older than the flush
		s.committed = append(stack(nil), s.committed[f.layers[i]:]...)
		s.empty = s.empty && f.layers[i] == 0
		s.clock.flushed = max(s.clock.flushed, f.clocks[i].now)
		s.saved.flushed = s.clock.flushed
	}
	t.publish()
}

// entries yields the newest value of each key of the layers in key order.
func (s stack) entries() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		m := merged{}
		for i := len(s) - 1; i >= 0; i-- {
			m.cursors = append(m.cursors, cursor{s[i], s[i].order()})
		}
		for {
			key, value, ok, _ := m.next() // layers alone give no errors
			if !ok || !yield(key, value) {
				return
			}
		}
	}
}
