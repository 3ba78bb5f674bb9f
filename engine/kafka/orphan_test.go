package kafka_test

import "github.com/IBM/sarama"

// testOrphanedSlot is the return of a static member that died between the two steps of a cooperative rebalance: it had given up a
// slot that nobody got.
func testOrphanedSlot(r *rig) {
	if !r.real {
		r.Skip("the embedded broker's servers own all slots without a group")
	}
	topic := r.topic("slots", 4, map[string]string{"cleanup.policy": "compact"})
	all := &ownership{owner: map[int32]string{}}
	r.dieWith(topic, "a", []int32{0, 2, 3})
	a := r.join(all, topic, "a")
	r.settled(map[*owner]int{a: 4})
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.log) != 4 {
		r.Errorf("slots that had an owner lost it meanwhile: %v", a.log)
	}
}

// dieWith leaves a static member behind that has some slots, in a group of its own.
func (r *rig) dieWith(topic, instance string, slots []int32) {
	r.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_3_0_0
	client, err := sarama.NewClient(r.cfg.Brokers, conf)
	r.ok(err)
	defer func() { _ = client.Close() }()
	b, err := client.Coordinator(topic)
	r.ok(err)
	join := &sarama.JoinGroupRequest{
		Version: 5, GroupId: topic, GroupInstanceId: &instance, ProtocolType: "consumer", SessionTimeout: 30_000, RebalanceTimeout: 30_000,
	}
	meta := &sarama.ConsumerGroupMemberMetadata{Version: 1, Topics: []string{topic}}
	r.ok(join.AddGroupProtocolMetadata(sarama.CooperativeStickyBalanceStrategyName, meta))
	joined, err := b.JoinGroup(join)
	r.ok(err)
	if joined.Err != sarama.ErrNoError {
		r.Fatal(joined.Err)
	}
	sync := &sarama.SyncGroupRequest{
		Version: 3, GroupId: topic, GenerationId: joined.GenerationId, MemberId: joined.MemberId, GroupInstanceId: &instance,
	}
	r.ok(sync.AddGroupAssignmentMember(joined.MemberId, &sarama.ConsumerGroupMemberAssignment{Topics: map[string][]int32{topic: slots}}))
	synced, err := b.SyncGroup(sync)
	r.ok(err)
	if synced.Err != sarama.ErrNoError {
		r.Fatal(synced.Err)
	}
}
