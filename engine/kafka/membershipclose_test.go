package kafka_test

import (
	"context"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// testClosedInRebalance: a member that closes while the group waits for another one, which has fallen silent, does not wait with it.
func testClosedInRebalance(r *rig) {
	const joinGroup, session = 11, 4 * time.Minute // for which the group waits for the silent member
	topic := r.topic("slots", 4, map[string]string{"cleanup.policy": "compact"})
	join := func(name string) (*fault, *owner) {
		f, o := r.faulty(), &owner{name: name, has: map[int32]bool{}}
		m, err := r.c.Join(kafka.MembershipConfig{
			Group: topic, Topic: topic, InstanceID: name, SessionTimeout: session, Heartbeat: 200 * time.Millisecond, HandOverTimeout: session,
			Own: func(ctx context.Context, slot int32) {
				o.note(slot, true)
				<-ctx.Done()
				o.note(slot, false)
			},
		})
		r.ok(err)
		o.Membership = m
		return f, o
	}
	away, first := join("a")
	r.Cleanup(func() { away.stall(false); first.Close() })
	r.settled(map[*owner]int{first: 4})
	away.stall(true)
	network, second := join("b")
	r.await("the second member to join", func() bool { return network.since(joinGroup) > 0 })
	closed := make(chan struct{})
	go func() { defer close(closed); second.Close() }()
	select {
	case <-closed:
	case <-time.After(session / 2):
		r.Error("a member that closes waits for one that is silent")
		away.stall(false)
		<-closed
	}
	if n := len(second.slots()); n > 0 {
		r.Errorf("a member that joined in vain has %d slots", n)
	}
}
