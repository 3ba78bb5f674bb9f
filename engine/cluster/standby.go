package cluster

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state/changelog"
)

// standbys keeps copies of the state of tasks that run on other servers: it follows their changelogs, so that whoever takes a slot over has
// little to replay, and pull queries have somebody to ask while nobody owns it.
//
// One goroutine does it for all copies of a server, after everything else: it rests as long as it works where tasks run, and while tasks are
// restored, memory is short or the disk is full it does nothing. A copy is written by [changelog.Copy], as a restore is, and the restore of a task goes on
// where its copy ended. Nobody else writes to a store meanwhile: the copy ends before the restore begins ([standbys.yield]).
type standbys struct {
	s     *Service
	feed  Subscription
	wake  chan struct{} // capacity 1
	share share         // of the memory for state: what waits to be written

	mu     sync.Mutex
	slots  map[int32]bool // of which the group wants copies here
	copies map[TaskID]*standby
	gone   chan struct{} // closed and replaced when copies ended

	// Of the goroutine.
	stores map[kafka.TopicPartition]*storeCopy
	dirty  map[*storeCopy]struct{} // those that wait to be written
	later  map[TaskID]time.Time    // when a copy that failed is tried again
	paused time.Time               // until when nothing is read, since a write failed
	retry  time.Duration           // when what failed is tried again
	next   time.Time               // when it looks again at what is wanted, if nobody wakes it before
}

const (
	// standbyPart of the memory for state may wait to be written to copies.
	standbyPart = 8
	// standbyOpening is how many tasks' copies may be catching up at once: each has fetched data waiting.
	standbyOpening = 8
	// standbyLook is how often the goroutine looks whether it may go on.
	standbyLook = 100 * time.Millisecond
)

func newStandbys(s *Service) *standbys {
	return &standbys{
		s: s, wake: make(chan struct{}, 1), share: share{of: &s.memory.state}, slots: map[int32]bool{}, copies: map[TaskID]*standby{},
		gone: make(chan struct{}), retry: 5 * time.Second,
	}
}

// kick has the goroutine look at what is wanted. Any goroutine may call it.
func (k *standbys) kick() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// assign says of which slots copies are to be kept here. Any goroutine may call it.
func (k *standbys) assign(slots []int32) {
	k.mu.Lock()
	clear(k.slots)
	for _, n := range slots {
		k.slots[n] = true
	}
	k.mu.Unlock()
	k.kick()
}

