package kafka

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/IBM/sarama"
)

// cutGroup is a group that has lost its connections.
type cutGroup struct {
	sarama.ConsumerGroup
	errs chan error
}

func (g cutGroup) Errors() <-chan error { return g.errs }

func (g cutGroup) Close() error {
	g.errs <- sarama.ErrNotConnected
	close(g.errs)
	return sarama.ErrOutOfBrokers
}

// TestCloseAsksForNothing: what sarama cannot ask of the coordinator any more, when a membership has cut its connections, is told before Close
// returns, and no failure.
func TestCloseAsksForNothing(t *testing.T) {
	var mu sync.Mutex
	var told []error
	report := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, err)
	}
	_, cancel := context.WithCancel(t.Context())
	m := &Membership{
		cfg: MembershipConfig{Group: "slots", Report: report}, group: cutGroup{errs: make(chan error, 1)}, cancel: cancel, done: make(chan struct{}),
	}
	m.reports.Go(m.report)
	close(m.done)
	m.Close()
	mu.Lock()
	defer mu.Unlock()
	if err := errors.Join(told...); len(told) != 2 || !errors.Is(err, sarama.ErrOutOfBrokers) || !errors.Is(err, sarama.ErrNotConnected) {
		t.Errorf("told of %v", told)
	}
}
