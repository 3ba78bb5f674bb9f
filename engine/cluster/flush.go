package cluster

import (
	"context"
	"time"
)

// flushOld begins to flush the tasks whose committed state is large or old.
func (sl *slot) flushOld(now time.Time) {
	if sl.s.lowDisk.Load() {
		return
	}
	share := max(sl.s.cfg.FlushBytes/max(int(sl.s.tasks.Load()), 1), 1<<20)
	for _, m := range sl.order {
		if m.state == nil {
			continue
		}
		m.endFlush(false)
		since := m.state.DirtySince()
		if m.state.Bytes() > share || !since.IsZero() && now.Sub(since) > sl.s.cfg.FlushInterval {
			sl.beginFlush(m, now)
		}
	}
}

func (sl *slot) beginFlush(m *member, now time.Time) {
	f := m.state.BeginFlush(now)
	if f == nil {
		return
	}
	m.flush = f
	sl.wg.Go(func() {
		err := sl.s.fault("flush")
		if err == nil {
			err = f.Run(context.WithoutCancel(sl.io))
		}
		m.flushed <- err
		sl.poke()
	})
}

// endFlush takes the outcome of the running flush, if there is one; wait says to wait for it.
func (m *member) endFlush(wait bool) {
	if m.flush == nil {
		return
	}
	var err error
	if wait {
		err = <-m.flushed
	} else {
		select {
		case err = <-m.flushed:
		default:
			return
		}
	}
	m.state.EndFlush(m.flush, err)
	m.flush = nil
	metrics := &m.slot.s.metrics
	metrics.Flushes.Add(1)
	if err != nil {
		metrics.FlushFailures.Add(1)
		m.slot.s.cfg.Logger.Error("state could not be written; it is kept in memory and in its changelog", "task", m.id.String(), "error", err)
	}
}

// flushNow brings a task's committed state to disk, so that the next start has nothing to replay.
func (sl *slot) flushNow(m *member) {
	if m.state == nil || sl.s.lowDisk.Load() {
		return
	}
	m.endFlush(true)
	sl.beginFlush(m, time.Now())
	m.endFlush(true)
}