// yield waits until there is no copy of the tasks that match, and has those that there are end. No new one begins as long as their slot is owned
// here, or their query is not known.
func (k *standbys) yield(ctx context.Context, match func(TaskID) bool) error {
	for {
		k.mu.Lock()
		waiting := false
		for id, c := range k.copies {
			if match(id) {
				waiting = true
				c.cancel()
			}
		}
		gone := k.gone
		k.mu.Unlock()
		if !waiting {
			return nil
		}
		k.kick()
		select {
		case <-gone:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// run keeps copies until ctx ends.
func (k *standbys) run(ctx context.Context) {
	k.feed = k.s.fetcher.Subscribe()
	defer k.feed.Close()
	k.stores, k.dirty, k.later = map[kafka.TopicPartition]*storeCopy{}, map[*storeCopy]struct{}{}, map[TaskID]time.Time{}
	for ctx.Err() == nil && k.s.distrust.enter(ctx) == nil {
		k.follow(ctx)
		k.drop(ctx, func(*standby) bool { return true })
		k.s.distrust.leave()
	}
}

// follow keeps copies until ctx ends or the store is not to be trusted.
func (k *standbys) follow(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	more := false
	k.next = time.Time{}
	for ctx.Err() == nil && !k.s.distrust.on.Load() {
		more = k.look(ctx, more)
		began := time.Now()
		worked := k.idle(began) && k.read(ctx)
		k.write(ctx, k.due(time.Now()))
		pause := time.Second
		switch {
		case worked && k.s.tasks.Load() == 0:
			continue
		case worked: // tasks come first
			pause = max(time.Since(began), time.Millisecond)
		case more || len(k.dirty) > 0 || !k.idle(began):
			pause = standbyLook
		}
		timer.Reset(pause)
		ready := k.feed.Ready()
		if worked || !k.idle(began) {
			ready = nil // not before the pause is over
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
			k.next = time.Time{}
		case <-ready:
		case <-timer.C:
		}
	}
}

// lookPart of the time at most goes into looking what is wanted, which takes milliseconds where there are thousands of tasks.
const lookPart = 20

// look aligns the copies with what is wanted, when it was woken for that, or it is time. It reports whether there are more to begin.
func (k *standbys) look(ctx context.Context, more bool) bool {
	select {
	case <-k.wake:
		k.next = time.Time{}
	default:
	}
	began := time.Now()
	if began.Before(k.next) {
		return more
	}
	want := k.wanted()
	now := time.Now()
	k.next = now.Add(lookPart * now.Sub(began))
	return k.align(ctx, want)
}

// idle says that there is nothing more important to do than to read.
func (k *standbys) idle(now time.Time) bool {
	return !k.s.lowDisk.Load() && !k.s.memory.state.full() && len(k.s.restores) == 0 && !now.Before(k.paused)
}

// copyWish is a task whose state should be copied.
type copyWish struct {
	id  TaskID
	sub *topology.SubTopology
}

// wanted lists the tasks with state in the slots of which copies are to be kept here, unless the slot is owned here.
func (k *standbys) wanted() []copyWish {
	var list []copyWish
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.slots) == 0 {
		return nil
	}
	for _, q := range k.s.queries {
		for id, sub := range q.tasks() {
			if n := SlotOf(id, k.s.cfg.Slots); len(sub.Stores) > 0 && k.slots[n] && k.s.slots[n] == nil {
				list = append(list, copyWish{id, sub})
			}
		}
	}
	slices.SortFunc(list, func(a, b copyWish) int {
		return cmp.Or(cmp.Compare(a.id.Partition, b.id.Partition), cmp.Compare(a.id.String(), b.id.String()))
	})
	return list
}

// align begins and ends copies. It reports whether there are more to begin.
func (k *standbys) align(ctx context.Context, want []copyWish) (more bool) {
	keep := make(map[TaskID]bool, len(want))
	for _, w := range want {
		keep[w.id] = true
	}
	k.drop(ctx, func(c *standby) bool { return !keep[c.id] || c.ctx.Err() != nil || c.expired() })
	maps.DeleteFunc(k.later, func(id TaskID, _ time.Time) bool { return !keep[id] })
	opening, now := 0, time.Now()
	for _, c := range k.copies {
		if !c.caught() {
			opening++
		}
	}
	for _, w := range want {
		if k.copies[w.id] != nil || now.Before(k.later[w.id]) {
			continue
		}
		if opening++; opening > standbyOpening || ctx.Err() != nil {
			return true
		}
		delete(k.later, w.id)
		if err := k.open(ctx, w); err != nil {
			k.fail(ctx, w.id, err)
		}
	}
	return len(k.later) > 0
}

// fail ends a copy, to try again later. What is wrong with its topic or the brokers is the owner's to tell.
func (k *standbys) fail(ctx context.Context, id TaskID, err error) {
	k.drop(ctx, func(c *standby) bool { return c.id == id })
	if ctx.Err() != nil || k.s.Distrust(err) {
		return
	}
	k.later[id] = time.Now().Add(k.retry)
	if !errors.Is(err, kafka.ErrUnknownTopic) && !errors.Is(err, context.Canceled) {
		k.s.cfg.Logger.Warn("a copy of a task's state is begun again", "task", id.String(), "after", k.retry, "error", err)
	}
}

// open begins the copy of a task, unless its slot is owned here by now.
func (k *standbys) open(ctx context.Context, w copyWish) error {
	log := newLog(k.s.broker)
	defer log.close()
	type bounds struct{ start, stable, end int64 }
	of := make([]bounds, len(w.sub.Stores))
	var err error
	for i, st := range w.sub.Stores {
		if of[i].start, of[i].stable, err = log.Bounds(ctx, st.Changelog, w.id.Partition); err != nil {
			return err
		}
		// A task that has just been handed over from here stands behind a commit whose marker may be on its way: its state is not to be thrown away.
		if of[i].end, err = k.s.broker.Offset(ctx, st.Changelog, w.id.Partition, kafka.Latest); err != nil {
			return err
		}
	}
	c := &standby{id: w.id, sub: w.sub}
	c.ctx, c.cancel = context.WithCancel(ctx)
	if !k.enter(c) {
		c.cancel()
		return nil
	}
	cfg := w.id.stateConfig(w.sub, k.s.cfg.Store)
	for i, st := range w.sub.Stores {
		p, err := k.s.cfg.Store.Partition(cfg.StoreName(st.Spec), w.id.Partition)
		if err != nil {
			return err
		}
		cp, err := changelog.OpenCopy(c.ctx, changelog.CopyConfig{
			Partition: p, Spec: st.Spec, Start: of[i].start, End: of[i].end, DeleteRetention: deleteRetention, Now: time.Now,
		})
		if err != nil {
			return err
		}
		if err := k.feed.Add(st.Changelog, w.id.Partition, cp.At()); err != nil {
			return err
		}
		sc := &storeCopy{of: c, id: st.ID, at: kafka.TopicPartition{Topic: st.Changelog, Partition: w.id.Partition}, copy: cp}
		sc.position.Store(cp.At())
		sc.end.Store(of[i].stable)
		sc.written.Store(-1)
		c.stores = append(c.stores, sc)
		k.stores[sc.at] = sc
	}
	c.opened.Store(true)
	return nil
}

// enter makes a copy known, from when on a slot that is taken over waits for its end. It is too late if the slot is owned.
func (k *standbys) enter(c *standby) bool {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	n := SlotOf(c.id, k.s.cfg.Slots)
	if k.s.slots[n] != nil || k.s.queries[c.id.Query] == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.slots[n] {
		return false
	}
	k.copies[c.id] = c
	return true
}

// drop ends copies. What they have read is written first, so that whoever goes on with the store need not read it again, unless it is of no use.
func (k *standbys) drop(ctx context.Context, match func(*standby) bool) {
	var ending []*standby
	var unwritten []*storeCopy
	for _, c := range k.copies { // changed by this goroutine alone
		if !match(c) {
			continue
		}
		ending = append(ending, c)
		for _, sc := range c.stores {
			k.feed.Remove(sc.at.Topic, sc.at.Partition)
			if sc.copy.Moved() && k.known(c.id.Query) {
				unwritten = append(unwritten, sc)
			}
		}
	}
	if len(ending) == 0 {
		return
	}
	if !errors.Is(context.Cause(ctx), errAbandoned) && !k.s.distrust.on.Load() && !k.s.lowDisk.Load() {
		k.write(context.WithoutCancel(ctx), unwritten)
	}
	for _, c := range ending {
		c.end()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range ending {
		for _, sc := range c.stores {
			delete(k.stores, sc.at)
			delete(k.dirty, sc)
		}
		delete(k.copies, c.id)
	}
	k.measure()
	close(k.gone)
	k.gone = make(chan struct{})
}

func (k *standbys) known(query string) bool {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	return k.s.queries[query] != nil
}
