package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
)

// Service runs this server's share of a service's queries. Its methods are safe for concurrent use.
type Service struct {
	cfg         Config
	broker      Broker
	fetcher     Fetcher
	ownFetcher  bool
	metrics     Metrics
	memory      memory
	lowDisk     atomic.Bool
	unwritable  atomic.Bool   // a flush failed, and none has succeeded since
	tasks       atomic.Int64  // running here
	restores    chan struct{} // one token per restore that may run
	restoring   restoring
	restoreLogs restoreLogs
	targets     targets // of all slots
	distrust    distrust
	standbys    *standbys
	ledger      ledger
	lull        lull

	// fault, set by tests before Start, may fail a transaction at a named point: "produce", "end", "ended", "flush".
	fault func(point string) error

	// gate is held for reading while a slot's transaction is open, see Quiesce.
	gate sync.RWMutex

	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	ended  chan struct{} // ownership has ended

	showing sync.Mutex // held while positions are shown to lag tools; taken before mu

	mu      sync.Mutex
	err     error // why ownership ended by itself
	queries map[string]*query
	dropped map[string]bool
	slots   map[int32]*slot // those owned
	changed chan struct{}   // closed and replaced whenever a slot has come to terms with the queries
}

// query is a query that was started here.
type query struct {
	QuerySpec
	paused   bool
	err      error
	restored Restored
	done     Committed
}

var (
	// ErrClosed is returned by use before Start or after Close.
	ErrClosed = errors.New("the service is not running")
	// ErrUnknownQuery says that no such query was started.
	ErrUnknownQuery = errors.New("unknown query")
	// ErrBusy says that a slot's last transaction is not known to be decided.
	ErrBusy = errors.New("a transaction is not decided")
	// ErrNotHere says that a task runs on another server, or is being restored.
	ErrNotHere = errors.New("the task is not running here")

	errAbandoned = errors.New("abandoned")
)

// New prepares a service.
func New(cfg Config) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, broker: cfg.Broker, restores: make(chan struct{}, restoresAtOnce), restoring: restoring{log: cfg.Logger}, ended: make(chan struct{}),
		distrust: distrust{causes: make(chan error, 1), moved: make(chan struct{})},
		fault:    func(string) error { return nil },
		queries:  map[string]*query{}, dropped: map[string]bool{}, slots: map[int32]*slot{}, changed: make(chan struct{}),
	}
	s.memory.limit(&cfg)
	s.standbys = newStandbys(s)
	if cfg.Fetcher != nil {
		s.fetcher = fetcher{cfg.Fetcher}
	}
	return s, nil
}

// Start makes the slots topic if it is not there, and begins to own slots. Queries may be started before and after it.
func (s *Service) Start(ctx context.Context) error {
	if err := s.ensureSlotsTopic(ctx); err != nil {
		return err
	}
	if s.fetcher == nil {
		s.fetcher = s.broker.NewFetcher()
		s.ownFetcher = true
	}
	s.checkDisk() // before the first write, not a second later
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.wg.Go(func() {
		defer close(s.ended)
		err := s.cfg.Ownership.Run(run, s.cfg.Slots, Tenant{Own: s.own, StandBy: s.standbys.assign, Load: s.load})
		if err != nil && run.Err() == nil {
			s.cfg.Logger.Error("this server can own no slots", "service", s.cfg.Service, "error", err)
		}
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	})
	s.wg.Go(func() { s.janitor(run) })
	s.wg.Go(func() { s.standbys.run(run) })
	return nil
}

func (s *Service) ensureSlotsTopic(ctx context.Context) error {
	name := SlotsTopic(s.cfg.Service)
	err := s.ensureTopics(ctx, kafka.TopicSpec{
		Name: name, Partitions: s.cfg.Slots, Configs: map[string]string{"cleanup.policy": "compact", "segment.bytes": "16777216", "retention.ms": "-1"},
	})
	if err != nil {
		return fmt.Errorf("start service %s: %w", s.cfg.Service, err)
	}
	return nil
}

