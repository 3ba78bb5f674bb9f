package cluster

import (
	"runtime/debug"
	"time"
)

// Most of hundreds of queries are idle at any time. What an idle task keeps for more of the same - buffers as large as its last records needed,
// what operators have at hand of their stores - is memory that the others need.

// upkeep is what a slot does for its tasks now and then, between transactions.
func (sl *slot) upkeep(now time.Time) {
	sl.flushOld(now)
	sl.rest(now)
}

// rest lets tasks rest that were idle for long, and the producers when all tasks do.
func (sl *slot) rest(now time.Time) {
	awake := false
	for _, m := range sl.order {
		if m.active.IsZero() || sl.members[m.id] != m {
			continue
		}
		if m.touched || m.more || m.waits() || !older(m.active, now, sl.s.cfg.RestAfter) {
			awake = true
			continue
		}
		m.active = time.Time{}
		if err := m.rest(); err != nil {
			sl.trouble(m, err)
		}
	}
	if awake {
		return
	}
	sl.producer.Rest()
	if sl.plain != nil {
		sl.plain.Rest()
	}
}

func (m *member) rest() error {
	if err := m.task.Rest(); err != nil {
		return err
	}
	m.state.Rest()
	m.holdings.operators.set(m.task.HeldBytes())
	return nil
}

// lull tells when a server has come to rest. It belongs to the janitor.
type lull struct {
	seen  int64     // of what was done
	since time.Time // nothing was done
	told  bool
}

// tick takes how much was done so far, and says once that nothing was done for longer than limit.
func (l *lull) tick(now time.Time, done int64, limit time.Duration) bool {
	if done != l.seen || l.since.IsZero() {
		l.seen, l.since, l.told = done, now, false
	}
	if l.told || !older(l.since, now, limit) {
		return false
	}
	l.told = true
	return true
}

// giveBack returns memory to the system once all tasks rest, which slots see to once a second. Else it would stay: garbage is collected when there
// is more of it, and who is idle makes none.
func (s *Service) giveBack(now time.Time) {
	if s.lull.tick(now, s.metrics.Commits.Load()+s.metrics.Restored.Records.Load(), s.cfg.RestAfter+3*time.Second) {
		debug.FreeOSMemory()
	}
}
