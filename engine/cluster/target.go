package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// target is what a slot knows of a topic that it writes to.
type target struct {
	partitions int32
	maxBytes   int // of a batch; 0: not known
}

// meet looks up the topics that the tasks' outputs go to, together, and remembers each until something fails or a task leaves that writes to it.
func (sl *slot) meet(group []*member) error {
	unknown := map[string]bool{}
	for _, m := range group {
		last := ""
		for i, outs := 0, m.task.Outputs(); i < len(outs); i++ {
			o := &outs[i]
			if o.Partition >= 0 || o.Topic == last {
				continue
			}
			last = o.Topic
			if _, ok := sl.targets[o.Topic]; !ok {
				unknown[o.Topic] = true
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	found, err := sl.s.targets.ask(slices.Sorted(maps.Keys(unknown)), sl.s.lookUp)
	maps.Copy(sl.targets, found)
	return err
}

// lookUp asks the brokers for topics. Those that do not exist are left out.
func (s *Service) lookUp(topics []string) (map[string]target, error) {
	infos, err := s.broker.DescribeTopics(topics...)
	if err != nil || len(infos) == 0 {
		return nil, err
	}
	limits := s.broker.MaxBatchBytes(slices.Sorted(maps.Keys(infos))...)
	found := make(map[string]target, len(infos))
	for topic, info := range infos {
		if info.Partitions > 0 {
			found[topic] = target{info.Partitions, limits[topic]}
		}
	}
	return found, nil
}

// targets lets the slots of a server share what brokers answer about topics: when a query or a server starts, all its slots begin to write to many
// topics at once, and the connection for such questions is one. The zero value is ready.
type targets struct {
	mu      sync.Mutex
	known   map[string]*answer // those to come among them
	open    []*answer          // which nobody has asked for yet
	looking bool               // somebody asks the brokers, and will ask for what is open
}

// answer is what brokers say of a topic.
type answer struct {
	topic  string
	at     time.Time
	done   chan struct{} // closed when what follows is set
	target target
	err    error
}

// freshTarget is how long an answer holds for slots that ask later: topics can get partitions and other settings.
const freshTarget = 5 * time.Second

// ask returns what is known of topics. What is not known yet is looked up, by one goroutine for all that ask meanwhile.
func (t *targets) ask(topics []string, lookUp func([]string) (map[string]target, error)) (found map[string]target, err error) {
	answers := make([]*answer, len(topics))
	now := time.Now()
	t.mu.Lock()
	if t.known == nil {
		t.known = map[string]*answer{}
	}
	for i, topic := range topics {
		a, ok := t.known[topic]
		if !ok || now.Sub(a.at) > freshTarget {
			a = &answer{topic: topic, at: now, done: make(chan struct{})}
			t.known[topic] = a
			t.open = append(t.open, a)
		}
		answers[i] = a
	}
	look := !t.looking
	t.looking = true
	t.mu.Unlock()
	if look {
		t.look(lookUp)
	}
	found = make(map[string]target, len(topics))
	for i, a := range answers {
		<-a.done
		if a.err == nil {
			found[topics[i]] = a.target
		} else if err == nil {
			err = a.err
		}
	}
	return found, err
}

// look asks for what is open until nothing is.
func (t *targets) look(lookUp func([]string) (map[string]target, error)) {
	for {
		t.mu.Lock()
		open := t.open
		t.open, t.looking = nil, len(open) > 0
		t.mu.Unlock()
		if len(open) == 0 {
			return
		}
		topics := make([]string, len(open))
		for i, a := range open {
			topics[i] = a.topic
		}
		slices.Sort(topics)
		found, err := lookUp(slices.Compact(topics))
		for _, a := range open {
			var ok bool
			if a.target, ok = found[a.topic]; !ok {
				if a.err = err; err == nil {
					a.err = fmt.Errorf("topic %s: %w", a.topic, kafka.ErrUnknownTopic)
				}
				t.drop(a.topic)
			}
			close(a.done)
		}
	}
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