// Close commits what is open, hands the slots over, flushes the state and awaits all goroutines. After ctx has ended it no longer
// commits.
func (s *Service) Close(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { s.cancelSlots(errAbandoned) })
	defer stop()
	s.cancel(ErrClosed)
	s.wg.Wait()
	if s.ownFetcher {
		s.fetcher.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// cancelSlots interrupts slots that are still committing.
func (s *Service) cancelSlots(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		sl.abandon(cause)
	}
}

// kill ends the service as a dead process would: nothing more is committed, flushed or aborted. Tests use it.
func (s *Service) kill() {
	s.cancel(errAbandoned)
	s.cancelSlots(errAbandoned)
	s.wg.Wait()
	if s.ownFetcher {
		s.fetcher.Close()
	}
}

// Quiesce calls f while every slot of this server stands committed: no transaction is open, and none begins before f has returned. The
// embedded broker may be compacted there and nowhere else. It returns [ErrBusy], and does not call f, if a slot's last
// transaction has an unknown outcome.
func (s *Service) Quiesce(f func()) error {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.mu.Lock()
	for _, sl := range s.slots {
		if sl.undecided.Load() {
			s.mu.Unlock()
			return fmt.Errorf("quiesce slot %d: %w", sl.n, ErrBusy)
		}
	}
	s.mu.Unlock()
	f()
	return nil
}

// Done is closed when this server owns no slots any more, and will not.
func (s *Service) Done() <-chan struct{} { return s.ended }

// Metrics are the service's counters.
func (s *Service) Metrics() *Metrics { return &s.metrics }

