package testdriver

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"time"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// run is a query that is being fed: its tasks, those of one sub-topology after those of another.
type run struct {
	d      *Driver
	topo   *topology.Topology
	topics []string // that it reads from outside
	tasks  []*member
	next   map[place]int64 // end offsets of its internal topics
	// savedNext is next at the last commit.
	savedNext map[place]int64
	written   map[string]int // records in topics outside since the last commit
}

// member is one task with its stores and what the last commit holds of it.
type member struct {
	*task.Task
	sub       *topology.SubTopology
	partition int32
	stores    Stores
	positions map[string]int64
	state     task.State
}

type place struct {
	topic     string
	partition int32
}

func (d *Driver) topologyOptions(q *catalog.Query) topology.Options {
	return topology.Options{
		Service: "test", Query: q.ID,
		Partitions: func(string) (int32, error) { return d.opts.Partitions, nil },
	}
}

func newRun(d *Driver, q *catalog.Query) (*run, error) {
	topo, err := topology.Build(q.Plan, d.topologyOptions(q))
	if err != nil {
		return nil, err
	}
	r := &run{d: d, topo: topo, next: map[place]int64{}, savedNext: map[place]int64{}, written: map[string]int{}}
	for _, s := range topo.Subs {
		for _, in := range s.Inputs {
			if !in.Internal {
				r.topics = append(r.topics, in.Topic)
			}
		}
		for p := range s.Partitions {
			stores, err := d.opts.Stores(s.Specs(), q.ID+"/"+s.ID, p)
			if err != nil {
				return nil, err
			}
			r.tasks = append(r.tasks, &member{sub: s, partition: p, stores: stores})
		}
	}
	for _, t := range topo.Topics {
		d.created = append(d.created, t.Name)
	}
	return r, r.build()
}

// build makes the tasks anew, as they were committed.
func (r *run) build() error {
	for _, m := range r.tasks {
		t, err := task.New(m.sub, m.partition, task.Deps{
			Stores: m.stores, Functions: r.d.opts.Functions, UDF: r.d.env(), Log: r.d.opts.Log, Schemas: r.d.opts.Schemas,
			Rows: func(*vector.Batch, []int) error { return nil },
		}, task.Options{BatchSize: r.d.opts.BatchSize, Exact: !r.d.opts.Coalesce, MaxGroups: r.d.opts.MaxGroups, MaxIdle: -1, OnError: task.ErrorPolicy{Write: task.Stop}})
		if err != nil {
			return err
		}
		t.Rewind(m.positions, m.state)
		m.Task = t
	}
	return nil
}

// pipe gives the query records of one topic and works until nothing is left to do.
func (r *run) pipe(recs []Record) error {
	chunks := make([][]record.Record, r.d.opts.Partitions)
	for i := range recs {
		p := r.partition(recs[i].Key, int32(recs[i].Offset)%r.d.opts.Partitions)
		chunks[p] = append(chunks[p], recs[i].Record)
	}
	for p, chunk := range chunks {
		if len(chunk) == 0 {
			continue
		}
		if err := r.add(place{recs[0].Topic, int32(p)}, chunk); err != nil {
			return err
		}
	}
	return r.work()
}

// partition is where a key goes; one that is null goes to otherwise.
func (r *run) partition(key []byte, otherwise int32) int32 {
	if key == nil {
		return otherwise
	}
	h := fnv.New32a()
	h.Write(key)
	return int32(h.Sum32() % uint32(r.d.opts.Partitions))
}

// add gives records of a partition to the tasks that read it.
func (r *run) add(at place, recs []record.Record) error {
	for _, m := range r.tasks {
		for _, in := range m.sub.Inputs {
			if in.Topic != at.topic || m.partition != at.partition {
				continue
			}
			if err := m.Add(at.topic, recs, recs[len(recs)-1].Offset+1, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// work lets the tasks process until none has anything left, carrying records over internal topics at once. It is always the turn of
// the first task that has anything to do, so that what was sent has been answered before more is sent.
func (r *run) work() error {
	for i := 0; i < len(r.tasks); {
		m := r.tasks[i]
		more, err := m.Process(Epoch)
		if err != nil {
			return err
		}
		if err := r.route(m); err != nil {
			return err
		}
		if i++; more {
			i = 0
		}
	}
	return nil
}

// route takes a task's outputs to where they go.
func (r *run) route(m *member) error {
	for _, o := range m.Outputs() {
		rec := record.Record{
			Timestamp: o.Timestamp, Headers: o.Headers, Key: bytes.Clone(o.Key), Value: bytes.Clone(o.Value),
		}
		if !r.internal(o.Topic) {
			rec.Offset = int64(len(r.d.topics[o.Topic]))
			r.d.topics[o.Topic] = append(r.d.topics[o.Topic], Record{o.Topic, rec})
			r.written[o.Topic]++
			continue
		}
		at := place{o.Topic, o.Partition}
		if at.partition < 0 {
			at.partition = r.partition(o.Key, m.partition)
		}
		rec.Offset = r.next[at]
		r.next[at]++
		if err := r.add(at, []record.Record{rec}); err != nil {
			return err
		}
	}
	m.ResetOutputs()
	return nil
}

func (r *run) internal(topic string) bool {
	for _, s := range r.topo.Subs {
		for _, in := range s.Inputs {
			if in.Internal && in.Topic == topic {
				return true
			}
		}
	}
	return false
}

// transaction works on the records up to the next commit and returns how many there were.
func (r *run) transaction(records []Record) (int, error) {
	from := 0
	for batches := 0; from < len(records); batches++ {
		if n := r.d.opts.CommitEvery; n > 0 && batches == n {
			break
		}
		to := from + 1
		for to < len(records) && to-from < r.d.opts.BatchSize && records[to].Topic == records[from].Topic {
			to++
		}
		if err := r.pipe(records[from:to]); err != nil {
			return 0, err
		}
		from = to
	}
	return from, r.flush()
}

// flush lets the tasks complete their stores and outputs, those that feed others first.
func (r *run) flush() error {
	for _, m := range r.tasks {
		// What a task before this one sent on is to be processed first.
		if err := r.work(); err != nil {
			return err
		}
		if err := m.Flush(); err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		if err := r.route(m); err != nil {
			return err
		}
	}
	return nil
}

// commit makes what was done since the last commit permanent.
func (r *run) commit() {
	for _, m := range r.tasks {
		m.positions, m.state = m.Positions(), m.State()
		m.stores.Commit()
	}
	r.savedNext, r.written = maps.Clone(r.next), map[string]int{}
}

// abort takes everything back to the last commit.
func (r *run) abort() {
	for _, m := range r.tasks {
		m.stores.Abort()
		m.Rewind(m.positions, m.state)
	}
	for topic, n := range r.written {
		log := r.d.topics[topic]
		r.d.topics[topic] = log[:len(log)-n]
	}
	r.next, r.written = maps.Clone(r.savedNext), map[string]int{}
}

// env is what functions see of the world: nothing moves.
func (d *Driver) env() *udf.Env {
	return &udf.Env{Now: func() time.Time { return Today }, Random: func() float64 { return 0 }, Props: d.opts.Properties}
}
