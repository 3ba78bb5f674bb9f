package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// understudy is the ownership of a server that keeps copies of all slots until it takes them over.
type understudy struct{ take chan struct{} }

func (u understudy) Run(ctx context.Context, slots int32, t Tenant) error {
	var all []int32
	for n := range slots {
		all = append(all, n)
	}
	t.StandBy(all)
	select {
	case <-ctx.Done():
		return nil
	case <-u.take:
	}
	var wg sync.WaitGroup
	for _, n := range all {
		wg.Go(func() { t.Own(ctx, n) })
	}
	t.StandBy(nil)
	wg.Wait()
	return nil
}

// standIn boots a server that keeps copies, on a disk of its own.
func (r *rig) standIn(name string, change func(*Config), fault func(string) error) (s *Service, take, end func()) {
	r.Helper()
	u, dir := understudy{make(chan struct{})}, r.dir
	r.dir = filepath.Join(dir, name)
	s, db := r.bootWith(func(c *Config) {
		c.Ownership, c.StandbyInterval = u, 20*time.Millisecond
		if change != nil {
			change(c)
		}
	}, fault)
	r.dir = dir
	return s, func() { close(u.take) }, func() { r.close(s, db) }
}

// copied says that the copies of a query's tasks have all that there is, and that it can be read.
func (r *rig) copied(s *Service, query string, tasks int) bool {
	r.Helper()
	list := s.standbys.statuses(query)
	for _, t := range list {
		for _, st := range t.Stores {
			end, err := r.client.Offset(r.Context(), r.name(query+"-changelog"), t.ID.Partition, kafka.Latest) // markers come a moment late
			r.ok(err)
			v, err := s.StandbyView(query, st.ID, t.ID.Partition, 0)
			if err != nil || st.At < end || st.Lag() > 0 {
				return false
			}
			v.Close()
		}
	}
	return len(list) == tasks
}

// TestStandbyTakesOver: a copy has what the owner committed, can be read, and is where a take-over goes on. After a kill nothing is lost or done
// twice, back and forth, and with writes that fail.
func TestStandbyTakesOver(t *testing.T) {
	onBrokers(t, func(r *rig) {
		var writes atomic.Int64
		fault := func(point string) error {
			if point == "copy" && writes.Add(1)%3 == 1 {
				return errInjected
			}
			return nil
		}
		s, takeFirst, _ := r.standIn("0", nil, nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		takeFirst()
		const n, rounds = 700, 4
		for round := range rounds {
			next, take, end := r.standIn(strconv.Itoa(round+1), nil, fault)
			next.standbys.retry = 50 * time.Millisecond
			r.ok(next.StartQuery(r.Context(), r.counting("q", nil)))
			r.produce(round*n, (round+1)*n)
			r.await("the owner to catch up", func() bool { return r.caughtUp(s, "q", 2) })
			r.await("the copies", func() bool { return r.copied(next, "q", 2) })
			if _, err := next.View("q", "count", 0); !errors.Is(err, ErrNotHere) {
				r.Errorf("a copy is read as if it were the owner's: %v", err)
			}
			v, err := next.StandbyView("q", "count", 0, 0)
			r.ok(err)
			kv, err := v.KeyValue()
			r.ok(err)
			if got, err := kv.Get([]byte("k0")); string(got) != strconv.Itoa((round+1)*n/14) || err != nil {
				r.Errorf("the copy says %q, %v", got, err)
			}
			v.Close()
			s.kill()
			take()
			r.await("the slots to be taken over", func() bool { return r.caughtUp(next, "q", 2) })
			st, _ := next.Status("q")
			if st.Restored.Records != 0 || len(st.Standbys) != 0 {
				r.Errorf("a take-over read %d records again, and %d copies are left", st.Restored.Records, len(st.Standbys))
			}
			s = next
			if round == rounds-1 {
				end()
			}
		}
		r.exact(n * rounds)
		if writes.Load() == 0 {
			r.Error("no copy was written")
		}
	})
}

// TestTakeOverInTheMiddle: a copy that is far from complete ends at once when its slot is taken over, and what it has is used.
func TestTakeOverInTheMiddle(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, take, _ := r.standIn("0", nil, nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		take()
		const n = 1400
		for round := range 4 {
			r.produce(round*n, (round+1)*n)
			next, take, end := r.standIn(strconv.Itoa(round+1), func(c *Config) { c.FlushBytes = 1 }, nil)
			r.ok(next.StartQuery(r.Context(), r.counting("q", nil)))
			r.await("something to be copied", func() bool { return next.Metrics().StandbyRecords.Load() > 0 || r.caughtUp(s, "q", 2) })
			s.kill()
			take()
			r.await("the slots to be taken over", func() bool { return r.caughtUp(next, "q", 2) })
			if s = next; round == 3 {
				end()
			}
		}
		r.exact(4 * n)
	})
}

