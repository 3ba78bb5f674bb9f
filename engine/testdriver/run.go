package testdriver

import (
	"bytes"
	"fmt"
	"maps"
	"time"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
)

// run is a query that is being fed: one task for each of its sub-topologies.
type run struct {
	d      *Driver
	topo   *topology.Topology
	topics []string // that it reads from outside
	tasks  []*task.Task
	stores []*memory.Task
	next   map[string]int64 // offsets of its internal topics
	saved  []saved          // by the last commit, as is savedNext

	savedNext map[string]int64
	written   map[string]int // records in topics outside since the last commit
}

// saved is what a commit holds of a task beside its stores.
type saved struct {
	positions map[string]int64
	state     task.State
}

func newRun(d *Driver, q *catalog.Query) (*run, error) {
	topo, err := topology.Build(q.Plan, topology.Options{
		Service: "test", Query: q.ID,
		Partitions: func(string) (int32, error) { return 1, nil },
	})
	if err != nil {
		return nil, err
	}
	r := &run{d: d, topo: topo, next: map[string]int64{}, savedNext: map[string]int64{}, written: map[string]int{}}
	for _, s := range topo.Subs {
		for _, in := range s.Inputs {
			if !in.Internal {
				r.topics = append(r.topics, in.Topic)
			}
		}
		r.stores = append(r.stores, memory.New(s.Specs()))
	}
	for _, t := range topo.Topics {
		d.created = append(d.created, t.Name)
	}
	r.saved = make([]saved, len(topo.Subs))
	return r, r.build()
}

// build makes the tasks anew, as they were committed.
func (r *run) build() error {
	r.tasks = r.tasks[:0]
	for i, s := range r.topo.Subs {
		t, err := task.New(s, 0, task.Deps{
			Stores: r.stores[i], Functions: r.d.opts.Functions, UDF: r.d.env(), Log: r.d.opts.Log,
			Rows: func(*vector.Batch, []int) error { return nil },
		}, task.Options{BatchSize: r.d.opts.BatchSize, Exact: !r.d.opts.Coalesce, MaxIdle: -1})
		if err != nil {
			return err
		}
		t.Rewind(r.saved[i].positions, r.saved[i].state)
		r.tasks = append(r.tasks, t)
	}
	return nil
}

// pipe gives the query records of one topic and works until nothing is left to do.
func (r *run) pipe(recs []Record) error {
	chunk := make([]record.Record, len(recs))
	for i := range recs {
		chunk[i] = recs[i].Record
	}
	last := chunk[len(chunk)-1].Offset + 1
	for i, s := range r.topo.Subs {
		for _, in := range s.Inputs {
			if in.Topic != recs[0].Topic {
				continue
			}
			if err := r.tasks[i].Add(in.Topic, chunk, last, true); err != nil {
				return err
			}
		}
	}
	return r.work()
}

// work lets the tasks process until none has anything left, carrying records over internal topics at once.
func (r *run) work() error {
	for busy := true; busy; {
		busy = false
		for _, t := range r.tasks {
			more, err := t.Process(Epoch)
			if err != nil {
				return err
			}
			if err := r.route(t); err != nil {
				return err
			}
			busy = busy || more
		}
	}
	return nil
}

// route takes a task's outputs to where they go.
func (r *run) route(t *task.Task) error {
	for _, o := range t.Outputs() {
		rec := record.Record{
			Timestamp: o.Timestamp, Headers: o.Headers, Key: bytes.Clone(o.Key), Value: bytes.Clone(o.Value),
		}
		internal := false
		for i, s := range r.topo.Subs {
			for _, in := range s.Inputs {
				if !in.Internal || in.Topic != o.Topic {
					continue
				}
				internal = true
				rec.Offset = r.next[o.Topic]
				r.next[o.Topic]++
				if err := r.tasks[i].Add(o.Topic, []record.Record{rec}, rec.Offset+1, true); err != nil {
					return err
				}
			}
		}
		if !internal {
			rec.Offset = int64(len(r.d.topics[o.Topic]))
			r.d.topics[o.Topic] = append(r.d.topics[o.Topic], Record{o.Topic, rec})
			r.written[o.Topic]++
		}
	}
	t.ResetOutputs()
	return nil
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
	for i := range r.tasks {
		// What a task before this one sent on is to be processed first.
		if err := r.work(); err != nil {
			return err
		}
		if err := r.tasks[i].Flush(); err != nil {
			return fmt.Errorf("flush: %w", err)
		}
		if err := r.route(r.tasks[i]); err != nil {
			return err
		}
	}
	return nil
}

// commit makes what was done since the last commit permanent.
func (r *run) commit() {
	for i, t := range r.tasks {
		r.saved[i] = saved{t.Positions(), t.State()}
		r.stores[i].Commit()
	}
	r.savedNext, r.written = maps.Clone(r.next), map[string]int{}
}

// abort takes everything back to the last commit.
func (r *run) abort() {
	for i, t := range r.tasks {
		r.stores[i].Abort()
		t.Rewind(r.saved[i].positions, r.saved[i].state)
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
