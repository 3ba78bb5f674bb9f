package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state/changelog"
)

// standby is the copy of one task's state. It belongs to the goroutine of [standbys], but for what is said otherwise.
type standby struct {
	id     TaskID
	sub    *topology.SubTopology
	ctx    context.Context // ended by whoever wants the copy to end
	cancel context.CancelFunc
	stores []*storeCopy // complete, and read by others, once opened is set
	opened atomic.Bool

	// disk is held for reading while a view opens its snapshot, and for writing while the stores are written: no view sees half a flush.
	disk sync.RWMutex
}

// storeCopy is the copy of one store.
type storeCopy struct {
	of       *standby
	id       string // of the store
	at       kafka.TopicPartition
	copy     *changelog.Copy
	boundary bool      // what was added ends with a transaction
	since    time.Time // when the first of what waits to be written was added

	caught   atomic.Bool  // the copy was at the end once
	position atomic.Int64 // the next offset to add
	end      atomic.Int64 // of what can be read, when it was last seen
	written  atomic.Int64 // what views see, if whole; -1: not known
	whole    bool         // what is on disk ends with a transaction; guarded by of.disk
}

// caught says that all stores were at their ends once.
func (c *standby) caught() bool {
	for _, sc := range c.stores {
		if !sc.caught.Load() {
			return false
		}
	}
	return c.opened.Load()
}

// expired says that deletions may be gone which the copy has yet to read.
func (c *standby) expired() bool {
	return slices.ContainsFunc(c.stores, func(sc *storeCopy) bool { return sc.copy.Expired() })
}

// end ends the copy. When it returns no view opens any more: whoever writes to the stores next need not know of views.
func (c *standby) end() {
	c.disk.Lock()
	defer c.disk.Unlock()
	c.cancel()
}

// read takes one batch of each changelog that has one. It reports whether any had.
func (k *standbys) read(ctx context.Context) (worked bool) {
	var records []changelog.Record
	now := time.Now()
	for _, b := range k.feed.Poll(nil) {
		sc := k.stores[kafka.TopicPartition{Topic: b.Topic, Partition: b.Partition}]
		if sc == nil {
			continue // it has just ended
		}
		if b.Err != nil {
			k.fail(ctx, sc.of.id, b.Err) // it opens again, where the log begins by then
			continue
		}
		records = records[:0]
		for i := range b.Records {
			records = append(records, changelog.Record{Key: b.Records[i].Key, Value: b.Records[i].Value})
		}
		if !sc.copy.Waiting() {
			sc.since = now
		}
		sc.copy.Add(records, b.Next)
		sc.position.Store(b.Next)
		sc.end.Store(b.LastStable)
		k.dirty[sc] = struct{}{}
		// A changelog is written by one transaction after the other, so that all are complete where none is open.
		sc.boundary = b.AtEnd()
		worked = true
		k.s.metrics.StandbyRecords.Add(int64(len(records)))
	}
	for _, sc := range k.stores {
		if !sc.caught.Load() || sc.boundary {
			k.settled(sc)
		}
	}
	k.measure()
	return worked
}

// settled notes that a store has come to the end of its changelog, and what views may see of it.
func (k *standbys) settled(sc *storeCopy) {
	st, ok := k.feed.Status(sc.at.Topic, sc.at.Partition)
	if !ok || !st.AtEnd {
		return
	}
	sc.end.Store(st.LastStable)
	sc.copy.Current()
	sc.caught.Store(true)
	sc.boundary = true
	if sc.copy.Waiting() || sc.written.Load() == sc.copy.At() {
		return
	}
	delete(k.dirty, sc) // it has read markers and nothing else
	sc.of.disk.Lock()
	defer sc.of.disk.Unlock()
	sc.whole = true
	sc.written.Store(sc.copy.At())
}

// measure notes how much memory is in use.
func (k *standbys) measure() {
	n := 0
	for sc := range k.dirty {
		n += sc.copy.Bytes()
	}
	k.share.set(n)
}

// due lists what is to be written now: where one has waited for long, all do that stand between transactions, since they cost one sync together.
func (k *standbys) due(now time.Time) (list []*storeCopy) {
	interval := k.s.cfg.StandbyInterval
	full := k.share.bytes > int64(max(k.s.cfg.FlushBytes/standbyPart, 1)) || k.s.memory.state.full()
	ripe := func(sc *storeCopy) bool { return sc.boundary || now.Sub(sc.since) >= 10*interval }
	late := false
	for sc := range k.dirty {
		late = late || sc.copy.Waiting() && now.Sub(sc.since) >= interval && ripe(sc)
	}
	for sc := range k.dirty {
		if full || late && ripe(sc) {
			list = append(list, sc)
		}
	}
	for _, sc := range k.stores {
		if older(sc.copy.Stamped(), sc.copy.Seen(), restamp) && !slices.Contains(list, sc) {
			list = append(list, sc)
		}
	}
	return list
}

// write brings copies to disk with one sync.
func (k *standbys) write(ctx context.Context, list []*storeCopy) {
	if len(list) == 0 || time.Now().Before(k.paused) || k.s.lowDisk.Load() {
		return
	}
	slices.SortFunc(list, func(a, b *storeCopy) int { return cmp.Compare(a.at.String(), b.at.String()) }) // simulated histories repeat
	copies := make([]*changelog.Copy, len(list))
	tasks := map[*standby]struct{}{}
	for i, sc := range list {
		copies[i] = sc.copy
		tasks[sc.of] = struct{}{}
	}
	for c := range tasks {
		c.disk.Lock()
		defer c.disk.Unlock()
	}
	err := k.s.fault("copy")
	if err == nil {
		err = changelog.Flush(ctx, k.s.cfg.Store, copies...)
	}
	if err != nil {
		for _, sc := range list {
			sc.whole = false // a part of it may be there
		}
		if ctx.Err() == nil && !k.s.Distrust(err) {
			k.paused = time.Now().Add(k.retry)
			k.s.cfg.Logger.Error("copies of other servers' state could not be written; they are not read on", "after", k.retry, "error", err)
		}
		return
	}
	for _, sc := range list {
		sc.whole = sc.boundary
		sc.written.Store(sc.copy.At())
		delete(k.dirty, sc)
	}
	k.measure()
}

// statuses lists the copies of a query's tasks. Any goroutine may call it.
func (k *standbys) statuses(query string) (list []TaskStatus) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, c := range k.copies {
		if id.Query != query || !c.opened.Load() {
			continue
		}
		st := TaskStatus{ID: id, Slot: SlotOf(id, k.s.cfg.Slots), State: Standby}
		for _, sc := range c.stores {
			st.Stores = append(st.Stores, sc.status(k.feed))
		}
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b TaskStatus) int {
		return cmp.Or(cmp.Compare(a.ID.Sub, b.ID.Sub), cmp.Compare(a.ID.Partition, b.ID.Partition))
	})
	return list
}

// status tells how far the store is. Any goroutine may call it.
func (sc *storeCopy) status(feed Subscription) StoreStatus {
	end := sc.end.Load()
	if st, ok := feed.Status(sc.at.Topic, sc.at.Partition); ok {
		end = max(end, st.LastStable)
	}
	return StoreStatus{ID: sc.id, At: sc.position.Load(), End: end}
}

// StandbySlots lists the slots of which this server has a copy of some task, in order.
func (s *Service) StandbySlots() []int32 {
	s.standbys.mu.Lock()
	defer s.standbys.mu.Unlock()
	set := map[int32]bool{}
	for id := range s.standbys.copies {
		set[SlotOf(id, s.cfg.Slots)] = true
	}
	return slices.Sorted(maps.Keys(set))
}
