package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state"
)

// slot is an owned slot. Its fields belong to the slot's goroutine but for those below mu.
type slot struct {
	s  *Service
	n  int32
	io context.Context // for requests: outlives the ownership, so that the last commit can be made

	wake  chan struct{} // capacity 1: something is to be done
	stale atomic.Bool   // the queries have changed since the last reconcile
	busy  atomic.Bool   // a reconcile runs
	taken atomic.Bool   // from taking the slot over until its tasks are closed: only then it can have tasks
	wg    sync.WaitGroup

	// swapped counts the times that models may have changed, see [Service.ModelsChanged]; followed is its value when the
	// tasks were last asked.
	swapped, followed atomic.Int64

	mourning  atomic.Bool // it has records of dropped queries
	undecided atomic.Bool // a transaction was begun, and its end is not known

	producer TxnProducer
	plain    PlainProducer     // at_least_once only
	records  map[string][]byte // the slots records as committed
	command  int64             // the last command that any of them knows of
	targets  map[string]target // of outputs
	limits   map[string]int    // max.message.bytes of the service's own topics that refused a batch
	outputs  share             // of what tasks have changed and put out since the last commit
	since    time.Time         // when the first thing was done that is not committed; zero: nothing
	took     time.Duration     // the last commit
	next     int               // in order, the task that had the last turn

	mu       sync.Mutex
	cancelIO context.CancelCauseFunc
	members  map[TaskID]*member
	order    []*member // in order of opening
	posted   []func()  // what other goroutines want done here
}

// handOver is how long a slot may commit and flush after it was lost.
const handOver = 20 * time.Second

// own is the life of a slot on this server. Ownership calls it, and ends ctx to take the slot away.
func (s *Service) own(ctx context.Context, n int32) {
	sl := &slot{s: s, n: n, wake: make(chan struct{}, 1), members: map[TaskID]*member{}, limits: map[string]int{}, outputs: share{of: &s.memory.outputs}}
	sl.io, sl.cancelIO = context.WithCancelCause(context.WithoutCancel(ctx))
	defer sl.cancelIO(nil)
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), errAbandoned) {
			sl.abandon(errAbandoned)
			return
		}
		time.AfterFunc(handOver, func() { sl.abandon(errAbandoned) })
	})
	defer stop()
	s.mu.Lock()
	s.slots[n] = sl
	s.mu.Unlock()
	s.standbys.kick() // the copies end while the slot is taken over
	defer func() {
		s.mu.Lock()
		delete(s.slots, n)
		s.mu.Unlock()
		s.standbys.kick()
		s.settled()
	}()
	sl.run(ctx)
}

// abandon interrupts requests. Any goroutine may call it.
func (sl *slot) abandon(cause error) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	sl.cancelIO(cause)
}

