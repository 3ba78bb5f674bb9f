package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/state"
)

// Manager keeps the persistent queries of a service on this server: it hands them to the slots, restarts those that
// failed, and tells how they are. Its methods are safe for concurrent use; Run is its only goroutine.
type Manager struct {
	cluster *cluster.Service
	kafka   *kafka.Client
	log     *slog.Logger
	group   string

	turn    sync.Mutex // held while a query is started or stopped, which asks the brokers; taken before mu
	mu      sync.Mutex
	queries map[string]*Running
	dropped []remains // of dropped queries
}

// Spec is a query to be run.
type Spec struct {
	Topology *topology.Topology
	Start    map[string][]int64
	Deps     task.Deps // without stores
	Options  task.Options
	Paused   bool
	// Interrupt stops what the tasks ask of others, for which stopping and pausing would wait; nil: they ask nobody.
	Interrupt *task.Interrupt
}

// Definition is a persistent query as it was made.
type Definition struct {
	ID string
	// Incarnation names its state; no other query of the service ever has it.
	Incarnation string
	Topics      []string // that it has for itself
	Retry       Retry
	// Build makes it runnable; what was wrong may be right the next time.
	Build func() (Spec, error)
}

// Running is a persistent query on this server. It is immutable but for what Manager guards.
type Running struct {
	Spec     // of a query that could not be built, only Topology.Query is set
	def      Definition
	cluster  *cluster.Service
	failed   error // the query could not be built, or not be handed to the slots
	recovery recovery
}

// NewManager returns a manager without queries. Group is the prefix of the group ids under which lag tools find the
// queries' positions.
func NewManager(c *cluster.Service, k *kafka.Client, group string, log *slog.Logger) *Manager {
	return &Manager{cluster: c, kafka: k, group: group, log: log, queries: map[string]*Running{}}
}

// Start hands a query to the slots. A query that cannot be built or handed over - a topic was deleted, the brokers are away - is kept
// with its error and tried again: its definition stands, whatever the moment says. Starting a query that is there replaces
// it and keeps its state.
func (m *Manager) Start(ctx context.Context, def Definition) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if old := m.find(def.ID); old != nil {
		old.Interrupt.Set(true)
		if err := m.cluster.StopQuery(ctx, old.Topology.Query, false); err != nil && !errors.Is(err, cluster.ErrUnknownQuery) {
			return err
		}
	}
	q := m.build(def)
	q.recovery = recovery{Retry: def.Retry}
	if q.failed == nil {
		q.failed = m.handOver(ctx, def.ID, &q.Spec)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queries[def.ID] = q
	return ctx.Err()
}

// build makes a query runnable, or says in failed why it is not.
func (m *Manager) build(def Definition) *Running {
	q := &Running{def: def, cluster: m.cluster}
	if q.Spec, q.failed = def.Build(); q.failed != nil {
		q.Topology = &topology.Topology{Query: def.Incarnation}
	}
	return q
}

func (m *Manager) find(id string) *Running {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queries[id]
}

func (m *Manager) handOver(ctx context.Context, id string, s *Spec) error {
	return m.cluster.StartQuery(ctx, cluster.QuerySpec{
		Topology: s.Topology, Start: s.Start, Paused: s.Paused, Group: m.group + id,
		NewTask: func(sub *topology.SubTopology, partition int32, stores state.Stores) (cluster.Task, error) {
			deps := s.Deps
			deps.Stores = stores
			return task.New(sub, partition, deps, s.Options)
		},
	})
}

// Stop ends a query for good: its state goes, and its internal topics as soon as no server uses them.
func (m *Manager) Stop(ctx context.Context, id string) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	q := m.find(id)
	if q == nil {
		return nil
	}
	m.mu.Lock()
	delete(m.queries, id)
	m.mu.Unlock()
	q.Interrupt.Set(true)
	if err := m.cluster.StopQuery(ctx, q.Topology.Query, true); err != nil && !errors.Is(err, cluster.ErrUnknownQuery) {
		if ctx.Err() != nil {
			return fmt.Errorf("stop query %s: %w", id, err)
		}
		m.log.Warn("state of a dropped query is left", "query", id, "error", err)
	}
	m.Forget(id, q.Topology.Query, q.def.Topics)
	return nil
}

// Pause keeps a query from reading on; Resume undoes it. An unknown query is passed over.
func (m *Manager) Pause(id string) { m.set(id, true) }

