package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
)

// Store is the durable state of a server; package badger has it.
type Store interface {
	state.Durable
	Drop(store string) error
	Stores() []string
	Sweep() (more bool, err error)
	// Reset empties the store, once all who read it have ended. Nobody else uses it meanwhile.
	Reset() error
	// DiskBytes is about what each of some partitions takes of the store's files.
	DiskBytes(of []state.StorePartition) []int64
}

// Config describes a service on this server. Kafka or Broker, Service, Slots and Store are required; the other fields have defaults.
type Config struct {
	Kafka   *kafka.Client
	Broker  Broker         // nil: Kafka
	Fetcher *kafka.Fetcher // shared with others; nil: one of the service's own
	Service string
	Slots   int32
	Store   Store
	Logger  *slog.Logger

	// Ownership decides which slots run here. Nil: all of them, as is right where no other server can be.
	Ownership Ownership
	// TransactionalID names a slot's producer. Nil: service-slot-n. The embedded broker needs another at every boot.
	TransactionalID func(slot int32) string

	CommitInterval time.Duration // 100 ms
	// AtLeastOnce writes outputs and changelogs outside the transaction: less delay for readers, repetitions after
	// a failure.
	AtLeastOnce bool
	// CommandOffset is the last command applied here. Nil: commands do not matter.
	CommandOffset func() int64
	// CatchUp waits until the commands below an offset have been applied, and all others that are in the log when it is called: a slot that is taken
	// over must not start a query that was dropped before.
	CatchUp func(ctx context.Context, offset int64) error
	// Dropped says that an incarnation was dropped explicitly, so that its slots records may go. Nil: StopQuery
	// alone says so.
	Dropped func(query string) bool

	// BufferBytes bounds what waits in each input of a task, as in a join whose other side is behind: 16 MiB. InputBytes is for all inputs
	// together: 128 MiB; beyond it inputs keep no more than a little.
	BufferBytes, InputBytes int
	// TransactionBytes is how much changed state and output of all slots makes those that have most of it commit before CommitInterval has
	// passed: 64 MiB. A commit takes about four times as much while it runs.
	TransactionBytes int
	// OperatorBytes is for what operators keep at hand of their stores: 64 MiB. Beyond it the tasks that hold most of it forget it.
	OperatorBytes int
	// FlushBytes is memory for committed state of all tasks: 256 MiB. It is flushed when half of that is used; if the rest is used up
	// before a flush has ended, the input waits.
	FlushBytes    int
	FlushInterval time.Duration // and at least so often: 10 min
	Guard         func() error  // an error pauses all tasks: the disk is nearly full
	// Fenced is how long a fenced slot waits for the group to say who owns it: three heartbeats, 3 s.
	Fenced time.Duration
	// TransactionTimeout is how long the broker keeps a silent slot's transaction open, and its readers waiting: 15 s.
	TransactionTimeout time.Duration
	JanitorInterval    time.Duration // 5 s
	// RestAfter is how long a task has nothing to do before it gives back the memory that it keeps for more of the same: 10 s.
	RestAfter time.Duration
	// StandbyInterval is how long what was read for copies of other servers' state waits to be written: 1 s.
	StandbyInterval time.Duration
	// EndsHold is how long what was heard of the end of a changelog says what a copy lacks. Who hears nothing for longer does not know: 6 s.
	EndsHold    time.Duration
	Compression kafka.Compression
	Defect      Defect // for the tests of fault harnesses
}

func (c Config) withDefaults() (Config, error) {
	if c.Kafka == nil && c.Broker == nil || c.Service == "" || c.Slots < 1 || c.Store == nil {
		return c, errors.New("cluster: client, service, slots and store are needed")
	}
	if c.Broker == nil {
		c.Broker = OnKafka(c.Kafka)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.setDefect()
	if c.Ownership == nil {
		c.Ownership = AllSlots{}
	}
	if c.TransactionalID == nil {
		c.TransactionalID = func(slot int32) string { return fmt.Sprintf("%s-slot-%d", c.Service, slot) }
	}
	if c.CommandOffset == nil {
		c.CommandOffset = func() int64 { return 0 }
	}
	if c.CatchUp == nil {
		c.CatchUp = func(context.Context, int64) error { return nil }
	}
	if c.Dropped == nil {
		c.Dropped = func(string) bool { return false }
	}
	if c.Guard == nil {
		c.Guard = func() error { return nil }
	}
	setDefault(&c.CommitInterval, 100*time.Millisecond)
	setDefault(&c.BufferBytes, 16<<20)
	setDefault(&c.InputBytes, 128<<20)
	setDefault(&c.TransactionBytes, 64<<20)
	setDefault(&c.OperatorBytes, 64<<20)
	setDefault(&c.FlushBytes, 256<<20)
	setDefault(&c.FlushInterval, 10*time.Minute)
	setDefault(&c.Fenced, 3*time.Second)
	setDefault(&c.TransactionTimeout, 15*time.Second)
	setDefault(&c.JanitorInterval, 5*time.Second)
	setDefault(&c.RestAfter, 10*time.Second)
	setDefault(&c.StandbyInterval, time.Second)
	setDefault(&c.EndsHold, 6*time.Second)
	return c, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// SlotsTopic is the service's topic of slots records.
func SlotsTopic(service string) string { return "_millrace-" + service + "-slots" }

// Task is what the service drives; [task.Task] is one. All calls come from the slot's goroutine.
type Task interface {
	Add(topic string, records []record.Record, next int64, atEnd bool) error
	Process(now time.Time) (more bool, err error)
	Flush() error
	Outputs() []record.Out
	OutputBytes() int
	ResetOutputs()
	Positions() map[string]int64
	State() task.State
	Rewind(positions map[string]int64, s task.State)
	Committed(s task.State)
	Behind() bool
	Buffered(topic string) (records, bytes int)
	Counters() operator.Counters
	StreamTime() int64 // math.MinInt64: it has had no record
	HeldBytes() int    // about what its operators keep in memory between batches
	Release() error    // makes them write and forget that
	Rest() error       // gives back what it keeps for more records
}

// QuerySpec is a query to run.
type QuerySpec struct {
	Topology *topology.Topology // its Query is the incarnation
	// Start gives the first offset by source topic and partition, as it was resolved when the query was created. A
	// task that has a slots record goes on from there instead.
	Start map[string][]int64
	// NewTask makes a task on its stores. Any slot's goroutine may call it.
	NewTask func(sub *topology.SubTopology, partition int32, stores state.Stores) (Task, error)
	// Paused says that the query begins paused.
	Paused bool
	// Group is the group id under which positions are shown to lag tools; "": none.
	Group string
}