// run takes the slot over again after every failure, as long as it is owned.
func (sl *slot) run(ctx context.Context) {
	pause := sl.s.cfg.CommitInterval
	for ctx.Err() == nil {
		began := time.Now()
		err := sl.tenure(ctx)
		sl.s.settled()
		if err == nil || ctx.Err() != nil {
			continue
		}
		if time.Since(began) > time.Minute {
			pause = sl.s.cfg.CommitInterval
		}
		wait := pause
		pause = min(2*pause, 10*time.Second)
		if errors.Is(err, kafka.ErrFenced) {
			// Another server may own the slot by now. If so, the group says it before this is over.
			sl.s.metrics.Fenced.Add(1)
			wait = sl.s.cfg.Fenced
		}
		sl.s.cfg.Logger.Warn("slot is taken over again", "slot", sl.n, "after", wait, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// tenure runs the slot from taking it over to its loss (nil) or an error.
func (sl *slot) tenure(ctx context.Context) (err error) {
	if !sl.awaitWork(ctx) {
		return nil
	}
	if sl.s.distrust.enter(ctx) != nil {
		return nil // the slot was lost before the store could be used again
	}
	defer sl.s.distrust.leave()
	cfg := &sl.s.cfg
	sl.producer = sl.s.broker.NewTxnProducer(kafka.TxnConfig{
		ProducerConfig: kafka.ProducerConfig{Compression: cfg.Compression}, ID: cfg.TransactionalID(sl.n), Timeout: cfg.TransactionTimeout,
		Always: kafka.TopicPartition{Topic: SlotsTopic(cfg.Service), Partition: sl.n},
	})
	defer sl.producer.Close()
	if cfg.AtLeastOnce {
		sl.plain = sl.s.broker.NewProducer(kafka.ProducerConfig{Compression: cfg.Compression})
		defer sl.plain.Close()
	}
	if err := sl.takeOver(ctx); err != nil {
		return err
	}
	sl.s.metrics.Takings.Add(1)
	sl.taken.Store(true)
	defer func() {
		sl.closeAll()
		sl.outputs.set(0)
		sl.taken.Store(false)
		if err != nil && sl.producer.Open() {
			// Else readers wait for the transaction's timeout. Taking over aborts as well.
			if sl.producer.Abort(sl.io) == nil {
				sl.undecided.Store(false)
			}
		}
	}()
	sl.since, sl.targets = time.Time{}, map[string]target{}
	sl.stale.Store(true)
	if err := sl.loop(ctx); err != nil {
		return err
	}
	return sl.leave()
}

// awaitWork waits until a task belongs to the slot. Slots without tasks cost a goroutine and nothing at the broker.
func (sl *slot) awaitWork(ctx context.Context) bool {
	for {
		sl.stale.Store(false)
		if sl.mourning.Swap(false) || len(sl.wanted()) > 0 {
			return true
		}
		sl.s.settled()
		select {
		case <-ctx.Done():
			return false
		case <-sl.wake:
		}
	}
}

// takeOver seizes the slot for a tenure. The slot has no tasks meanwhile, so that whoever applies the commands need not wait for it; nor
// does a loss of the slot wait: there is nothing to commit.
func (sl *slot) takeOver(owned context.Context) error {
	ctx, cancel := context.WithCancelCause(sl.io)
	defer cancel(nil)
	defer context.AfterFunc(owned, func() { cancel(context.Cause(owned)) })()
	if err := sl.seize(ctx); err != nil {
		return err
	}
	if err := sl.s.cfg.CatchUp(ctx, sl.command); err != nil {
		return fmt.Errorf("take slot %d: read the command log to %d: %w", sl.n, sl.command, err)
	}
	return nil
}

// seize fences any other owner, which decides its transaction and ours, and then reads where the tasks stood.
func (sl *slot) seize(ctx context.Context) error {
	if sl.plain != nil {
		sl.plain.Discard()
	}
	if err := sl.producer.Init(ctx); err != nil {
		return fmt.Errorf("take slot %d: %w", sl.n, err)
	}
	sl.undecided.Store(false)
	if err := sl.readRecords(ctx); err != nil {
		return fmt.Errorf("take slot %d: %w", sl.n, err)
	}
	return nil
}

// verify takes out tasks whose record is not the one they go on from: another server had the slot meanwhile. They begin anew from
// what is written. Call it whenever the slot was seized while it had tasks.
func (sl *slot) verify() error {
	if sl.command > sl.s.cfg.CommandOffset() {
		return fmt.Errorf("slot %d: another server had it, which knew commands up to %d", sl.n, sl.command)
	}
	for _, m := range sl.order {
		if string(sl.records[m.id.String()]) != string(m.stored) {
			sl.remove(m)
			sl.stale.Store(true)
		}
	}
	return nil
}

// readRecords reads the slot's records as they are committed.
func (sl *slot) readRecords(ctx context.Context) error {
	records, err := sl.s.readSlot(ctx, sl.n)
	if err != nil {
		return err
	}
	command := int64(0)
	for key, value := range records {
		rec, err := decodeRecord(value)
		if err != nil {
			return fmt.Errorf("slots record %s: %w", key, err)
		}
		command = max(command, rec.Command)
	}
	sl.records, sl.command = records, command
	return nil
}

// loop works until the ownership ends or something fails that the whole slot must answer.
func (sl *slot) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if sl.s.distrust.on.Load() {
			return errDistrust
		}
		sl.runPosted()
		if err := sl.catchUp(); err != nil {
			return err
		}
		sl.followModels()
		more := false
		if !sl.s.stalled() {
			more = sl.process()
		} else if sl.since.IsZero() {
			sl.flushOld(time.Now()) // nothing else can make room
		}
		now := time.Now()
		if sl.due(now, more) {
			if err := sl.commit(); err != nil {
				return err
			}
		}
		if more {
			continue
		}
		timer.Reset(sl.nap(now))
		select {
		case <-ctx.Done():
		case <-sl.wake:
		case <-timer.C:
		}
	}
	return nil
}

// catchUp reconciles if the queries have changed.
func (sl *slot) catchUp() error {
	if !sl.stale.Load() {
		return nil
	}
	defer sl.s.settled()
	sl.busy.Store(true) // before stale is cleared, so that hosts never sees neither
	defer sl.busy.Store(false)
	sl.stale.Store(false)
	return sl.reconcile()
}

// taskPatience is how much longer a commit may wait for each task of its slot.
const taskPatience = 25 * time.Millisecond

// patience is how long after the first thing done it is committed. While there is more to process, or tasks come up, that is as long as the last
// commit took: a transaction costs by the partitions that it writes to, and the next one writes to much the same. So a slot whose hundreds of
// tasks have a backlog gets through it with few transactions. One of a few tasks, whose commits take long where they are large, gains nothing by larger ones.
func (sl *slot) patience(more bool) time.Duration {
	interval := sl.s.cfg.CommitInterval
	if more || sl.comeUp() {
		return max(interval, min(sl.took, time.Duration(len(sl.order))*taskPatience))
	}
	return interval
}

// due says whether it is time to commit.
func (sl *slot) due(now time.Time, more bool) bool {
	return !sl.since.IsZero() && now.Sub(sl.since) >= sl.patience(more)
}

// comeUp says whether tasks are being restored.
func (sl *slot) comeUp() bool {
	return slices.ContainsFunc(sl.order, func(m *member) bool { return m.state == nil })
}

// nap is how long to sleep if nobody wakes the slot: to the next commit; or, where a task waits for an input or the disk is full, a
// little; else to the next look at flushes.
func (sl *slot) nap(now time.Time) time.Duration {
	if !sl.since.IsZero() {
		return max(sl.since.Add(sl.patience(false)).Sub(now), 0)
	}
	for _, m := range sl.order {
		if m.waits() {
			return sl.s.cfg.CommitInterval
		}
	}
	sl.upkeep(now)
	return time.Second
}

// poke wakes the slot's goroutine. Any goroutine may call it.
func (sl *slot) poke() {
	select {
	case sl.wake <- struct{}{}:
	default:
	}
}

// replan makes the slot look at the queries. Any goroutine may call it.
func (sl *slot) replan() {
	sl.stale.Store(true)
	sl.poke()
}

// post has f called on the slot's goroutine. Any goroutine may call it.
func (sl *slot) post(f func()) {
	sl.mu.Lock()
	sl.posted = append(sl.posted, f)
	sl.mu.Unlock()
	sl.poke()
}

func (sl *slot) runPosted() {
	sl.mu.Lock()
	posted := sl.posted
	sl.posted = nil
	sl.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// leave hands the slot over in good order: what was done is committed, and the committed state is on disk.
func (sl *slot) leave() error {
	select {
	case <-sl.io.Done():
		return nil // abandoned
	default:
	}
	if err := sl.commit(); err != nil {
		return fmt.Errorf("hand over slot %d: %w", sl.n, err)
	}
	for _, m := range sl.order {
		sl.flushNow(m)
	}
	return nil
}

// view opens a store of a task; nil if the task does not run here. Any goroutine may call it.
func (sl *slot) view(id TaskID, store string) (*state.View, error) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if m := sl.members[id]; m != nil && m.state != nil {
		return m.state.View(store)
	}
	return nil, nil
}

// hosts says whether the slot still has a task of the query, or may have. Any goroutine may call it.
func (sl *slot) hosts(query string) bool {
	if !sl.taken.Load() {
		return false // when it is taken it asks which tasks are wanted
	}
	if sl.stale.Load() || sl.busy.Load() {
		return true
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	for id := range sl.members {
		if id.Query == query {
			return true
		}
	}
	return false
}

// status appends the status of a task, if it is here. Any goroutine may call it.
func (sl *slot) status(list []TaskStatus, id TaskID) []TaskStatus {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if m := sl.members[id]; m != nil {
		list = append(list, m.status())
	}
	return list
}
