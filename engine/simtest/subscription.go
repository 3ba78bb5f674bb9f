package simtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// NewFetcher implements [cluster.Broker].
func (c *Conn) NewFetcher() cluster.Fetcher { return fetcher{c} }

type fetcher struct{ c *Conn }

func (f fetcher) Close() {}

func (f fetcher) Subscribe() cluster.Subscription {
	return &subscription{c: f.c, ready: make(chan struct{}, 1), feeds: map[kafka.TopicPartition]*feed{}}
}

// subscription implements [cluster.Subscription]: it fetches when it is asked, and signals whenever a partition's stable end moves.
type subscription struct {
	c     *Conn
	ready chan struct{}
	feeds map[kafka.TopicPartition]*feed // guarded by c.log.mu
}

type feed struct {
	sub      *subscription
	part     *partition
	position int64
	paused   bool
}

func (s *subscription) Ready() <-chan struct{} { return s.ready }

func (s *subscription) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *subscription) Add(topic string, partition int32, offset int64) error {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	p, err := s.c.log.find(topic, partition)
	if err != nil {
		return err
	}
	f := &feed{sub: s, part: p, position: offset}
	s.feeds[kafka.TopicPartition{Topic: topic, Partition: partition}] = f
	p.feeds[f] = struct{}{}
	s.signal()
	return nil
}

func (s *subscription) feed(topic string, partition int32) *feed {
	return s.feeds[kafka.TopicPartition{Topic: topic, Partition: partition}]
}

// Take fetches. The answer may be late: then the signal comes with it.
func (s *subscription) Take(topic string, partition int32) (b kafka.FetchedBatch, ok bool) {
	s.c.log.mu.Lock()
	f := s.feed(topic, partition)
	idle := f == nil || f.paused || f.position >= f.part.stable()
	s.c.log.mu.Unlock()
	if idle || s.c.Dead() {
		return b, false
	}
	b = kafka.FetchedBatch{Topic: topic, Partition: partition}
	way, err := s.c.request(context.Background(), "fetch", partitionName(topic, partition), Lost, Late, DieBefore)
	switch {
	case way == Lost:
		b.Err = fmt.Errorf("fetch: %w", errInjected)
	case err != nil:
		return b, false
	default:
		b.Records, b.Next, b.Err = s.c.fetch(topic, partition, f.position)
	}
	if b.Err != nil {
		return b, true
	}
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	f.position = b.Next
	b.LastStable, b.HighWatermark, b.LogStart = f.part.stable(), f.part.next, f.part.start
	return b, true
}

// Poll takes a batch of every partition that has one, in order: the same seed gives the same batches.
func (s *subscription) Poll(into []kafka.FetchedBatch) []kafka.FetchedBatch {
	s.c.log.mu.Lock()
	feeds := slices.SortedFunc(maps.Keys(s.feeds), func(a, b kafka.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	s.c.log.mu.Unlock()
	for _, tp := range feeds {
		if b, ok := s.Take(tp.Topic, tp.Partition); ok {
			into = append(into, b)
			s.signal() // there may be more
		}
	}
	return into
}

// Remove implements [cluster.Subscription].
func (s *subscription) Remove(topic string, partition int32) {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	tp := kafka.TopicPartition{Topic: topic, Partition: partition}
	if f := s.feeds[tp]; f != nil {
		delete(f.part.feeds, f)
		delete(s.feeds, tp)
	}
}

func (s *subscription) Status(topic string, partition int32) (kafka.PartitionStatus, bool) {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	f := s.feed(topic, partition)
	if f == nil {
		return kafka.PartitionStatus{}, false
	}
	stable := f.part.stable()
	return kafka.PartitionStatus{
		Position: f.position, LastStable: stable, HighWatermark: f.part.next, LogStart: f.part.start, AtEnd: f.position >= stable,
		Heard: time.Now(),
	}, true
}

func (s *subscription) Seek(topic string, partition int32, offset int64) {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	if f := s.feed(topic, partition); f != nil {
		f.position = offset
		s.signal()
	}
}

func (s *subscription) Pause(topic string, partition int32)  { s.pause(topic, partition, true) }
func (s *subscription) Resume(topic string, partition int32) { s.pause(topic, partition, false) }

func (s *subscription) pause(topic string, partition int32, paused bool) {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	if f := s.feed(topic, partition); f != nil {
		f.paused = paused
		s.signal()
	}
}

func (s *subscription) Close() {
	s.c.log.mu.Lock()
	defer s.c.log.mu.Unlock()
	for tp, f := range s.feeds {
		delete(f.part.feeds, f)
		delete(s.feeds, tp)
	}
}
