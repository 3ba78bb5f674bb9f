package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/task"
)

// turn is how many batches a task processes before the next one has its turn.
const turn = 64

// longTurn ends a turn whose batches take long, as those do that wait for a model server: the other tasks, and the commit, are due.
const longTurn = 100 * time.Millisecond

// process gives every task its turn and says whether any has more to do at once. A task that fails takes its query out of service.
func (sl *slot) process() (more bool) {
	now := time.Now()
	for _, m := range sl.order {
		if m.state == nil || m.paused || m.fresh || sl.members[m.id] != m {
			continue
		}
		if err := sl.step(m, now); err != nil {
			sl.trouble(m, err)
			continue
		}
		more = more || m.more || m.ready.Load() && !m.full()
	}
	return more && sl.io.Err() == nil
}

func (sl *slot) step(m *member, now time.Time) error {
	came, err := m.take()
	if err != nil {
		return err
	}
	worked := came
	m.more = false
	start := time.Now()
	began, held := int(sl.outputs.bytes), m.open()
	for range turn {
		more, err := m.task.Process(now)
		if err != nil {
			return err
		}
		worked = worked || more
		sl.outputs.set(began + max(m.open()-held, 0))
		if m.more = more; !more || sl.outputs.over() || time.Since(start) > longTurn {
			break
		}
	}
	m.holdings.inputs.set(m.buffered())
	if err := m.spare(); err != nil {
		return err
	}
	if !worked {
		return nil
	}
	m.measure()
	m.touched, m.active = true, now
	if sl.since.IsZero() {
		sl.since = now
	}
	if sl.outputs.over() {
		sl.since = now.Add(-sl.s.cfg.CommitInterval - mostPatience) // at once
	}
	return nil
}

// spare makes the operators forget what they keep at hand, where memory for that is short. What they write belongs to the running transaction;
// of an idle task it is written already.
func (m *member) spare() error {
	m.holdings.operators.set(m.task.HeldBytes())
	if !m.holdings.operators.over() {
		return nil
	}
	err := m.task.Release()
	m.holdings.operators.set(m.task.HeldBytes())
	return err
}

// open is about the memory of what the running transaction has changed and will write.
func (m *member) open() int { return m.task.OutputBytes() + m.state.OpenBytes() }

// buffered is the memory of what waits in the task's inputs.
func (m *member) buffered() (n int) {
	for _, in := range m.sub.Inputs {
		_, bytes := m.task.Buffered(in.Topic)
		n += bytes
	}
	return n
}

// full says that an input's buffer keeps the task from taking more.
func (m *member) full() bool {
	for _, in := range m.sub.Inputs {
		if m.holds(in.Topic) {
			return true
		}
	}
	return false
}

// trouble answers an error of a task: one that was interrupted, since its query stops or pauses, goes back to its last commit, any other
// one fails its query.
func (sl *slot) trouble(m *member, err error) {
	if errors.Is(err, task.ErrInterrupted) {
		m.rollback()
		return
	}
	sl.setAside(m, fmt.Errorf("task %s: %w", m.id, err))
}

// setAside takes a failing task's query out of service. Nothing of the task has reached Kafka, so the slot's other tasks go on as if
// it had never been.
func (sl *slot) setAside(m *member, err error) {
	for _, other := range sl.order {
		if other.id.Query == m.id.Query {
			sl.remove(other)
		}
	}
	if sl.io.Err() == nil && !sl.s.Distrust(err) {
		sl.s.fail(m.id.Query, err)
	}
}
