package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/changelog"
)

// wish is a task that should run in the slot.
type wish struct {
	spec     QuerySpec
	sub      *topology.SubTopology
	paused   bool
	restored *Restored
	records  *Committed
}

// wanted lists the tasks that belong to the slot, of queries that have not failed.
func (sl *slot) wanted() map[TaskID]wish {
	sl.s.mu.Lock()
	defer sl.s.mu.Unlock()
	w := map[TaskID]wish{}
	for name, q := range sl.s.queries {
		if q.err != nil {
			continue
		}
		for _, sub := range q.Topology.Subs {
			for p := range partitionsIn(sl.n, sl.s.cfg.Slots, name, sub) {
				w[TaskID{name, sub.ID, p}] = wish{q.QuerySpec, sub, q.paused, &q.restored, &q.done}
			}
		}
	}
	return w
}

// reconcile brings the slot's tasks in line with the queries.
func (sl *slot) reconcile() error {
	want := sl.wanted()
	var leaving []*member
	for _, m := range sl.order {
		w, ok := want[m.id]
		if !ok {
			leaving = append(leaving, m)
			continue
		}
		sl.setPaused(m, w.paused)
	}
	if err := sl.dismiss(leaving); err != nil {
		return err
	}
	ids := slices.SortedFunc(maps.Keys(want), func(a, b TaskID) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.String(), b.String()))
	})
	for _, id := range ids {
		if sl.members[id] == nil {
			if err := sl.open(id, want[id]); err != nil {
				sl.s.fail(id.Query, err)
			}
		}
	}
	return sl.bury()
}

// dismiss commits and removes tasks whose query was stopped; those of a failed query go without a commit.
func (sl *slot) dismiss(leaving []*member) error {
	if len(leaving) == 0 {
		return nil
	}
	failed := map[string]bool{}
	sl.s.mu.Lock()
	for name, q := range sl.s.queries {
		failed[name] = q.err != nil
	}
	sl.s.mu.Unlock()
	stopped := false
	for _, m := range leaving {
		if failed[m.id.Query] {
			sl.remove(m)
		} else {
			stopped = true
		}
	}
	if !stopped {
		return nil
	}
	if err := sl.commit(); err != nil {
		return err
	}
	for _, m := range leaving {
		if sl.members[m.id] == m {
			if !sl.wasDropped(m.id.Query) {
				sl.flushNow(m)
			}
			sl.remove(m)
		}
	}
	return nil
}

// remove closes a member and forgets it.
func (sl *slot) remove(m *member) {
	sl.mu.Lock()
	delete(sl.members, m.id)
	sl.order = slices.DeleteFunc(slices.Clone(sl.order), func(o *member) bool { return o == m })
	sl.mu.Unlock()
	delete(sl.targets, m.sub.Output) // when it is written again it may be another topic, with other partitions
	sl.s.targets.drop(m.sub.Output)
	m.close()
}

// closeAll ends the tenure for all members.
func (sl *slot) closeAll() {
	for len(sl.order) > 0 {
		sl.remove(sl.order[0])
	}
	sl.wg.Wait()
	sl.mu.Lock()
	sl.posted = nil // of members that are gone
	sl.mu.Unlock()
}

func (sl *slot) wasDropped(query string) bool {
	sl.s.mu.Lock()
	here := sl.s.dropped[query]
	sl.s.mu.Unlock()
	return here || sl.s.cfg.Dropped(query)
}

// bury writes tombstones for the records of tasks whose query was dropped explicitly.
func (sl *slot) bury() error {
	var dead []kafka.Record
	for key := range sl.records {
		id, err := parseTaskID(key)
		if err != nil {
			return err
		}
		if sl.wasDropped(id.Query) {
			dead = append(dead, kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key)})
		}
	}
	if len(dead) == 0 {
		return nil
	}
	sl.s.gate.RLock()
	defer sl.s.gate.RUnlock()
	sl.undecided.Store(true)
	err := sl.note(dead)
	if err == nil {
		err = sl.producer.Commit(sl.io)
	}
	if err != nil {
		sl.heed(err) // it is tried again when the slot has been taken again
		return fmt.Errorf("forget dropped tasks of slot %d: %w", sl.n, err)
	}
	sl.undecided.Store(false)
	for _, r := range dead {
		delete(sl.records, string(r.Key))
	}
	return nil
}

