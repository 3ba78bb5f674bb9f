package cluster

import "time"

// restamp is how old the wall time of an idle task's positions may become. Positions older than a changelog's delete.retention.ms
// would cost a rebuild at the next start.
const restamp = 6 * time.Hour

// reflush is when a flush that failed is tried again.
const reflush = time.Second

// stalled says that tasks must wait: the disk is nearly full, or what is committed cannot be written to it and there is no memory for more.
func (s *Service) stalled() bool {
	return s.lowDisk.Load() || s.unwritable.Load() && s.memory.state.full()
}

// Unwritable says that the last flush of some task failed for another reason than that there was no time for it. Tasks go on as long as there is
// memory for what they change.
func (s *Service) Unwritable() bool { return s.unwritable.Load() }

// flushOld begins to flush the tasks whose committed state is old, or the largest while memory is short.
func (sl *slot) flushOld(now time.Time) {
	if sl.s.lowDisk.Load() {
		return
	}
	for _, m := range sl.order {
		if m.state == nil || now.Before(m.reflush) {
			continue
		}
		// Where the disk is slower than the input, the input waits: else memory would grow without bound.
		m.endFlush(sl.s.memory.state.full())
		if m.holdings.unsaved.over() || older(m.state.DirtySince(), now, sl.s.cfg.FlushInterval) || older(m.state.Stamped(), now, restamp) {
			sl.beginFlush(m, now)
		}
	}
}

// older says whether a time was set and lies further back than limit.
func older(t, now time.Time, limit time.Duration) bool { return !t.IsZero() && now.Sub(t) > limit }

func (sl *slot) beginFlush(m *member, now time.Time) {
	f := m.state.BeginFlush(now)
	if f == nil {
		return
	}
	m.flush, m.holdings.flushing = f, m.state.Bytes()
	m.holdings.hold(m.state.Bytes())
	sl.wg.Go(func() {
		err := sl.s.fault("flush")
		if err == nil {
			err = f.Run(sl.io)
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
	m.flush, m.holdings.flushing = nil, 0
	m.holdings.hold(m.state.Bytes())
	metrics := &m.slot.s.metrics
	metrics.Flushes.Add(1)
	switch {
	case err == nil:
		m.slot.s.unwritable.Store(false)
	case m.slot.io.Err() != nil:
		m.slot.s.cfg.Logger.Info("there was no time to write state to disk; it is read back from its changelog", "task", m.id.String(), "error", err)
	default:
		metrics.FlushFailures.Add(1)
		m.reflush = time.Now().Add(reflush)
		m.slot.s.unwritable.Store(true)
		m.slot.s.cfg.Logger.Error("state could not be written; it is kept in memory and in its changelog", "task", m.id.String(), "error", err)
	}
}

// flushNow brings a task's committed state to disk, so that the next start has nothing to replay, unless the slot has to be left before that is
// done.
func (sl *slot) flushNow(m *member) {
	if m.state == nil || sl.s.lowDisk.Load() || sl.io.Err() != nil {
		return
	}
	m.endFlush(true)
	if m.state.DirtySince().IsZero() {
		return
	}
	sl.beginFlush(m, time.Now())
	m.endFlush(true)
}
