package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// owner is a member that notes which slots it has.
type owner struct {
	*kafka.Membership
	name string
	mu   sync.Mutex
	has  map[int32]bool
	log  []string
}

// own counts who owns what, to see that no slot ever has two owners that both believe in it.
type ownership struct {
	mu    sync.Mutex
	owner map[int32]string
	bad   []string
}

// longSession is for how long a group waits for a member that says nothing: a slow machine alone makes none lose its slots.
const longSession = time.Minute

func (r *rig) join(all *ownership, topic, name string) *owner {
	r.Helper()
	return r.joinFor(longSession, all, topic, name)
}

// joinFor joins with a session timeout.
func (r *rig) joinFor(session time.Duration, all *ownership, topic, name string) *owner {
	r.Helper()
	o := &owner{name: name, has: map[int32]bool{}}
	m, err := r.c.Join(kafka.MembershipConfig{
		Group: topic, Topic: topic, InstanceID: name, SessionTimeout: session, Heartbeat: 200 * time.Millisecond,
		Own: func(ctx context.Context, slot int32) {
			o.note(slot, true)
			all.take(slot, name)
			<-ctx.Done()
			time.Sleep(20 * time.Millisecond) // handing over takes a while
			all.give(slot, name)
			o.note(slot, false)
		},
	})
	r.ok(err)
	o.Membership = m
	r.Cleanup(m.Close)
	return o
}

func (o *owner) note(slot int32, has bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if has {
		o.has[slot] = true
	} else {
		delete(o.has, slot)
	}
	o.log = append(o.log, fmt.Sprint(slot, has))
}

func (o *owner) slots() []int32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.has))
}

func (a *ownership) take(slot int32, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if other := a.owner[slot]; other != "" {
		a.bad = append(a.bad, fmt.Sprintf("%s got slot %d while %s had it", name, slot, other))
	}
	a.owner[slot] = name
}

func (a *ownership) give(slot int32, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.owner[slot] == name {
		delete(a.owner, slot)
	}
}

// settled waits until the members have as many slots as wanted, and returns how long that took.
func (r *rig) settled(want map[*owner]int) time.Duration {
	r.Helper()
	began := time.Now()
	for {
		ok := true
		for o, n := range want {
			ok = ok && len(o.slots()) == n
		}
		if ok {
			return time.Since(began)
		}
		if time.Since(began) > patience {
			for o := range want {
				r.Logf("%s has %v, log %v", o.name, o.slots(), o.log)
			}
			r.Fatal("the slots did not settle")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// testMembership: members share slots; one leaves, one dies, one returns; no slot has two owners.
func testMembership(r *rig) {
	topic := r.topic("slots", 8, map[string]string{"cleanup.policy": "compact"})
	all := &ownership{owner: map[int32]string{}}
	a := r.join(all, topic, "a")
	r.settled(map[*owner]int{a: 8})
	kept := a.slots()
	b := r.join(all, topic, "b")
	took := r.settled(map[*owner]int{a: 4, b: 4})
	r.Logf("a second member has its slots after %s", took)
	a.mu.Lock()
	if lost := len(a.log) - len(kept); lost != 4 {
		r.Errorf("cooperative: the first member must lose 4 slots and keep the others without a pause, its log is %v", a.log)
	}
	a.mu.Unlock()

	// A restart within the session timeout moves nothing.
	mine := b.slots()
	b.Close()
	b = r.join(all, topic, "b")
	took = r.settled(map[*owner]int{a: 4, b: 4})
	r.Logf("a static member is back after %s", took)
	if !slices.Equal(mine, b.slots()) {
		r.Errorf("it had %v and got %v", mine, b.slots())
	}

	// Leaving hands over at once.
	r.ok(b.Leave())
	took = r.settled(map[*owner]int{a: 8})
	r.Logf("the slots of a member that left moved after %s", took)
	if took > longSession/2 {
		r.Errorf("that is as long as the session timeout")
	}

	// Dying hands over after the session timeout. Close without Leave is what the group sees of a death.
	b = r.joinFor(10*time.Second, all, topic, "b")
	r.settled(map[*owner]int{a: 4, b: 4})
	b.Close()
	took = r.settled(map[*owner]int{a: 8})
	r.Logf("the slots of a dead member moved after %s", took)
	r.ok(a.Leave())
	if len(all.bad) > 0 || len(all.owner) > 0 {
		r.Errorf("two owners: %v; left over: %v", all.bad, all.owner)
	}
}

// testInstanceTaken: of two processes with one instance id, the first ends with an error that says so.
func testInstanceTaken(r *rig) {
	topic := r.topic("slots", 2, map[string]string{"cleanup.policy": "compact"})
	all := &ownership{owner: map[int32]string{}}
	first := r.join(all, topic, "same")
	r.settled(map[*owner]int{first: 2})
	second := r.join(all, topic, "same")
	select {
	case <-first.Done():
	case <-time.After(patience):
		r.Fatal("the first process does not notice")
	}
	if err := first.Err(); !errors.Is(err, kafka.ErrInstanceTaken) {
		r.Errorf("the first process ended with %v", err)
	}
	r.settled(map[*owner]int{second: 2})
	if n := len(first.slots()); n != 0 {
		r.Errorf("the first process still has %d slots", n)
	}
	r.ok(second.Leave())
}
