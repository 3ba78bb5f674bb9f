package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state/changelog"
)

// soloAfter is how many aborts in a row make a task commit alone, so that the guilty one is found.
const soloAfter = 2

// commit commits all tasks that did something. It returns an error only if the slot must be taken over again.
func (sl *slot) commit() error {
	sl.since = time.Time{}
	defer func() { sl.outputs.set(0) }() // until then the memory is in use
	var group []*member
	for _, m := range sl.order {
		if m.state == nil || !m.touched || sl.members[m.id] != m {
			continue
		}
		if err := sl.complete(m); err != nil {
			sl.trouble(m, err)
			continue
		}
		group = append(group, m)
	}
	group = sl.still(group)
	if len(group) == 0 {
		return nil
	}
	var rest []*member
	for _, m := range group {
		if m.aborts < soloAfter {
			rest = append(rest, m)
			continue
		}
		for _, alone := range sl.still([]*member{m}) {
			if err := sl.attempt([]*member{alone}); err != nil {
				return err
			}
		}
	}
	if rest = sl.still(rest); len(rest) == 0 { // what failed alone may have taken others with it
		return nil
	}
	return sl.attempt(rest)
}

// complete lets a task and its state finish what belongs into the commit.
func (sl *slot) complete(m *member) error {
	if err := m.task.Flush(); err != nil {
		return err
	}
	return m.state.Prepare()
}

// still keeps those members that were not set aside meanwhile.
func (sl *slot) still(group []*member) []*member {
	kept := group[:0]
	for _, m := range group {
		if sl.members[m.id] == m {
			kept = append(kept, m)
		}
	}
	return kept
}

// attempt runs one transaction, and answers its failure.
func (sl *slot) attempt(group []*member) error {
	sl.s.gate.RLock()
	defer sl.s.gate.RUnlock()
	sl.undecided.Store(true)
	began := time.Now()
	err := sl.transact(group)
	if err == nil {
		sl.undecided.Store(false)
		now := time.Now()
		sl.s.metrics.Commits.Add(1)
		sl.took = now.Sub(began)
		sl.s.metrics.CommitTimes.Add(sl.took)
		for _, m := range group {
			sl.settle(m, now)
		}
		sl.upkeep(now)
		return nil
	}
	switch {
	case errors.Is(err, kafka.ErrFenced), errors.Is(err, kafka.ErrFatal), sl.io.Err() != nil:
		return err
	case errors.Is(err, kafka.ErrUnknownOutcome):
		return sl.resolve(group, err)
	}
	return sl.abort(group, err)
}

func (sl *slot) settle(m *member, now time.Time) {
	sl.s.metrics.RecordsOut.Add(int64(len(m.task.Outputs())))
	sl.records[m.id.String()] = m.pendingRaw
	m.settle(now)
}

// abort drops the transaction and goes back to the last commit.
func (sl *slot) abort(group []*member, cause error) error {
	sl.s.metrics.Aborts.Add(1)
	sl.s.cfg.Logger.Warn("transaction is aborted", "slot", sl.n, "tasks", len(group), "error", cause)
	// Not only the transaction may be lost but the slot: the id is taken over, and the records are read again.
	if err := sl.seize(sl.io); err != nil {
		return err
	}
	clear(sl.targets)
	sl.s.targets.forget()
	sl.heed(cause)
	gone := errors.Is(cause, kafka.ErrUnknownTopic)
	for _, m := range group {
		if sl.members[m.id] != m {
			continue // it went with another task of its query
		}
		if gone {
			// Either it is this task's topic, and no repetition helps, or the brokers did not know better for a moment.
			if err := sl.lacks(m); err != nil {
				sl.setAside(m, fmt.Errorf("task %s cannot commit: %w", m.id, err))
				continue
			}
		} else {
			m.aborts++
		}
		if len(group) == 1 && m.aborts > soloAfter {
			sl.setAside(m, fmt.Errorf("task %s cannot commit: %w", m.id, sl.tooLarge(m, cause)))
			continue
		}
		m.rollback()
	}
	return sl.verify()
}

// lacks says which of a task's topics is not there any more.
func (sl *slot) lacks(m *member) error {
	topics := map[string]bool{}
	for _, o := range m.task.Outputs() {
		topics[o.Topic] = true
	}
	for _, st := range m.sub.Stores {
		topics[st.Changelog] = true
	}
	for topic := range topics {
		if _, err := sl.s.broker.DescribeTopic(topic); errors.Is(err, kafka.ErrUnknownTopic) {
			return err
		}
	}
	return nil
}

// resolve finds out how a transaction with an unknown outcome ended. Taking the id over decides it; the slots records tell.
func (sl *slot) resolve(group []*member, cause error) error {
	sl.s.metrics.Unknown.Add(1)
	sl.s.cfg.Logger.Warn("outcome of a transaction is unknown; the slot is asked", "slot", sl.n, "error", cause)
	if err := sl.seize(sl.io); err != nil {
		return err
	}
	now := time.Now()
	for _, m := range group {
		if m.pendingRaw != nil && string(sl.records[m.id.String()]) == string(m.pendingRaw) {
			sl.settle(m, now)
		} else {
			m.rollback()
		}
	}
	return sl.verify()
}

