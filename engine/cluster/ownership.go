package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Ownership decides which slots this server runs.
type Ownership interface {
	// Run calls t.Own for every slot gained, each in a goroutine of its own, and ends its context when the slot is lost. It
	// returns when ctx has ended and every Own has returned, or when ownership is impossible.
	Run(ctx context.Context, slots int32, t Tenant) error
}

// Tenant is what an Ownership gives slots to: a [Service].
type Tenant struct {
	// Own runs a slot until ctx ends.
	Own func(ctx context.Context, slot int32)
	// StandBy says of which slots, which others own, copies of the state are to be kept; it replaces what was said before. Any goroutine may call it.
	StandBy func(slots []int32)
	// Load tells which slots have tasks, and how much of their state is here.
	Load func() map[int32]kafka.SlotLoad
}

// Owned is the number of slots that Kafka has given this server, taken over or not.
func (s *Service) Owned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.slots)
}

// AllSlots is the ownership of a server that has no others beside it.
type AllSlots struct{}

// Run implements [Ownership].
func (AllSlots) Run(ctx context.Context, slots int32, t Tenant) error {
	var wg sync.WaitGroup
	for n := range slots {
		wg.Go(func() { t.Own(ctx, n) })
	}
	wg.Wait()
	return nil
}

// GroupOwnership shares the slots among the servers of a service through Kafka's group protocol.
type GroupOwnership struct {
	Kafka      *kafka.Client
	Service    string
	InstanceID string // unique to the data directory, and kept there
	// Leaving says that Run, when it ends, tells the group not to wait for this server. Otherwise its slots stay
	// reserved for the session timeout, so that a restart finds them at once.
	Leaving        bool
	SessionTimeout time.Duration // 6 s
	Standbys       int           // copies of each slot's state on other servers
	HandOver       time.Duration // how long a slot may take to commit when it is lost: 30 s
	Report         func(error)
}

// Run implements [Ownership].
func (g GroupOwnership) Run(ctx context.Context, _ int32, t Tenant) error {
	m, err := g.Kafka.Join(kafka.MembershipConfig{
		Group: "_millrace-" + g.Service, Topic: SlotsTopic(g.Service), InstanceID: g.InstanceID,
		SessionTimeout: g.SessionTimeout, HandOverTimeout: g.HandOver, Own: t.Own, Standbys: g.Standbys, StandBy: t.StandBy, Load: t.Load,
		Report: g.Report,
	})
	if err != nil {
		return fmt.Errorf("join the group of service %s: %w", g.Service, err)
	}
	select {
	case <-ctx.Done():
		if g.Leaving {
			return m.Leave()
		}
		m.Close()
		return nil
	case <-m.Done():
		m.Close()
		return m.Err()
	}
}
