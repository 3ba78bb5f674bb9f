package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/task"
)

// turn is how long a task goes on before the next one has its turn: the others, and the commit, are due. A task is brought as far as that allows,
// and not all a little, since a commit costs by the partitions that its tasks write to.
const turn = 100 * time.Millisecond

// longAgo makes a commit due at once.
const longAgo = time.Hour

// process gives the tasks their turns, from the one on that is next, until all had one or a commit is due. It says whether there is more to do at
// once. A task that fails takes its query out of service.
func (sl *slot) process() (more bool) {
	for range len(sl.order) {
		m := sl.nextTurn()
		if m == nil || m.state == nil || m.paused || m.fresh {
			continue
		}
		now := time.Now()
		if err := sl.step(m, now); err != nil {
			sl.trouble(m, err)
			continue
		}
		if sl.due(now, true) {
			more = true
			break
		}
		more = more || m.more || m.ready.Load() && !m.full()
	}
	return more && sl.io.Err() == nil
}

// nextTurn is the task whose turn it is; nil if there is none any more.
func (sl *slot) nextTurn() *member {
	if len(sl.order) == 0 {
		return nil
	}
	sl.next = (sl.next + 1) % len(sl.order)
	return sl.order[sl.next]
}

func (sl *slot) step(m *member, now time.Time) error {
	came, err := m.take()
	if err != nil {
		return err
	}
	worked := came
	m.more = false
	began, held := int(sl.outputs.bytes), m.open()
	for {
		more, err := m.task.Process(now)
		if err != nil {
			return err
		}
		worked = worked || more
		sl.outputs.set(began + max(m.open()-held, 0))
		at := time.Now()
		if m.more = more; !more || sl.outputs.over() || at.Sub(now) > turn || sl.due(at, true) {
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
		sl.since = now.Add(-longAgo)
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