// transact writes one transaction of a group of tasks.
func (sl *slot) transact(group []*member) error {
	ctx := sl.io
	var data Producer = sl.producer
	if sl.plain != nil {
		data = sl.plain
	}
	if err := sl.s.fault("produce"); err != nil {
		return err
	}
	if err := sl.announce(group); err != nil {
		return err
	}
	if err := sl.meet(group); err != nil {
		return fmt.Errorf("look up topics to write to: %w", err)
	}
	logged, err := sl.send(data, group)
	if err != nil {
		return err
	}
	switch {
	case sl.plain != nil:
		if err := data.Flush(ctx); err != nil {
			return fmt.Errorf("%w: %w", kafka.ErrAbortable, err) // nothing is in the transaction yet
		}
	case slices.ContainsFunc(logged, func(stores []int) bool { return len(stores) > 0 }):
		if err := data.Flush(ctx); err != nil {
			return err
		}
	default: // the record needs no position in a changelog, so it goes with the outputs
	}
	records := make([]kafka.Record, len(group))
	for i, m := range group {
		if err := m.prepare(data, logged[i]); err != nil {
			return err
		}
		records[i] = kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(m.id.String()), Value: m.pendingRaw}
	}
	if err := sl.note(records); err != nil {
		return err
	}
	if err := sl.producer.Flush(ctx); err != nil {
		return err
	}
	if err := sl.s.fault("end"); err != nil {
		return err
	}
	if err := sl.producer.Commit(ctx); err != nil {
		return err
	}
	return sl.s.fault("ended")
}

// send hands the tasks' outputs and changelogs to the producer. It returns for each task the stores whose changelog got records.
func (sl *slot) send(data Producer, group []*member) (logged [][]int, err error) {
	logged = make([][]int, len(group))
	for i, m := range group {
		outs, logs := sl.route(m), m.changes()
		for j := range logs {
			if n := len(logs[j].Records); n > 0 {
				logged[i] = append(logged[i], j)
				sl.s.metrics.ChangelogRecords.Add(int64(n))
			}
		}
		if err := data.Send(sl.io, append(outs, logs...)...); err != nil {
			return nil, err
		}
	}
	return logged, nil
}

// prepare makes the task's slots record. The changelogs of the stores in logged were acknowledged.
func (m *member) prepare(data Producer, logged []int) (err error) {
	m.pending = m.record(m.slot.s.cfg.CommandOffset())
	if m.pending.Changelogs == nil {
		m.pending.Changelogs = map[string]int64{}
	}
	for _, j := range logged {
		st := m.sub.Stores[j]
		end, ok := data.End(st.Changelog, m.id.Partition)
		if !ok {
			return fmt.Errorf("changelog %s/%d was acknowledged without a position", st.Changelog, m.id.Partition)
		}
		m.pending.Changelogs[st.ID] = end
	}
	m.pendingRaw, err = m.pending.encode()
	return err
}

// announce gives tasks that have none a slots record before anything is written outside of transactions: a changelog that has records without
// one would not be known as theirs, should the server die in between.
func (sl *slot) announce(group []*member) error {
	if sl.plain == nil {
		return nil
	}
	var records []kafka.Record
	var without []*member
	for _, m := range group {
		if m.stored != nil || len(m.sub.Stores) == 0 {
			continue
		}
		first := m.committed
		first.Command = sl.s.cfg.CommandOffset()
		value, err := first.encode()
		if err != nil {
			return err
		}
		without = append(without, m)
		records = append(records, kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(m.id.String()), Value: value})
	}
	if len(records) == 0 {
		return nil
	}
	if err := sl.note(records); err != nil {
		return err
	}
	if err := sl.producer.Commit(sl.io); err != nil {
		return err
	}
	for i, m := range without {
		m.stored = records[i].Value
		sl.records[m.id.String()] = m.stored
	}
	return nil
}

// note hands slots records to the producer.
func (sl *slot) note(records []kafka.Record) error {
	topic := SlotsTopic(sl.s.cfg.Service)
	return sl.producer.Send(sl.io, kafka.ProduceBatch{Topic: topic, Partition: sl.n, Records: records, MaxBytes: sl.limits[topic]})
}

// changes are the changelog records of a task's open layer, one batch a store.
func (m *member) changes() []kafka.ProduceBatch {
	batches := make([]kafka.ProduceBatch, len(m.sub.Stores))
	now := time.Now().UnixMilli()
	var changes []changelog.Record
	for i, st := range m.sub.Stores {
		changes = changelog.Collect(changes[:0], m.state, i)
		records := make([]kafka.Record, len(changes))
		for j, c := range changes {
			records[j] = kafka.Record{Timestamp: now, Key: c.Key, Value: c.Value}
		}
		batches[i] = kafka.ProduceBatch{Topic: st.Changelog, Partition: m.id.Partition, Records: records, MaxBytes: m.slot.limits[st.Changelog]}
	}
	return batches
}

// route sorts a task's outputs by topic and partition, keeping their order within each. The slot has met their topics.
func (sl *slot) route(m *member) []kafka.ProduceBatch {
	type place struct {
		topic     string
		partition int32
	}
	var batches []kafka.ProduceBatch
	index := map[place]int{}
	outs := m.task.Outputs()
	for i := range outs {
		o := &outs[i]
		p := o.Partition
		if p < 0 {
			partitions := sl.targets[o.Topic].partitions
			switch {
			case o.PartitionKey != nil:
				p = kafka.PartitionFor(o.PartitionKey, partitions)
			case o.Key != nil:
				p = kafka.PartitionFor(o.Key, partitions)
			default:
				p = m.id.Partition % partitions
			}
		}
		at, ok := index[place{o.Topic, p}]
		if !ok {
			at = len(batches)
			index[place{o.Topic, p}] = at
			batches = append(batches, kafka.ProduceBatch{Topic: o.Topic, Partition: p, MaxBytes: sl.targets[o.Topic].maxBytes})
		}
		batches[at].Records = append(batches[at].Records, kafka.Record{Timestamp: o.Timestamp, Key: o.Key, Value: o.Value, Headers: o.Headers})
	}
	return batches
}
