package cluster

import (
	"sync/atomic"
	"testing"
	"time"
)

// TestFlushThatAlwaysFails: tasks take no more than there is memory for while state cannot be written, say so, and go on when it can.
func TestFlushThatAlwaysFails(t *testing.T) {
	onBrokers(t, func(r *rig) {
		var broken atomic.Bool
		broken.Store(true)
		s, db := r.bootWith(func(c *Config) { c.FlushBytes, c.Slots = 1, 1 }, func(point string) error {
			if point == "flush" && broken.Load() {
				return errInjected
			}
			return nil
		})
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 14)
		r.await("a flush to fail", func() bool { return s.Unwritable() && s.stalled() })
		taken := s.Metrics().RecordsOut.Load()
		r.produce(14, 1000)
		time.Sleep(300 * time.Millisecond) // in which all of them would be taken
		if n := s.Metrics().RecordsOut.Load(); n > taken+14 {
			r.Errorf("%d records were taken without memory for them", n)
		}
		broken.Store(false)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.await("a flush", func() bool { return !s.Unwritable() })
		r.close(s, db)
		r.exact(1000)
	})
}
