package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
)

// ErrDone is returned by a Rows function that wants no more rows: the query ends without an error.
var ErrDone = errors.New("no more rows are wanted")

// Transient is a query that answers one client. It runs all partitions in one goroutine, outside the slots: its state is in memory,
// its repartition topics are queues, and what it has read is remembered nowhere.
type Transient struct {
	Topology *topology.Topology
	Fetcher  *kafka.Fetcher // of others too
	// Start is the first offset of each source topic and partition; Until, where it is not nil, the offset to end
	// at: the query is then over once it has come there.
	Start, Until map[string][]int64
	// KeyedOnly passes over records without a key.
	KeyedOnly bool
	// Deps are the tasks' surroundings. Deps.Rows takes the results, on the goroutine of Run; it may block.
	Deps task.Deps
}

// runner is a Transient at work; it belongs to Run's goroutine.
type runner struct {
	*Transient
	sub   *kafka.Subscription
	tasks map[string][]*member // by sub-topology, one a partition
	polls []kafka.FetchedBatch
}

// member is one task with its memory.
type member struct {
	*task.Task
	state *state.Task
	sub   *topology.SubTopology
}

// commitEvery bounds what a transient query's open layers hold.
const commitEvery = time.Second

// Run runs the query until ctx ends, its end is reached, or Rows returns ErrDone.
func (q *Transient) Run(ctx context.Context) error {
	r := &runner{Transient: q, tasks: map[string][]*member{}}
	defer r.close()
	if err := r.open(); err != nil {
		return err
	}
	err := r.loop(ctx)
	if errors.Is(err, ErrDone) || ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *runner) open() error {
	for _, sub := range r.Topology.Subs {
		for p := range sub.Partitions {
			m, err := r.newMember(sub, p)
			if err != nil {
				return err
			}
			r.tasks[sub.ID] = append(r.tasks[sub.ID], m)
		}
	}
	r.sub = r.Fetcher.Subscribe()
	added := map[string]bool{}
	for _, sub := range r.Topology.Subs {
		for _, in := range sub.Inputs {
			if in.Internal || added[in.Topic] {
				continue
			}
			added[in.Topic] = true
			for p, offset := range r.Start[in.Topic] {
				if err := r.sub.Add(in.Topic, int32(p), offset); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *runner) newMember(sub *topology.SubTopology, partition int32) (*member, error) {
	st, err := state.OpenTask(state.TaskConfig{Specs: sub.Specs(), Incarnation: r.Topology.Query, Partition: partition})
	if err != nil {
		return nil, err
	}
	deps := r.Deps
	deps.Stores = st
	t, err := task.New(sub, partition, deps, task.Options{Exact: true})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &member{Task: t, state: st, sub: sub}, nil
}

func (r *runner) close() {
	if r.sub != nil {
		r.sub.Close()
	}
	for _, list := range r.tasks {
		for _, m := range list {
			_ = m.state.Close() // memory alone: nothing can be lost
		}
	}
}

func (r *runner) loop(ctx context.Context) error {
	commit := time.NewTimer(commitEvery)
	defer commit.Stop()
	for {
		if err := r.take(); err != nil {
			return err
		}
		if err := r.process(ctx); err != nil {
			return err
		}
		if r.ended() {
			return nil
		}
		var due <-chan time.Time // a query that keeps nothing, or has done nothing, sleeps
		if r.dirty() {
			due = commit.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.sub.Ready():
		case now := <-due:
			if err := r.commit(now); err != nil {
				return err
			}
			commit.Reset(commitEvery)
		}
	}
}

// take gives what was fetched to the tasks that read it.
func (r *runner) take() error {
	r.polls = r.sub.Poll(r.polls[:0])
	for i := range r.polls {
		b := &r.polls[i]
		if b.Err != nil {
			return fmt.Errorf("read %s partition %d: %w", b.Topic, b.Partition, b.Err)
		}
		recs := r.cut(b)
		for _, m := range r.readers(b.Topic, b.Partition) {
			if err := m.Add(b.Topic, recs, b.Next, b.AtEnd()); err != nil {
				return err
			}
		}
	}
	for topic, offsets := range r.Start {
		for p := range offsets {
			s, ok := r.sub.Status(topic, int32(p))
			if !ok || !s.AtEnd {
				continue
			}
			for _, m := range r.readers(topic, int32(p)) {
				if err := m.Add(topic, nil, s.Position, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cut leaves out what lies behind the end of a bounded query, and records that it does not want.
func (r *runner) cut(b *kafka.FetchedBatch) []record.Record {
	recs := b.Records
	if r.KeyedOnly {
		recs = slices.DeleteFunc(slices.Clone(recs), func(rec record.Record) bool { return rec.Key == nil })
	}
	if r.Until == nil {
		return recs
	}
	end := r.Until[b.Topic][b.Partition]
	for len(recs) > 0 && recs[len(recs)-1].Offset >= end {
		recs = recs[:len(recs)-1]
	}
	return recs
}

// readers are the tasks that read a partition of a topic.
func (r *runner) readers(topic string, partition int32) []*member {
	var out []*member
	for _, sub := range r.Topology.Subs {
		for _, in := range sub.Inputs {
			if in.Topic == topic && int(partition) < len(r.tasks[sub.ID]) {
				out = append(out, r.tasks[sub.ID][partition])
			}
		}
	}
	return out
}

// process runs all tasks until none has work, upstream ones first, and passes repartitioned rows on.
func (r *runner) process(ctx context.Context) error {
	for worked := true; worked; {
		worked = false
		for _, sub := range r.Topology.Subs {
			for _, m := range r.tasks[sub.ID] {
				w, err := r.drain(ctx, m)
				if err != nil {
					return err
				}
				worked = worked || w
			}
		}
	}
	return nil
}

func (r *runner) drain(ctx context.Context, m *member) (worked bool, err error) {
	m.Committed(m.State()) // nothing is read again, so models may change at any time
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return worked, err
		}
		if more, err = m.Process(time.Now()); err != nil {
			return worked, err
		}
		worked = worked || more
	}
	if !worked {
		return false, nil
	}
	if err := m.Flush(); err != nil {
		return worked, err
	}
	return worked, r.forward(m)
}

// forward routes the records of a repartition to the tasks behind it, as Kafka would.
func (r *runner) forward(m *member) error {
	outs := m.Outputs()
	if len(outs) == 0 {
		return nil
	}
	byPartition := map[int32][]record.Record{}
	for i := range outs {
		o := &outs[i]
		p := o.Partition
		if p < 0 {
			key := o.Key
			if o.PartitionKey != nil {
				key = o.PartitionKey
			}
			if p = 0; key != nil {
				p = kafka.PartitionFor(key, m.sub.OutputPartitions)
			}
		}
		byPartition[p] = append(byPartition[p], record.Record{
			Timestamp: o.Timestamp, Key: clone(o.Key), Value: clone(o.Value), Headers: o.Headers,
		})
	}
	m.ResetOutputs()
	for p, recs := range byPartition {
		for _, t := range r.readers(m.sub.Output, p) {
			if err := t.Add(m.sub.Output, recs, 0, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// clone copies bytes that live in a task's arena; nil stays nil and empty stays empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// ended says whether a bounded query has read everything up to its end.
func (r *runner) ended() bool {
	if r.Until == nil {
		return false
	}
	for topic, ends := range r.Until {
		for p, end := range ends {
			s, ok := r.sub.Status(topic, int32(p))
			if ok && s.Position < end && !s.AtEnd {
				return false
			}
		}
	}
	return true
}

// dirty says that a task has changes to commit.
func (r *runner) dirty() bool {
	for _, list := range r.tasks {
		for _, m := range list {
			if m.state.Dirty() {
				return true
			}
		}
	}
	return false
}

// commit moves the tasks' changes into their committed layers, where they take the least room.
func (r *runner) commit(now time.Time) error {
	for _, list := range r.tasks {
		for _, m := range list {
			if !m.state.Dirty() {
				continue
			}
			if err := m.state.Prepare(); err != nil {
				return err
			}
			m.state.Commit(make([]int64, len(m.state.Specs())), now)
		}
	}
	return nil
}