func (sl *slot) setPaused(m *member, paused bool) {
	if m.paused == paused {
		return
	}
	m.paused = paused
	if m.task == nil {
		return
	}
	for _, in := range m.sub.Inputs {
		if paused {
			m.feed.Pause(in.Topic, m.id.Partition)
		} else {
			m.feed.Resume(in.Topic, m.id.Partition)
		}
	}
	m.ready.Store(true)
	m.publish()
}

// open begins to restore a task. The slot goes on meanwhile.
func (sl *slot) open(id TaskID, w wish) error {
	m := &member{
		holdings: sl.s.memory.holdings(),
		id:       id, spec: w.spec, sub: w.sub, slot: sl, paused: w.paused,
		restore: map[string]changelog.Progress{}, flushed: make(chan error, 1),
		done: make(chan struct{}), restored: w.restored, records: w.records,
	}
	if err := m.begin(sl.records[id.String()]); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(sl.io)
	m.stop = cancel
	sl.mu.Lock()
	sl.members[id] = m
	sl.order = append(slices.Clone(sl.order), m)
	sl.mu.Unlock()
	sl.wg.Go(func() {
		defer close(m.done)
		err := m.restoreAll(ctx)
		sl.post(func() {
			if sl.members[id] == m {
				sl.opened(ctx, m, err)
			}
		})
	})
	return nil
}

// begin finds where the task stood, or where it starts.
func (m *member) begin(stored []byte) error {
	if stored != nil {
		rec, err := decodeRecord(stored)
		if err != nil {
			return fmt.Errorf("slots record %s: %w", m.id, err)
		}
		m.committed, m.stored = *rec, stored
		return nil
	}
	m.committed.Inputs = map[string]int64{}
	for _, in := range m.sub.Inputs {
		if in.Internal {
			m.committed.Inputs[in.Topic] = 0
			continue
		}
		start := m.spec.Start[in.Topic]
		if int(m.id.Partition) >= len(start) {
			return fmt.Errorf("task %s: no start offset for topic %s", m.id, in.Topic)
		}
		m.committed.Inputs[in.Topic] = start[m.id.Partition]
	}
	return nil
}

func (m *member) stateConfig() state.TaskConfig { return m.id.stateConfig(m.sub, m.slot.s.cfg.Store) }

// stateConfig says where a task's state is.
func (id TaskID) stateConfig(sub *topology.SubTopology, durable state.Durable) state.TaskConfig {
	return state.TaskConfig{Specs: sub.Specs(), Incarnation: id.Query + "/" + sub.ID, Partition: id.Partition, Durable: durable}
}

// opened makes a restored member a running one, or fails its query.
func (sl *slot) opened(ctx context.Context, m *member, err error) {
	if err == nil {
		err = sl.activate(ctx, m)
	}
	if err != nil {
		sl.remove(m)
		if sl.io.Err() == nil && !sl.s.Distrust(err) {
			sl.s.fail(m.id.Query, fmt.Errorf("start task %s: %w", m.id, err))
		}
	}
}

func (sl *slot) activate(ctx context.Context, m *member) error {
	st, err := state.OpenTask(m.stateConfig())
	if err != nil {
		return err
	}
	if m.task, err = m.spec.NewTask(m.sub, m.id.Partition, st); err != nil {
		_ = st.Close() // the error to tell is the other one
		return err
	}
	m.task.Rewind(m.committed.Inputs, m.committed.State)
	m.feed = sl.s.fetcher.Subscribe()
	sl.mu.Lock()
	m.state = st
	sl.mu.Unlock()
	sl.s.tasks.Add(1)
	for _, in := range m.sub.Inputs {
		if err := m.feed.Add(in.Topic, m.id.Partition, m.committed.Inputs[in.Topic]); err != nil {
			return err
		}
		if m.paused {
			m.feed.Pause(in.Topic, m.id.Partition)
		}
	}
	m.ready.Store(true)
	m.fresh = m.task.Behind() // else a version that fails would fail for ever, whatever was rolled out since
	sl.swapped.Add(1)
	sl.wg.Go(func() { m.listen(ctx) })
	m.mu.Lock()
	m.tally.begin(time.Now())
	m.mu.Unlock()
	m.publish()
	return nil
}