// StartQuery makes the query's internal topics where they are missing, and starts its tasks in the slots owned here, now and later. Starting a query
// again that runs or failed changes nothing.
func (s *Service) StartQuery(ctx context.Context, spec QuerySpec) error {
	specs := make([]kafka.TopicSpec, len(spec.Topology.Topics))
	for i, t := range spec.Topology.Topics {
		specs[i] = InternalTopic(t)
	}
	if err := s.ensureTopics(ctx, specs...); err != nil {
		return fmt.Errorf("start query %s: %w", spec.Topology.Query, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queries[spec.Topology.Query] == nil {
		s.queries[spec.Topology.Query] = &query{QuerySpec: spec, paused: spec.Paused}
		s.wakeAll()
	}
	return nil
}

// InternalTopic gives an internal topic its settings.
func InternalTopic(t topology.Topic) kafka.TopicSpec {
	policy := "delete"
	if t.Compact {
		policy = "compact"
	}
	// Records carry event time, which may be years old, or ahead of the broker's clock: neither may cost a record.
	c := map[string]string{
		"cleanup.policy": policy, "retention.ms": "-1",
		"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": "9223372036854775807",
	}
	if t.Compact {
		c["delete.retention.ms"] = strconv.FormatInt(deleteRetention.Milliseconds(), 10) // the broker's default may be shorter
	}
	return kafka.TopicSpec{Name: t.Name, Partitions: t.Partitions, Configs: c}
}

// StopQuery stops the query's tasks here and waits until they have committed and gone. With drop, its state is deleted: its slots
// records get tombstones, its stores are deleted bit by bit; also those of a query that was not started since the server was. Its topics are
// the caller's to delete, when every server has passed the drop.
func (s *Service) StopQuery(ctx context.Context, incarnation string, drop bool) error {
	if !s.forget(incarnation, drop) {
		if drop {
			return s.dropStores(incarnation)
		}
		return fmt.Errorf("stop query %s: %w", incarnation, ErrUnknownQuery)
	}
	err := s.await(ctx, func(sl *slot) bool { return sl.hosts(incarnation) })
	if err == nil {
		err = s.standbys.yield(ctx, func(id TaskID) bool { return id.Query == incarnation })
	}
	if err != nil {
		return fmt.Errorf("stop query %s: %w", incarnation, err)
	}
	if drop {
		return s.dropStores(incarnation)
	}
	return nil
}

// forget takes a query out. When it returns, its positions are not shown any more.
func (s *Service) forget(incarnation string, drop bool) (ran bool) {
	s.showing.Lock()
	defer s.showing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if drop {
		s.dropped[incarnation] = true
	}
	if s.queries[incarnation] == nil {
		return false
	}
	delete(s.queries, incarnation)
	s.wakeAll()
	return true
}

// await waits until busy is false for all slots owned here.
func (s *Service) await(ctx context.Context, busy func(*slot) bool) error {
	for {
		s.mu.Lock()
		waiting := false
		for _, sl := range s.slots {
			waiting = waiting || busy(sl)
		}
		changed := s.changed
		s.mu.Unlock()
		if !waiting {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// settled tells those who await.
func (s *Service) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Pause keeps the query's tasks from processing, after a commit. They stay restored and keep their slots.
func (s *Service) Pause(incarnation string) error { return s.setPaused(incarnation, true) }

// Resume undoes Pause.
func (s *Service) Resume(incarnation string) error { return s.setPaused(incarnation, false) }

func (s *Service) setPaused(incarnation string, paused bool) error {
	return s.change(incarnation, func(q *query) { q.paused = paused })
}

// Restart puts a query that failed back into service.
func (s *Service) Restart(incarnation string) error {
	return s.change(incarnation, func(q *query) { q.err = nil })
}

func (s *Service) change(incarnation string, f func(*query)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queries[incarnation]
	if q == nil {
		return fmt.Errorf("change query %s: %w", incarnation, ErrUnknownQuery)
	}
	f(q)
	s.wakeAll()
	return nil
}

// fail takes a query out of service.
func (s *Service) fail(incarnation string, err error) {
	s.metrics.Failures.Add(1)
	s.cfg.Logger.Error("query failed", "query", incarnation, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queries[incarnation]; q != nil && q.err == nil {
		q.err = err
		s.wakeAll()
	}
}

// wakeAll makes all slots, and the keeper of copies, look at the queries again. s.mu is held.
func (s *Service) wakeAll() {
	s.standbys.kick()
	for _, sl := range s.slots {
		sl.replan()
	}
}

// Status tells how a query is doing here; false if it was not started.
func (s *Service) Status(incarnation string) (QueryStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queries[incarnation]
	if q == nil {
		return QueryStatus{}, false
	}
	st := QueryStatus{Paused: q.paused, Err: q.err}
	st.Restored.Records, st.Restored.Bytes = q.restored.Records.Load(), q.restored.Bytes.Load()
	st.RecordsIn, st.RecordsOut = q.done.In.Load(), q.done.Out.Load()
	st.Tasks = s.statuses(q)
	st.Standbys = s.standbys.statuses(incarnation)
	return st, true
}

// Failed tells why a query was taken out of service here; nil if it runs, or was not started.
func (s *Service) Failed(incarnation string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queries[incarnation]; q != nil {
		return q.err
	}
	return nil
}

// statuses lists the tasks of a query that are here. s.mu is held.
func (s *Service) statuses(q *query) (list []TaskStatus) {
	for id := range q.tasks() {
		if sl := s.slots[SlotOf(id, s.cfg.Slots)]; sl != nil {
			list = sl.status(list, id)
		}
	}
	return list
}

// View opens a store of a running task as of its last commit. Close it.
func (s *Service) View(incarnation, store string, partition int32) (*state.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queries[incarnation]
	if q == nil {
		return nil, fmt.Errorf("read store %s of %s: %w", store, incarnation, ErrUnknownQuery)
	}
	for _, sub := range q.Topology.Subs {
		for _, st := range sub.Stores {
			if st.ID != store {
				continue
			}
			id := TaskID{incarnation, sub.ID, partition}
			if sl := s.slots[SlotOf(id, s.cfg.Slots)]; sl != nil {
				if v, err := sl.view(id, store); v != nil || err != nil {
					return v, err
				}
			}
			return nil, fmt.Errorf("read store %s of %s, partition %d: %w", store, incarnation, partition, ErrNotHere)
		}
	}
	return nil, fmt.Errorf("read store %s of %s: the query has no such store", store, incarnation)
}
