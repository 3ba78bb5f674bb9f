package simtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/engine/cluster"
)

// tenancy is the ownership of a process that shares the slots with another one, and keeps copies of the state of those that it does not own.
type tenancy struct {
	mu     sync.Mutex
	run    context.Context // nil: not running
	tenant cluster.Tenant
	owned  map[int32]context.CancelFunc // until Own has returned
	wg     sync.WaitGroup
}

// Run implements [cluster.Ownership].
func (o *tenancy) Run(ctx context.Context, slots int32, t cluster.Tenant) error {
	all := make([]int32, slots)
	for n := range all {
		all[n] = int32(n)
	}
	o.mu.Lock()
	o.run, o.tenant, o.owned = ctx, t, map[int32]context.CancelFunc{}
	o.mu.Unlock()
	t.StandBy(all)
	<-ctx.Done()
	o.mu.Lock()
	o.run = nil // nothing is taken from now on
	o.mu.Unlock()
	o.wg.Wait()
	return nil
}

// take has the process own a slot, if it can.
func (o *tenancy) take(n int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.run == nil || o.run.Err() != nil || o.owned[n] != nil {
		return
	}
	ctx, cancel := context.WithCancel(o.run)
	o.owned[n] = cancel
	o.wg.Go(func() {
		o.tenant.Own(ctx, n)
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.owned, n)
	})
}

// give has the process hand a slot over.
func (o *tenancy) give(n int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cancel := o.owned[n]; cancel != nil {
		cancel()
	}
}

// has says that the process has not yet given a slot up.
func (o *tenancy) has(n int32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.owned[n] != nil
}

// sharing is who is to own the slots of two processes that keep copies for each other.
type sharing struct {
	owner [slots]int  // of the two
	rough [slots]bool // it does not wait for the other's last commit
	steps int
	moves int
}

// sharedSteps is how many steps of a history slots move, once all input is there.
const sharedSteps = 100

// share keeps two processes running, and lets slots move between them, also in the middle of a hand-over.
func (h *History) share() {
	if h.fed.Load() {
		h.sharing.steps++
	}
	events := h.Events
	if h.sharing.steps > sharedSteps {
		events = Events{}
	}
	roll := func(percent int) bool { return percent > 0 && h.Plan.intn("events", 100) < percent }
	for i := range 2 {
		switch {
		case len(h.servers) <= i:
			h.boot(h.disks[i])
		case h.servers[i].conn.Dead():
			h.servers[i].close()
			if roll(h.Events.Lose) {
				h.disks[i].Lose(h.Plan)
			}
			h.boot(h.disks[i])
			h.servers[i] = h.servers[2]
			h.servers = h.servers[:2]
			h.abandoned(i)
		case roll(events.Kill):
			h.servers[i].conn.Die()
		case roll(events.Restart):
			h.servers[i].close()
			h.servers[i].conn.Die()
		}
	}
	for n := range int32(slots) {
		if roll(events.Move) {
			h.sharing.owner[n], h.sharing.rough[n] = 1-h.sharing.owner[n], h.Plan.intn("events", 3) == 0
			h.sharing.moves++
		}
		to, from := h.servers[h.sharing.owner[n]], h.servers[1-h.sharing.owner[n]]
		from.tenancy.give(n)
		if h.sharing.rough[n] || !from.tenancy.has(n) {
			to.tenancy.take(n)
		}
	}
}

// abandoned gives the slots of a process that has ended to the other.
func (h *History) abandoned(i int) {
	for n := range slots {
		if h.sharing.owner[n] == i {
			h.sharing.owner[n] = 1 - i
		}
	}
}

// copied says that there is a copy of the state of every task that has some, and that all copies are complete.
func (h *History) copied() bool {
	missing := 0
	for _, sub := range h.topo.Subs {
		if len(sub.Stores) > 0 {
			missing += int(sub.Partitions)
		}
	}
	for _, s := range h.servers {
		st, _ := s.service.Status("q")
		for _, t := range st.Standbys {
			for _, store := range t.Stores {
				if store.Lag() > 0 || store.At < h.stable(h.changelog(t.ID.Sub, store.ID), t.ID.Partition) {
					return false
				}
			}
			missing--
		}
	}
	return missing == 0
}

// changelog names the topic of a store.
func (h *History) changelog(sub, store string) string {
	for _, s := range h.topo.Subs {
		for _, st := range s.Stores {
			if s.ID == sub && st.ID == store {
				return st.Changelog
			}
		}
	}
	panic(fmt.Sprintf("there is no store %s in %s", store, sub)) // the status names it
}

// stable is the offset below which a partition is decided.
func (h *History) stable(topic string, partition int32) int64 {
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	return h.log.topics[topic][partition].stable()
}
