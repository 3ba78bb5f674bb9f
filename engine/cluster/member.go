package cluster

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/changelog"
)

// member is a task in a slot. It is restored in a goroutine of its own; from then on it belongs to the slot's.
type member struct {
	id    TaskID
	spec  QuerySpec
	sub   *topology.SubTopology
	slot  *slot
	task  Task
	feed  Subscription
	ready atomic.Bool // the feed has something
	stop  context.CancelFunc
	done  chan struct{} // closed when the restore has ended

	paused  bool
	more    bool        // Process has not come to its end
	aborts  int         // of its commits, in a row
	behind  atomic.Bool // of its models
	fresh   bool        // it has processed nothing, and must not before a commit has declared the models as they are
	touched bool        // something was taken or processed since the last commit
	active  time.Time   // when it last did anything; zero: it rests

	committed  Record // as of the last commit
	stored     []byte // its bytes; nil: there is no slots record yet
	pending    Record // of the running commit
	pendingRaw []byte // nil until it was sent
	flush      *state.Flush
	flushed    chan error // capacity 1: the outcome of flush
	reflush    time.Time  // when to try again, after one that failed
	holdings   holdings

	state *state.Task // set under slot.mu, since views read it

	restored *Restored // of all the query's tasks here
	records  *Committed

	mu       sync.Mutex // guards what status reads
	restore  map[string]changelog.Progress
	shown    map[string]int64 // committed inputs
	logged   map[string]int64 // committed ends of changelogs, by store
	counts   operator.Counters
	bytes    int
	isPaused bool
	tally    tally // its figures and meters; the rest is the slot's

	live live
}

// leastBuffer is what an input may always hold, so that a task whose inputs wait for each other goes on however little memory there is.
const leastBuffer = 256 << 10

// holds says that an input has as many records waiting as it may.
func (m *member) holds(topic string) bool {
	_, bytes := m.task.Buffered(topic)
	return bytes >= m.slot.s.cfg.BufferBytes || bytes >= leastBuffer && m.holdings.inputs.over()
}

// take gives the task what was fetched. It reports whether anything came.
func (m *member) take() (bool, error) {
	if !m.ready.Swap(false) {
		return false, nil
	}
	came := false
	for _, in := range m.sub.Inputs {
		for !m.holds(in.Topic) {
			b, ok := m.feed.Take(in.Topic, m.id.Partition)
			if !ok {
				break
			}
			if b.Err != nil {
				if err := m.heal(in, &b); err != nil {
					return came, err
				}
				continue
			}
			came = true
			m.slot.s.metrics.RecordsIn.Add(int64(len(b.Records)))
			if !in.Internal {
				m.tally.taken += int64(len(b.Records))
			}
			if err := m.task.Add(in.Topic, b.Records, b.Next, b.AtEnd()); err != nil {
				return came, err
			}
		}
		if m.holds(in.Topic) {
			m.ready.Store(true) // the rest is still there
			continue
		}
		if st, ok := m.feed.Status(in.Topic, m.id.Partition); ok && st.AtEnd {
			if err := m.task.Add(in.Topic, nil, st.Position, true); err != nil {
				return came, err
			}
		}
	}
	return came, nil
}

// heal answers an error of a partition. Records that retention deleted before they were read are skipped, loudly; everything else
// fails the query.
func (m *member) heal(in topology.Input, b *kafka.FetchedBatch) error {
	st, ok := m.feed.Status(in.Topic, m.id.Partition)
	start, err := m.slot.s.broker.Offset(m.slot.io, in.Topic, m.id.Partition, kafka.Earliest)
	if err != nil || in.Internal || !ok || st.Position >= start {
		return fmt.Errorf("read %s/%d: %w", in.Topic, m.id.Partition, b.Err)
	}
	m.slot.s.metrics.Skipped.Add(start - st.Position)
	m.slot.s.cfg.Logger.Warn("records were deleted before they were read", "query", m.id.Query, "topic", in.Topic,
		"partition", m.id.Partition, "from", st.Position, "to", start)
	m.feed.Seek(in.Topic, m.id.Partition, start)
	return nil
}

