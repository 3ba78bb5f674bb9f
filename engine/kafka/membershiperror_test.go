package kafka

import (
	"context"
	"errors"
	"testing"

	"github.com/IBM/sarama"
)

// cutGroup is a group that has lost its connections.
type cutGroup struct{ sarama.ConsumerGroup }

func (cutGroup) Close() error { return sarama.ErrOutOfBrokers }

// TestCloseAsksForNothing: what sarama cannot ask of the coordinator any more, when a membership has cut its connections, is told and no failure.
func TestCloseAsksForNothing(t *testing.T) {
	var told []error
	cfg := MembershipConfig{Group: "slots", Report: func(err error) { told = append(told, err) }}
	_, cancel := context.WithCancel(t.Context())
	m := &Membership{cfg: cfg, group: cutGroup{}, cancel: cancel, done: make(chan struct{})}
	close(m.done)
	if m.Close(); len(told) != 1 || !errors.Is(told[0], sarama.ErrOutOfBrokers) {
		t.Errorf("told of %v", told)
	}
}
