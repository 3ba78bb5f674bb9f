package cluster

import (
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// target is what a slot knows of a topic that it writes to.
type target struct {
	partitions int32
	maxBytes   int // of a batch; 0: not known
}

// target asks for a topic once, and remembers it until something fails or a task leaves that writes to it.
func (sl *slot) target(topic string) (target, error) {
	if t, ok := sl.targets[topic]; ok {
		return t, nil
	}
	t, err := sl.s.targets.ask(topic, sl.s.lookUp)
	if err != nil {
		return target{}, err
	}
	sl.targets[topic] = t
	return t, nil
}

// lookUp asks the brokers for a topic.
func (s *Service) lookUp(topic string) (target, error) {
	info, err := s.broker.DescribeTopic(topic)
	if err != nil {
		return target{}, err
	}
	if info.Partitions < 1 {
		return target{}, fmt.Errorf("topic %s: %w", topic, kafka.ErrUnknownTopic)
	}
	return target{info.Partitions, s.broker.MaxBatchBytes(topic)}, nil
}

// targets lets the slots of a server share what brokers answer about topics: when a query or a server starts, all its slots begin to write to the
// same topics at once. The zero value is ready.
type targets struct {
	mu    sync.Mutex
	known map[string]*answer
}

// answer is what brokers say of a topic.
type answer struct {
	at     time.Time
	done   chan struct{} // closed when what follows is set
	target target
	err    error
}

// freshTarget is how long an answer holds for slots that ask later: topics can get partitions and other settings.
const freshTarget = 5 * time.Second

// ask has one of those who ask for a topic at the same time look it up.
func (t *targets) ask(topic string, lookUp func(string) (target, error)) (target, error) {
	now := time.Now()
	t.mu.Lock()
	a, asked := t.known[topic]
	if !asked || now.Sub(a.at) > freshTarget {
		asked = false
		a = &answer{at: now, done: make(chan struct{})}
		if t.known == nil {
			t.known = map[string]*answer{}
		}
		t.known[topic] = a
	}
	t.mu.Unlock()
	if asked {
		<-a.done
		return a.target, a.err
	}
	defer close(a.done)
	a.target, a.err = lookUp(topic)
	if a.err != nil {
		t.drop(topic)
	}
	return a.target, a.err
}

// drop forgets the answer about a topic.
func (t *targets) drop(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, topic)
}

// forget forgets all answers: something that was written as they say could not be.
func (t *targets) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
}
