package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// A cooperative rebalance moves a slot in two steps: its owner gives it up and joins again, and only then somebody gets it. A static
// member that dies between the two comes back to the assignment that the group has of it, which lacks the slot, and nobody joins
// again: the group is stable, and the slot belongs to no one, until a member comes or goes. So members look for such slots, and one of
// them has the group rebalance.

// adopt looks for slots without an owner until ctx ends, and for slots whose copies here have become good enough for them to move here.
func (m *Membership) adopt(ctx context.Context) {
	tick := time.NewTicker(m.cfg.SessionTimeout / 2)
	defer tick.Stop()
	seen := false // an assignment that was just made may not be known everywhere
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		orphaned, err := m.orphaned()
		if err == nil && orphaned && seen {
			orphaned = false
			err = m.rebalance()
		}
		seen = orphaned
		if err == nil && m.balance.warmed(time.Now()) {
			err = m.rebalance()
		}
		if err != nil && ctx.Err() == nil {
			m.cfg.Report(failure("look for slots without an owner in group", m.cfg.Group, nil, err))
		}
	}
}

// orphaned says whether the group is stable, has a slot that belongs to no one, and it is for this member to do something about it.
func (m *Membership) orphaned() (bool, error) {
	slots, err := m.c.meta.Partitions(m.cfg.Topic)
	if err != nil {
		return false, err
	}
	groups, err := m.c.admin.DescribeConsumerGroups([]string{m.cfg.Group})
	if err != nil {
		return false, err
	}
	if len(groups) != 1 {
		return false, errors.New("it is not described")
	}
	if err := kafkaError(groups[0].Err); err != nil {
		return false, err
	}
	if groups[0].State != "Stable" {
		return false, nil
	}
	m.balance.speaks(groups[0].Protocol)
	first, owned := m.cfg.InstanceID, map[int32]bool{}
	for _, member := range groups[0].Members {
		if id := member.GroupInstanceId; id != nil {
			first = min(first, *id)
		}
		has, err := member.GetMemberAssignment()
		if err != nil {
			return false, err
		}
		if has == nil {
			continue
		}
		for _, slot := range has.Topics[m.cfg.Topic] {
			owned[slot] = true
		}
	}
	return len(owned) < len(slots) && first == m.cfg.InstanceID, nil
}

// rebalance has the members join again, which costs no slot its owner: a member joins that wants nothing, and leaves. Version 3 of the
// request is the last one that makes a member of someone unknown at once.
func (m *Membership) rebalance() error {
	if err := m.c.meta.RefreshCoordinator(m.cfg.Group); err != nil {
		return err
	}
	at, err := m.c.meta.Coordinator(m.cfg.Group)
	if err != nil {
		return err
	}
	conf := m.sarama()
	conf.Net.ReadTimeout = m.cfg.SessionTimeout
	b := sarama.NewBroker(at.Addr()) // joining blocks a connection
	if err := b.Open(conf); err != nil {
		return err
	}
	defer func() { _ = b.Close() }() // nothing is under way on it
	join := &sarama.JoinGroupRequest{
		Version: 3, GroupId: m.cfg.Group, ProtocolType: "consumer",
		SessionTimeout: int32(m.cfg.SessionTimeout.Milliseconds()), RebalanceTimeout: int32(m.cfg.SessionTimeout.Milliseconds()),
	}
	for _, name := range []string{balanceName, sarama.CooperativeStickyBalanceStrategyName} {
		if err := join.AddGroupProtocolMetadata(name, &sarama.ConsumerGroupMemberMetadata{}); err != nil {
			return err
		}
	}
	joined, err := b.JoinGroup(join)
	if err == nil {
		err = kafkaError(joined.Err)
	}
	if err != nil {
		return err
	}
	left, err := b.LeaveGroup(&sarama.LeaveGroupRequest{GroupId: m.cfg.Group, MemberId: joined.MemberId})
	if err != nil {
		return err
	}
	return kafkaError(left.Err)
}
