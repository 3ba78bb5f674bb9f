package cluster

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// ailing is a fetcher whose first subscription, that of the copies, gets errors as long as it is told to.
type ailing struct {
	Fetcher
	ill   atomic.Bool
	given atomic.Bool

	mu    sync.Mutex
	opens map[int32][]time.Time // by partition
}

// twice says whether each of two copies was tried twice, and how soon after the first time the second one came at least.
func (f *ailing) twice() (pause time.Duration, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pause = math.MaxInt64
	for _, at := range f.opens {
		if len(at) < 2 {
			return 0, false
		}
		pause = min(pause, at[1].Sub(at[0]))
	}
	return pause, len(f.opens) == 2
}

func (f *ailing) Subscribe() Subscription {
	s := f.Fetcher.Subscribe()
	if f.given.Swap(true) {
		return s
	}
	return &ailingFeed{s, f}
}

type ailingFeed struct {
	Subscription
	of *ailing
}

func (s *ailingFeed) Add(topic string, partition int32, at int64) error {
	s.of.mu.Lock()
	s.of.opens[partition] = append(s.of.opens[partition], time.Now())
	s.of.mu.Unlock()
	return s.Subscription.Add(topic, partition, at)
}

func (s *ailingFeed) Poll(into []kafka.FetchedBatch) []kafka.FetchedBatch {
	into = s.Subscription.Poll(into)
	if s.of.ill.Load() {
		for i := range into {
			into[i].Records, into[i].Err = nil, errInjected
		}
	}
	return into
}

// ailingBroker gives its fetcher.
type ailingBroker struct {
	Broker
	f *ailing
}

func (b ailingBroker) NewFetcher() Fetcher {
	b.f.Fetcher = b.Broker.NewFetcher()
	return b.f
}

// TestCopyThatCannotBeRead: a copy whose changelog cannot be read ends, is tried again after a while and not all the time, and goes on.
func TestCopyThatCannotBeRead(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, take, end := r.standIn("0", nil, nil)
		f := &ailing{opens: map[int32][]time.Time{}}
		f.ill.Store(true)
		next, _, endNext := r.standIn("1", func(c *Config) { c.Broker = ailingBroker{OnKafka(r.client), f} }, nil)
		next.standbys.retry = 1500 * time.Millisecond
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.ok(next.StartQuery(r.Context(), r.counting("q", nil)))
		take()
		r.produce(0, 100)
		var pause time.Duration
		r.await("both copies to be tried twice", func() (done bool) {
			pause, done = f.twice()
			return done
		})
		if pause < next.standbys.retry {
			r.Errorf("a copy that failed was tried again after %s, not after %s", pause, next.standbys.retry)
		}
		f.ill.Store(false)
		r.await("the copies", func() bool { return r.caughtUp(s, "q", 2) && r.copied(next, "q", 2) })
		r.ok(next.StopQuery(r.Context(), "q", true))
		end()
		endNext()
	})
}
