package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/record"
)

// TestSharesGiveWay: one that is alone has all of a pool; of several those give way that have the average or more, and always one does.
func TestSharesGiveWay(t *testing.T) {
	p := &pool{limit: 100}
	a, b, c := share{of: p}, share{of: p}, share{of: p}
	a.set(100)
	if a.over() || p.full() {
		t.Error("a share that fits is over")
	}
	a.set(101)
	if !a.over() || !p.full() {
		t.Error("a share larger than its pool is not over")
	}
	a.set(70)
	b.set(39)
	c.set(10)
	if !a.over() || b.over() || c.over() {
		t.Errorf("of 70, 39 and 10 in a pool of 100, over are %v, %v, %v", a.over(), b.over(), c.over())
	}
	b.set(40)
	a.set(0)
	if p.used.Load() != 50 || p.holders.Load() != 2 || p.full() {
		t.Errorf("%d bytes of %d holders are left, want 50 of 2", p.used.Load(), p.holders.Load())
	}
	for _, s := range []*share{&a, &b, &c} {
		s.set(50)
	}
	if !a.over() || !b.over() || !c.over() {
		t.Error("of equal shares not all give way")
	}
}

// TestHoldings: what a flush writes still fills memory, but asks for no other flush.
func TestHoldings(t *testing.T) {
	var m memory
	m.limit(&Config{FlushBytes: 100, InputBytes: 100})
	h := m.holdings()
	h.hold(60)
	if !h.unsaved.over() || m.state.full() {
		t.Error("more than half of the memory asks for no flush, or for the input to wait")
	}
	h.flushing = 60
	h.hold(60)
	if h.unsaved.over() {
		t.Error("a running flush asks for another")
	}
	h.hold(101)
	if h.unsaved.over() || !m.state.full() {
		t.Error("41 unsaved bytes beside a flush of 60 ask for a flush, or do not fill the memory")
	}
	h.inputs.set(7)
	h.release()
	for name, p := range map[string]*pool{"state": &m.state, "unsaved": &m.unsaved, "inputs": &m.inputs} {
		if p.used.Load() != 0 || p.holders.Load() != 0 {
			t.Errorf("of %s %d bytes of %d holders are left of a task that is gone", name, p.used.Load(), p.holders.Load())
		}
	}
}

// TestInputWaitsForFlushes: while flushes do not end, committed state stops growing at its limit; when they do, all goes on, and a task that
// has gone leaves nothing in the account.
func TestInputWaitsForFlushes(t *testing.T) {
	onBrokers(t, func(r *rig) {
		const records, limit = 4000, 64 << 10
		r.produce(0, records)
		released := make(chan struct{})
		s, db := r.bootWith(func(c *Config) { c.FlushBytes, c.TransactionBytes = limit, 4000 }, func(point string) error {
			if point == "flush" {
				<-released
			}
			return nil
		})
		r.ok(s.StartQuery(r.Context(), r.counting("q", func(f *fake) {
			f.before = func(rec record.Record) error { // a row a record: counts alone take no memory
				return f.store.Put(fmt.Appendf(nil, "row %d", rec.Offset), make([]byte, 200))
			}
		})))
		r.await("memory to be full", s.memory.state.full)
		for range 20 {
			if used := s.memory.state.used.Load(); used > 2*limit {
				r.Errorf("%d bytes of state, of which nothing can be flushed, in a budget of %d", used, limit)
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if r.caughtUp(s, "q", 2) {
			r.Error("the input did not wait")
		}
		close(released)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(records)
		for name, p := range map[string]*pool{"state": &s.memory.state, "unsaved": &s.memory.unsaved, "inputs": &s.memory.inputs, "outputs": &s.memory.outputs} {
			if p.used.Load() != 0 || p.holders.Load() != 0 {
				r.Errorf("of %s %d bytes of %d holders are left", name, p.used.Load(), p.holders.Load())
			}
		}
	})
}