// TestStandbyOfDroppedQuery: the copies of a query that is dropped go, and its stores with them; the others stay.
func TestStandbyOfDroppedQuery(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, take, end := r.standIn("0", nil, nil)
		next, _, endNext := r.standIn("1", nil, nil)
		for _, q := range []string{"q", "other"} {
			r.ok(s.StartQuery(r.Context(), r.counting(q, nil)))
			r.ok(next.StartQuery(r.Context(), r.counting(q, nil)))
		}
		take()
		r.produce(0, 100)
		for _, q := range []string{"q", "other"} {
			r.await("the owner to catch up", func() bool { return r.caughtUp(s, q, 2) })
			r.await("the copies", func() bool { return r.copied(next, q, 2) })
		}
		r.ok(s.StopQuery(r.Context(), "q", true))
		r.ok(next.StopQuery(r.Context(), "q", true))
		if left, gone := next.standbys.statuses("other"), next.standbys.statuses("q"); len(left) != 2 || len(gone) != 0 {
			r.Errorf("copies after the drop: %v and %v", left, gone)
		}
		if stores := fmt.Sprint(next.cfg.Store.Stores()); stores != "[other/sink-1/count]" {
			r.Errorf("stores after the drop: %s", stores)
		}
		r.produce(100, 200)
		r.await("the other query's copies", func() bool { return r.caughtUp(s, "other", 2) && r.copied(next, "other", 2) })
		end()
		endNext()
	})
}

// TestStandbyTooFarBehind: a reader says how much a copy may lack.
func TestStandbyTooFarBehind(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, take, end := r.standIn("0", nil, nil)
		next, _, endNext := r.standIn("1", func(c *Config) { c.StandbyInterval = time.Hour }, nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.ok(next.StartQuery(r.Context(), r.counting("q", nil)))
		take()
		r.await("empty copies", func() bool { return r.copied(next, "q", 2) })
		r.produce(0, 100)
		r.await("the owner to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		var behind *BehindError
		r.await("the copy to be behind", func() bool {
			_, err := next.StandbyView("q", "count", 0, 0)
			return errors.As(err, &behind)
		})
		v, err := next.StandbyView("q", "count", 0, 1_000_000)
		r.ok(err)
		v.Close()
		end()
		endNext()
	})
}

// distant is a broker of which it was last heard some time ago.
type distant struct {
	Broker
	ago *atomic.Int64 // nanoseconds
}

func (b distant) NewFetcher() Fetcher { return distantFetcher{b.Broker.NewFetcher(), b.ago} }

type distantFetcher struct {
	Fetcher
	ago *atomic.Int64
}

func (f distantFetcher) Subscribe() Subscription { return distantFeed{f.Fetcher.Subscribe(), f.ago} }

type distantFeed struct {
	Subscription
	ago *atomic.Int64
}

func (s distantFeed) Status(topic string, partition int32) (kafka.PartitionStatus, bool) {
	st, ok := s.Subscription.Status(topic, partition)
	st.Heard = st.Heard.Add(-time.Duration(s.ago.Load()))
	return st, ok
}

// TestStandbyOutOfTouch: a server that has heard nothing of the changelogs for longer than they may be trusted does not know what its copies lack, and
// answers only those who ask for no bound.
func TestStandbyOutOfTouch(t *testing.T) {
	onBrokers(t, func(r *rig) {
		var ago atomic.Int64
		s, take, end := r.standIn("0", nil, nil)
		next, _, endNext := r.standIn("1", func(c *Config) { c.Broker, c.EndsHold = distant{OnKafka(r.client), &ago}, time.Hour }, nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.ok(next.StartQuery(r.Context(), r.counting("q", nil)))
		take()
		r.produce(0, 100)
		r.await("the owner to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.await("the copies", func() bool { return r.copied(next, "q", 2) })
		ago.Store(int64(2 * time.Hour))
		for _, bound := range []int64{0, NoBound - 1} {
			var behind *BehindError
			if _, err := next.StandbyView("q", "count", 0, bound); !errors.As(err, &behind) || !behind.Unknown || !strings.Contains(err.Error(), "not known") {
				r.Errorf("a copy that is cut off says that it lacks at most %d offsets: %v", bound, err)
			}
		}
		v, err := next.StandbyView("q", "count", 0, NoBound)
		r.ok(err)
		v.Close()
		ago.Store(0)
		r.await("the copies to be in touch again", func() bool { return r.copied(next, "q", 2) })
		end()
		endNext()
	})
}