// waits says that the task holds records that only more records, or time, let it process.
func (m *member) waits() bool {
	if m.task == nil || m.paused {
		return false
	}
	for _, in := range m.sub.Inputs {
		if n, _ := m.task.Buffered(in.Topic); n > 0 {
			return true
		}
	}
	return false
}

// listen passes the feed's signals on until ctx ends.
func (m *member) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.feed.Ready():
			m.ready.Store(true)
			m.slot.poke()
		}
	}
}

// rollback takes task and state back to the last commit.
func (m *member) rollback() {
	if m.slot.s.cfg.Defect != SkipRollback {
		m.state.Abort()
	}
	m.task.Rewind(m.committed.Inputs, m.committed.State)
	for topic, offset := range m.committed.Inputs {
		m.feed.Seek(topic, m.id.Partition, offset)
	}
	m.pendingRaw, m.touched, m.more = nil, false, false
	m.tally.taken, m.tally.letters = 0, m.task.Counters().DeadLetters
	m.ready.Store(true)
	m.slot.swapped.Add(1) // what the commit would have brought in
}

// record is what the slots topic shall say of the task now. Changelog positions are filled in when they are known.
func (m *member) record(command int64) Record {
	r := Record{Command: command, Inputs: m.task.Positions(), State: m.task.State()}
	r.Command = max(r.Command, r.State.Models) // whoever goes on must know these commands
	if len(m.committed.Changelogs) > 0 {
		r.Changelogs = maps.Clone(m.committed.Changelogs)
	}
	return r
}

// settle makes the pending commit the last one.
func (m *member) settle(now time.Time) {
	positions := make([]int64, len(m.sub.Stores))
	for i, st := range m.sub.Stores {
		positions[i] = m.pending.Changelogs[st.ID]
	}
	m.state.Commit(positions, now)
	m.holdings.hold(m.state.Bytes())
	m.count(now)
	m.task.ResetOutputs()
	m.task.Committed(m.pending.State)
	m.behind.Store(m.task.Behind())
	m.committed, m.stored, m.pendingRaw, m.touched, m.aborts = m.pending, m.pendingRaw, nil, false, 0
	m.fresh = false
	m.publish()
}

// publish shows the task's figures to other goroutines.
func (m *member) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown, m.logged = m.committed.Inputs, m.committed.Changelogs
	m.counts, m.bytes, m.isPaused = m.task.Counters(), m.state.Bytes(), m.paused
	m.tally.figures.StreamTime = m.task.StreamTime()
	m.measure()
}

// status may be called from any goroutine that holds slot.mu.
func (m *member) status() TaskStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := TaskStatus{ID: m.id, Slot: m.slot.n, State: Running, Done: 1, Counts: m.counts, Figures: m.show(time.Now())}
	if m.state == nil {
		st.State, st.Done = Restoring, 0
		for store, p := range m.restore {
			st.Restore = append(st.Restore, p)
			st.Stores = append(st.Stores, StoreStatus{store, p.At, p.End})
			st.Done += p.Done() / float64(len(m.sub.Stores))
		}
		return st
	}
	if m.isPaused {
		st.State = Paused
	}
	for _, store := range m.sub.Stores {
		st.Stores = append(st.Stores, StoreStatus{store.ID, m.logged[store.ID], m.logged[store.ID]})
	}
	for _, in := range m.sub.Inputs {
		is := InputStatus{Topic: in.Topic, Partition: m.id.Partition, Internal: in.Internal, Committed: m.shown[in.Topic]}
		if f, ok := m.feed.Status(in.Topic, m.id.Partition); ok {
			is.End = f.LastStable
		}
		st.Inputs = append(st.Inputs, is)
	}
	return st
}

// close gives up what the member holds. What is not committed is dropped.
func (m *member) close() {
	m.stop()
	<-m.done // two restores of one store must never run beside each other
	if m.state == nil {
		return
	}
	m.slot.s.tasks.Add(-1)
	m.endFlush(true)
	m.holdings.release()
	m.feed.Close()
	_ = m.state.Close() // releases snapshots only, which cannot fail
}
