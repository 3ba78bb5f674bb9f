package kafka_test

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// earlier is a member as releases had it that knew cooperative-sticky alone.
type earlier struct {
	*owner
	all  *ownership
	stop func() // without leaving: its slots wait for it
}

func (r *rig) joinEarlier(all *ownership, topic, name string) *earlier {
	r.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_3_0_0
	g := &conf.Consumer.Group
	g.InstanceId = name
	g.Session.Timeout, g.Heartbeat.Interval = longSession, 200*time.Millisecond
	g.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
	group, err := sarama.NewConsumerGroup(r.cfg.Brokers, topic, conf)
	r.ok(err)
	e := &earlier{owner: &owner{name: name, has: map[int32]bool{}}, all: all}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = group.Consume(ctx, []string{topic}, e) // what failed is tried again
		}
	}()
	e.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		_ = group.Close()
	})
	r.Cleanup(e.stop)
	return e
}

func (e *earlier) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (e *earlier) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (e *earlier) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	e.note(claim.Partition(), true)
	e.all.take(claim.Partition(), e.name)
	for range claim.Messages() { // until the slot is revoked
	}
	e.all.give(claim.Partition(), e.name)
	e.note(claim.Partition(), false)
	return nil
}

// speaks waits until the group uses a protocol.
func (r *rig) speaks(group, protocol string) {
	r.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_3_0_0
	admin, err := sarama.NewClusterAdmin(r.cfg.Brokers, conf)
	r.ok(err)
	defer func() { _ = admin.Close() }()
	r.await("the group to speak "+protocol, func() bool {
		groups, err := admin.DescribeConsumerGroups([]string{group})
		if err != nil {
			r.Log(err) // a coordinator that moves is not waited for by the client
		}
		return err == nil && groups[0].State == "Stable" && groups[0].Protocol == protocol
	})
}

// testReleases: servers of two releases share the slots while one after the other is replaced, forward and back. The group speaks what all of
// them know; each has its slots back, and no slot ever has two owners.
func testReleases(r *rig) {
	if !r.real {
		r.Skip("the embedded broker's servers own all slots without a group")
	}
	topic := r.topic("slots", 8, map[string]string{"cleanup.policy": "compact"})
	all := &ownership{owner: map[int32]string{}}
	first, second := r.joinEarlier(all, topic, "a"), r.joinEarlier(all, topic, "b")
	r.settled(map[*owner]int{first.owner: 4, second.owner: 4})
	r.speaks(topic, "cooperative-sticky")

	first.stop()
	a := r.join(all, topic, "a")
	r.settled(map[*owner]int{a: 4, second.owner: 4})
	r.speaks(topic, "cooperative-sticky")

	second.stop()
	b := r.join(all, topic, "b")
	r.settled(map[*owner]int{a: 4, b: 4})
	r.speaks(topic, "millrace")

	b.Close()
	second = r.joinEarlier(all, topic, "b")
	r.settled(map[*owner]int{a: 4, second.owner: 4})
	r.speaks(topic, "cooperative-sticky")
	a.mu.Lock()
	if len(a.log) != 4 {
		r.Errorf("the slots of a server that stayed did not: %v", a.log)
	}
	a.mu.Unlock()

	second.stop()
	r.ok(a.Leave())
	if len(all.bad) > 0 {
		r.Errorf("two owners: %v", all.bad)
	}
}