// Resume undoes Pause, and gives a query that has failed its next chance at once.
func (m *Manager) Resume(id string) { m.set(id, false) }

// Hurry gives a query that has failed its next chance at once: what made it fail may have gone. An unknown query is passed over.
func (m *Manager) Hurry(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q := m.queries[id]; q != nil {
		q.recovery.hurry()
	}
}

func (m *Manager) set(id string, paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.queries[id]
	if q == nil {
		return
	}
	q.Paused = paused
	if !paused {
		q.recovery.hurry()
	}
	m.tell(id, q)
}

// tell passes on whether a query is paused. m.mu is held.
func (m *Manager) tell(id string, q *Running) {
	call := m.cluster.Resume
	if q.Paused {
		call = m.cluster.Pause
		defer q.Interrupt.Set(true) // when the tasks are told that they pause, or they would begin again
	} else {
		q.Interrupt.Set(false)
	}
	if err := call(q.Topology.Query); err != nil && !errors.Is(err, cluster.ErrUnknownQuery) {
		m.log.Error("cannot pause or resume", "query", id, "error", err)
	}
}

// Interrupt ends what the tasks of all queries ask of others, since the server ends.
func (m *Manager) Interrupt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, q := range m.queries {
		q.Interrupt.Set(true)
	}
}

// Status is how a query is doing on this server.
type Status struct {
	State    string // RUNNING, RESTORING, PAUSED, ERROR, UNRESPONSIVE (not known here)
	Error    string
	Topology string
	Restarts int64 // after failures
	Tasks    []cluster.TaskStatus
	Standbys []cluster.TaskStatus  // copies that are kept here of the state of tasks on other servers
	Restored cluster.RestoredCount // since it was started here

	RecordsIn, RecordsOut int64 // committed here since then
}

// Status tells how a query is doing.
func (m *Manager) Status(id string) Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.queries[id]
	if q == nil {
		return Status{State: "UNRESPONSIVE"}
	}
	st := Status{State: "RUNNING", Restarts: q.recovery.restarts, Topology: describe(q.Topology)}
	c, ok := m.cluster.Status(q.Topology.Query)
	st.Tasks, st.Standbys, st.Restored, st.RecordsIn, st.RecordsOut = c.Tasks, c.Standbys, c.Restored, c.RecordsIn, c.RecordsOut
	err := q.failed
	if ok {
		err = c.Err
	}
	switch {
	case err != nil:
		st.State, st.Error = "ERROR", err.Error()
	case q.Paused:
		st.State = "PAUSED"
	default:
		for _, t := range c.Tasks {
			if t.State == cluster.Restoring {
				st.State = "RESTORING"
			}
		}
	}
	return st
}

// IDs are the queries, sorted.
func (m *Manager) IDs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.queries))
}

// Find returns a query that runs here. One that could not be built is not there.
func (m *Manager) Find(id string) (*Running, bool) {
	q := m.find(id)
	return q, q != nil && q.Topology.Root != nil
}

// StoreOf finds the sub-topology whose tasks keep the store of a node of the plan, and the store's id.
func (q *Running) StoreOf(node plan.Node) (sub *topology.SubTopology, id string, ok bool) {
	for _, sub := range q.Topology.Subs {
		if id, ok := sub.StoreID(plan.IDOf(node), ""); ok {
			return sub, id, true
		}
	}
	return nil, "", false
}

// View opens a partition of a store, see [cluster.Service.View].
func (q *Running) View(store string, partition int32) (*state.View, error) {
	return q.cluster.View(q.Topology.Query, store, partition)
}

// describe lists the sub-topologies with what they read, keep and write.
func describe(t *topology.Topology) string {
	var b strings.Builder
	for _, s := range t.Subs {
		fmt.Fprintf(&b, "sub-topology %s (%d partitions)\n", s.ID, s.Partitions)
		for _, in := range s.Inputs {
			fmt.Fprintf(&b, "  reads  %s\n", in.Topic)
		}
		for _, st := range s.Stores {
			fmt.Fprintf(&b, "  keeps  %s (%s, changelog %s)\n", st.ID, st.Kind, st.Changelog)
		}
		if s.Output != "" {
			fmt.Fprintf(&b, "  writes %s\n", s.Output)
		}
	}
	return b.String()
}
