// Package testdriver runs statements without Kafka: definitions go to a catalog in memory, and the tasks of persistent queries
// are fed records and asked for theirs, in one goroutine and with a clock that stands still.
//
// Queries run one after another in the order of their creation, each over all of its input, in one partition and with every
// update emitted unless Options say otherwise. A topic that was given records as input feeds its readers with them; any other with what earlier queries wrote.
package testdriver

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/format/inference"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
)

// DefaultPartitions is how many partitions a topic has that no statement says more of.
const DefaultPartitions = 4

// Options configure a Driver.
type Options struct {
	Functions  *udf.Registry
	Properties map[string]string
	// Topics are the partitions of topics that exist before the first statement.
	Topics map[string]int32
	// BatchSize is how many records of one topic are processed together; 0: 1, so that outputs come in ksqlDB's order.
	BatchSize int
	// NoOptimizer runs plans as they were analysed.
	NoOptimizer bool
	// Partitions is how many partitions every topic has while queries run; 0: 1. Records go to them by a hash of their key.
	Partitions int32
	// CommitEvery commits after so many batches; 0: at the end alone.
	CommitEvery int
	// MaxGroups is how many groups an aggregate holds in memory; 0: its default.
	MaxGroups int
	// Coalesce holds updates back until the commit, as the engine does by default.
	Coalesce bool
	// Restart builds the tasks anew after every commit. Abort drops each transaction once, just before it would be
	// committed, and does it again.
	Restart, Abort bool
	Log            operator.Log // nil: the processing log is dropped
	// Schemas is the schema registry; nil: an empty one in memory.
	Schemas *registry.Memory

	// Stores makes the stores of a task, by a name that is never used again; nil: those of state/memory.
	Stores func(specs []state.Spec, name string, partition int32) (Stores, error)
}

// Stores are a task's stores, driven from outside.
type Stores interface {
	state.Stores
	Commit()
	Abort()
}

// Record is a record of a topic.
type Record struct {
	Topic string
	record.Record
}

// Driver holds definitions and topics. It is not safe for concurrent use.
type Driver struct {
	opts     Options
	analyzer *analyzer.Analyzer
	cat      *catalog.Catalog
	queries  []*catalog.Query
	count    int // statements, which number queries
	topics   map[string][]Record
	given    map[string]bool // topics that have inputs
	inputs   []Record
	created  []string // internal topics
	reading  bool     // the statement takes its topic to exist
}

// Epoch is what the driver's clock shows, and Today what functions take for the present.
var (
	Epoch = time.UnixMilli(0).UTC()
	Today = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
)

// New returns a driver without definitions.
func New(o Options) *Driver {
	if o.BatchSize <= 0 {
		o.BatchSize = 1
	}
	if o.Partitions <= 0 {
		o.Partitions = 1
	}
	if o.Stores == nil {
		o.Stores = func(specs []state.Spec, _ string, _ int32) (Stores, error) { return memory.New(specs), nil }
	}
	if o.Log == nil {
		o.Log = noLog{}
	}
	if o.Schemas == nil {
		o.Schemas = &registry.Memory{}
	}
	d := &Driver{opts: o, cat: &catalog.Catalog{}, topics: map[string][]Record{}, given: map[string]bool{}}
	d.analyzer = analyzer.New(o.Functions, nil, analyzer.Options{
		Topics: d, DefaultPartitions: DefaultPartitions, Schemas: inference.Of(o.Schemas),
	})
	return d
}

type noLog struct{}

func (noLog) Log(operator.Entry) {}

// Lookup implements analyzer.Topics.
func (d *Driver) Lookup(topic string) (partitions int32, replicas int16, ok bool, err error) {
	n, ok := d.opts.Topics[topic]
	if !ok && d.reading {
		return DefaultPartitions, 1, true, nil
	}
	return n, 1, ok, nil
}

// Schemas is the schema registry.
func (d *Driver) Schemas() *registry.Memory { return d.opts.Schemas }

// Catalog is the present state of the definitions.
func (d *Driver) Catalog() *catalog.Catalog { return d.cat }

// InternalTopics are the names of the repartition and changelog topics that the queries would have.
func (d *Driver) InternalTopics() []string { return d.created }

// Outputs are the records of a topic that statements and queries wrote, in order.
func (d *Driver) Outputs(topic string) []Record { return d.topics[topic] }

// Input adds a record for the queries to read when they Run.
func (d *Driver) Input(r Record) {
	d.given[r.Topic] = true
	d.inputs = append(d.inputs, r)
}

// Run runs all persistent queries over the inputs.
func (d *Driver) Run() error {
	next := map[string]int64{}
	for i := range d.inputs {
		r := &d.inputs[i]
		r.Offset = next[r.Topic]
		next[r.Topic]++
	}
	for _, q := range d.queries {
		if q.Plan == nil {
			continue
		}
		if err := d.run(q); err != nil {
			return fmt.Errorf("run query %s: %w", q.ID, err)
		}
	}
	return nil
}

// feed lists the records that a query reads, in the order in which they reach it.
func (d *Driver) feed(topics []string) []Record {
	var out []Record
	for _, r := range d.inputs {
		if slices.Contains(topics, r.Topic) {
			out = append(out, r)
		}
	}
	for _, t := range topics {
		if !d.given[t] {
			out = append(out, d.topics[t]...)
		}
	}
	return out
}

// run runs one query.
func (d *Driver) run(q *catalog.Query) error {
	r, err := newRun(d, q)
	if err != nil {
		return err
	}
	records := d.feed(r.topics)
	for len(records) > 0 {
		n := 0
		if d.opts.Abort {
			if _, err := r.transaction(records); err != nil {
				return err
			}
			r.abort()
		}
		if n, err = r.transaction(records); err != nil {
			return err
		}
		records = records[n:]
		r.commit()
		if d.opts.Restart {
			if err := r.build(); err != nil {
				return err
			}
		}
	}
	return nil
}
