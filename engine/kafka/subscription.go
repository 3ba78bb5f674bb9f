package kafka

import (
	"fmt"
	"time"
)

// Subscription is one goroutine's view of a fetcher: its partitions and what was fetched for them.
//
// The goroutine waits on Ready, then takes with Take or Poll what it can work on. What it leaves stays buffered, and
// holds back fetching once the buffer's budget is used up.
type Subscription struct {
	f     *Fetcher
	ready chan struct{}
	feeds map[TopicPartition]*feed // guarded by f.mu
	order []*feed                  // guarded by f.mu; Poll goes round
}

// PartitionStatus says how far a subscription has come in one partition.
type PartitionStatus struct {
	Position      int64 // after what was taken
	LastStable    int64
	HighWatermark int64
	LogStart      int64
	// AtEnd: an answer has shown that nothing committed follows Position. False until the first answer.
	AtEnd bool
	// Heard is when the answer was asked for that told of the end: what has come since is not known. Zero: there was none.
	Heard time.Time
}

// Subscribe begins an empty subscription.
func (f *Fetcher) Subscribe() *Subscription {
	return &Subscription{f: f, ready: make(chan struct{}, 1), feeds: map[TopicPartition]*feed{}}
}

// Ready has a value when something may be new: a batch, an error, or a partition that came to its end.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

func (s *Subscription) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Add starts to fetch a partition from an offset.
func (s *Subscription) Add(topic string, partition int32, offset int64) error {
	tp := TopicPartition{topic, partition}
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.f.ctx.Err() != nil {
		return failure("fetch", tp.String(), ErrClosed, nil)
	}
	if s.feeds[tp] != nil {
		return fmt.Errorf("kafka: fetch %s: already in the subscription", tp)
	}
	s.add(tp, offset)
	return nil
}

func (s *Subscription) add(tp TopicPartition, offset int64) *feed {
	d := &feed{tp: tp, sub: s, position: offset, taken: offset}
	s.feeds[tp] = d
	s.order = append(s.order, d)
	s.f.orphans = append(s.f.orphans, d)
	s.f.search()
	return d
}

// Remove stops fetching a partition and forgets what was fetched.
func (s *Subscription) Remove(topic string, partition int32) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.remove(TopicPartition{topic, partition})
}

func (s *Subscription) remove(tp TopicPartition) {
	d := s.feeds[tp]
	if d == nil {
		return
	}
	d.removed = true
	s.f.detach(d)
	delete(s.feeds, tp)
	for i := range s.order {
		if s.order[i] == d {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
}

// Seek goes on from another offset: what was fetched is forgotten, and an error is forgiven. A paused partition stays
// paused.
func (s *Subscription) Seek(topic string, partition int32, offset int64) {
	tp := TopicPartition{topic, partition}
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if d := s.feeds[tp]; d != nil {
		s.remove(tp)
		s.add(tp, offset).paused = d.paused
	}
}

// Pause keeps a partition from being fetched and from being polled. What is buffered stays.
func (s *Subscription) Pause(topic string, partition int32) { s.pause(topic, partition, true) }

// Resume undoes Pause.
func (s *Subscription) Resume(topic string, partition int32) { s.pause(topic, partition, false) }

func (s *Subscription) pause(topic string, partition int32, paused bool) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	d := s.feeds[TopicPartition{topic, partition}]
	if d == nil || d.paused == paused {
		return
	}
	d.paused = paused
	if paused {
		return
	}
	if len(d.waiting) > 0 {
		s.signal()
	}
	if d.loop != nil {
		d.loop.poke()
	}
}

// Take returns the next batch of one partition. It is false when nothing is buffered.
func (s *Subscription) Take(topic string, partition int32) (FetchedBatch, bool) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	d := s.feeds[TopicPartition{topic, partition}]
	if d == nil || len(d.waiting) == 0 {
		return FetchedBatch{}, false
	}
	return d.take(), true
}

// Poll appends the next batch of every partition that has one and is not paused.
func (s *Subscription) Poll(into []FetchedBatch) []FetchedBatch {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	more := false
	for _, d := range s.order {
		if d.paused || len(d.waiting) == 0 {
			continue
		}
		into = append(into, d.take())
		more = more || len(d.waiting) > 0
	}
	if more {
		s.signal()
	}
	return into
}

// Status tells how far one partition has come; false if it is not in the subscription.
func (s *Subscription) Status(topic string, partition int32) (PartitionStatus, bool) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	d := s.feeds[TopicPartition{topic, partition}]
	if d == nil {
		return PartitionStatus{}, false
	}
	return PartitionStatus{
		Position: d.taken, LastStable: d.lastStable, HighWatermark: d.highWatermark, LogStart: d.logStart,
		AtEnd: d.seen && !d.failed && d.taken >= d.lastStable, Heard: d.heard,
	}, true
}

// Close removes all partitions. The subscription can be used again.
func (s *Subscription) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	for tp := range s.feeds {
		s.remove(tp)
	}
}

// push buffers a batch for the subscriber; bytes is what it holds on to. f.mu is held.
func (d *feed) push(b FetchedBatch, bytes int) {
	d.waiting = append(d.waiting, b)
	d.sizes = append(d.sizes, bytes)
	d.bytes += bytes
	if d.bytes >= d.sub.f.cfg.BufferBytes {
		d.full = time.Now()
	}
	d.sub.signal()
}

// take hands out the oldest batch. f.mu is held.
func (d *feed) take() FetchedBatch {
	b := d.waiting[0]
	d.waiting[0] = FetchedBatch{}
	full := d.bytes >= d.sub.f.cfg.BufferBytes
	d.bytes -= d.sizes[0]
	d.waiting, d.sizes = d.waiting[1:], d.sizes[1:]
	d.taken = b.Next
	if full && d.loop != nil {
		d.loop.poke()
	}
	return b
}
