package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/state/badger"
)

func TestSlotOf(t *testing.T) {
	// Persisted: a change of these numbers loses every service's offsets.
	for want, id := range map[int32]TaskID{
		25: {"q1", "sink-1", 0}, 26: {"q1", "sink-1", 1}, 24: {"q1", "sink-1", 31}, 14: {"query/with/slashes", "repartition-2", 7},
	} {
		if got := SlotOf(id, 32); got != want {
			t.Errorf("%s is in slot %d, want %d", id, got, want)
		}
		back, err := parseTaskID(id.String())
		if err != nil || back != id {
			t.Errorf("%s came back as %v, %v", id, back, err)
		}
	}
}

func TestGracefulRestarts(t *testing.T) {
	onBrokers(t, func(r *rig) {
		const rounds, each = 5, 1000
		for round := range rounds {
			s, db := r.boot(nil)
			r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
			r.produce(round*each, (round+1)*each)
			if round%2 == 0 || round == rounds-1 {
				r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
			}
			r.close(s, db)
		}
		r.exact(rounds * each)
	})
}

func TestDeaths(t *testing.T) {
	onBrokers(t, func(r *rig) {
		const rounds, each = 6, 1000
		for round := range rounds {
			s, db := r.boot(nil)
			r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
			r.produce(round*each, (round+1)*each)
			if round < rounds-1 {
				time.Sleep(time.Duration(round*40) * time.Millisecond)
				s.kill()
				r.ok(db.Close())
				continue
			}
			r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
			r.close(s, db)
		}
		r.exact(rounds * each)
	})
}

func TestLostStore(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 500)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.dir = r.TempDir()
		s, db = r.boot(nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(500, 1000)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(1000)
	})
}

func TestZombie(t *testing.T) {
	onBrokers(t, func(r *rig) {
		r.produce(0, 1000)
		a, dbA := r.boot(nil)
		r.ok(a.StartQuery(r.Context(), r.counting("q", nil)))
		r.await("the first owner's commits", func() bool { return a.Metrics().Commits.Load() > 0 })
		// A second server takes all slots over while the first believes to own them. They fence each other in turn; when
		// one of them is gone, the other has lost nothing and repeated nothing.
		r.dir = r.TempDir()
		b, dbB := r.boot(nil)
		r.ok(b.StartQuery(r.Context(), r.counting("q", nil)))
		for i := 1; i < 10; i++ {
			r.produce(i*1000, (i+1)*1000)
			time.Sleep(30 * time.Millisecond)
		}
		r.await("a fenced owner", func() bool { return a.Metrics().Fenced.Load()+b.Metrics().Fenced.Load() > 0 })
		r.close(a, dbA)
		r.await("the query to catch up", func() bool { return r.caughtUp(b, "q", 2) })
		r.close(b, dbB)
		r.exact(10_000)
	})
}

func TestFailingQueryIsSetAside(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		fail := once(300)
		bad := r.counting("bad", func(f *fake) {
			f.before = func(record.Record) error { return fail() }
			f.tamper = func(o *record.Out) { o.Topic = r.name("in2") }
		})
		r.topic("in2", 1)
		r.ok(s.StartQuery(r.Context(), bad))
		r.ok(s.StartQuery(r.Context(), r.counting("good", nil)))
		r.produce(0, 1000)
		r.await("the good query to catch up", func() bool { return r.caughtUp(s, "good", 2) })
		r.await("the bad query to fail", func() bool { st, _ := s.Status("bad"); return st.Err != nil })
		st, _ := s.Status("bad")
		if !errors.Is(st.Err, errInjected) || len(st.Tasks) != 0 {
			t := st.Err
			r.Fatalf("status of the failed query: %v with %d tasks", t, len(st.Tasks))
		}
		r.exact(1000)
		r.ok(s.Restart("bad"))
		r.await("the bad query to catch up", func() bool { return r.caughtUp(s, "bad", 2) })
		n := 0
		for _, vs := range r.read(r.name("in2"), 1) {
			n += len(vs)
		}
		if n != 1000 {
			r.Errorf("the restarted query wrote %d of 1000", n)
		}
		r.close(s, db)
	})
}

func TestAbortAndSolo(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		// A record larger than the broker takes makes every transaction that holds it abort. The query next to it goes on.
		big := strings.Repeat("x", 2<<20)
		bad := r.counting("bad", func(f *fake) {
			f.tamper = func(o *record.Out) { o.Topic, o.Value = r.name("in2"), []byte(big) }
		})
		r.topic("in2", 1)
		r.ok(s.StartQuery(r.Context(), r.counting("good", nil)))
		r.produce(0, 10)
		r.ok(s.StartQuery(r.Context(), bad))
		r.produce(10, 100)
		r.await("the bad query to fail", func() bool { st, _ := s.Status("bad"); return st.Err != nil })
		r.produce(100, 200)
		r.await("the good query to catch up", func() bool { return r.caughtUp(s, "good", 2) })
		if s.Metrics().Aborts.Load() == 0 {
			r.Error("no transaction was aborted")
		}
		r.close(s, db)
		r.exact(200)
		if got := r.read(r.name("in2"), 1); len(got) != 0 {
			r.Errorf("the failed query left %d keys", len(got))
		}
	})
}

func TestPauseStopDrop(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(nil)
		spec := r.counting("q", nil)
		r.ok(s.StartQuery(r.Context(), spec))
		r.produce(0, 100)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.ok(s.Pause("q"))
		r.await("the pause", func() bool {
			st, _ := s.Status("q")
			return len(st.Tasks) == 2 && st.Tasks[0].State == Paused && st.Tasks[1].State == Paused
		})
		r.produce(100, 200)
		time.Sleep(300 * time.Millisecond)
		r.exact(100)
		r.ok(s.Resume("q"))
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.exact(200)

		view, err := s.View("q", "count", 0)
		r.ok(err)
		kv, err := view.KeyValue()
		r.ok(err)
		if v, err := kv.Get([]byte("k0")); err != nil || string(v) != "15" {
			r.Errorf("count of k0 in partition 0: %q, %v; want 15", v, err)
		}
		view.Close()

		r.await("offsets for lag tools", func() bool {
			in := kafka.TopicPartition{Topic: r.name("in"), Partition: 0}
			got, err := r.client.CommittedOffsets(spec.Group, in)
			return err == nil && got[in] == 100
		})

		r.ok(s.StopQuery(r.Context(), "q", false))
		if _, err := s.View("q", "count", 0); !errors.Is(err, ErrUnknownQuery) {
			r.Errorf("view of a stopped query: %v", err)
		}
		r.ok(s.StartQuery(r.Context(), spec))
		r.produce(200, 300)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.exact(300)

		r.ok(s.StopQuery(r.Context(), "q", true))
		if names := db.Stores(); len(names) != 0 {
			r.Errorf("stores of a dropped query: %v", names)
		}
		r.await("tombstones of the slots records", func() bool {
			for _, values := range r.read(SlotsTopic(r.service), 3) {
				if values[len(values)-1] != "" {
					return false // a commit's markers may be on their way
				}
			}
			return true
		})
		r.close(s, db)
	})
}

func TestAtLeastOnce(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.AtLeastOnce = true })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 1000)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(1000) // nothing failed, so nothing was repeated
	})
}

func TestLowDiskPauses(t *testing.T) {
	onBrokers(t, func(r *rig) {
		full := make(chan struct{})
		s, db := r.boot(func(c *Config) {
			c.Guard = func() error {
				select {
				case <-full:
					return nil
				default:
					return errInjected
				}
			}
		})
		r.await("the guard", s.LowDisk)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 100)
		time.Sleep(200 * time.Millisecond)
		r.exact(0)
		close(full)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(100)
	})
}

func TestForeignChangelogIsRefused(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(nil)
		spec := r.counting("q", nil)
		r.topic("q-changelog", 2)
		p := r.client.NewProducer(kafka.ProducerConfig{})
		defer p.Close()
		r.ok(p.Produce(r.Context(), kafka.ProduceBatch{
			Topic: r.name("q-changelog"), Partition: 1, Records: []kafka.Record{{Key: []byte("k1"), Value: []byte("7")}},
		}))
		r.ok(s.StartQuery(r.Context(), spec))
		r.await("the refusal", func() bool { st, _ := s.Status("q"); return st.Err != nil })
		r.close(s, db)
	})
}

// TestInjectedFailures fails transactions at every point in every way, and lets the process die in between. The outcome that a slot
// is told and the one that Kafka decided differ on purpose.
func TestInjectedFailures(t *testing.T) {
	onBrokers(t, func(r *rig) {
		f := newFaults(uint64(time.Now().UnixNano()))
		r.Logf("seed %d", f.seed)
		sent := 0
		life := func(after func(*Service)) {
			s, db := r.bootWith(func(c *Config) { c.FlushBytes, c.FlushInterval = 1, time.Millisecond }, f.at)
			r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
			for range 10 {
				r.produce(sent, sent+50)
				sent += 50
				time.Sleep(20 * time.Millisecond)
			}
			after(s)
			s.kill()
			r.ok(db.Close())
		}
		// How often a slot commits is the machine's to say: a slow one needs more lives for all failures.
		for began := time.Now(); sent < 3000 || f.missing() > 0; {
			if time.Since(began) > 3*time.Minute {
				r.Fatalf("of %d records only these failures came: %v", sent, f)
			}
			life(func(*Service) {}) // dies as it is
			life(func(s *Service) {
				r.await("the query to catch up", func() bool {
					if st, _ := s.Status("q"); st.Err != nil {
						r.ok(s.Restart("q"))
					}
					return r.caughtUp(s, "q", 2)
				})
			})
		}
		r.exact(sent)
		r.Logf("failures: %v", f)
	})
}

// faults fails one operation in three. At each point every way to fail comes once before one of them comes again. Any goroutine may
// call it.
type faults struct {
	seed uint64

	mu   sync.Mutex
	rnd  *rand.Rand
	left map[string][]error // by point, in the order to come
	told map[string]int
}

func newFaults(seed uint64) *faults {
	return &faults{seed: seed, rnd: rand.New(rand.NewPCG(seed, 2)), left: map[string][]error{}, told: map[string]int{}}
}

var waysToFail = map[string][]error{
	"produce": {kafka.ErrAbortable, kafka.ErrUnknownOutcome, kafka.ErrFenced},
	"end":     {kafka.ErrAbortable, kafka.ErrUnknownOutcome, kafka.ErrFenced},
	"ended":   {kafka.ErrUnknownOutcome, kafka.ErrFenced, errors.Join(kafka.ErrFenced, kafka.ErrUnknownOutcome)},
	"flush":   {errInjected},
}

func (f *faults) at(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rnd.IntN(3) > 0 {
		return nil
	}
	if len(f.left[point]) == 0 {
		ways := slices.Clone(waysToFail[point])
		f.rnd.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
		f.left[point] = ways
	}
	err := f.left[point][0]
	if errors.Is(err, kafka.ErrAbortable) && f.rnd.IntN(3) > 0 {
		return nil // three in a row would fail the query, rightly
	}
	f.left[point] = f.left[point][1:]
	f.told[point+": "+err.Error()]++
	return err
}

func (f *faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint(f.told)
}

// missing is how many ways to fail have not been told yet.
func (f *faults) missing() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := -len(f.told)
	for _, ways := range waysToFail {
		n += len(ways)
	}
	return n
}

// TestHandOver shares the slots of a service between two servers by Kafka's group protocol, and moves them while records flow.
func TestHandOver(t *testing.T) {
	onBrokers(t, func(r *rig) {
		group := func(id string) func(*Config) {
			return func(c *Config) {
				c.Slots = 4
				c.Ownership = GroupOwnership{
					Kafka: r.client, Service: r.service, InstanceID: id, Leaving: true, SessionTimeout: 6 * time.Second,
					Report: func(err error) { r.Logf("membership: %v", err) },
				}
			}
		}
		dirs := map[string]string{"a": r.TempDir(), "b": r.TempDir()}
		boot := func(id string) (*Service, *badger.DB) {
			r.dir = dirs[id]
			s, db := r.boot(group(id))
			r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
			return s, db
		}
		running := func(s *Service) int {
			st, _ := s.Status("q")
			return len(st.Tasks)
		}
		a, dbA := boot("a")
		r.produce(0, 500)
		r.await("the first server to run both tasks", func() bool { return running(a) == 2 })
		b, dbB := boot("b")
		r.produce(500, 1000)
		r.await("the second server to own slots", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.slots) == 2
		})
		r.produce(1000, 1500)
		r.close(a, dbA)
		r.await("the second server to run both tasks", func() bool { return running(b) == 2 })
		r.produce(1500, 2000)
		a, dbA = boot("a")
		r.produce(2000, 2500)
		r.await("everything to be committed", func() bool {
			sa, _ := a.Status("q")
			sb, _ := b.Status("q")
			n := int64(0)
			for _, t := range append(sa.Tasks, sb.Tasks...) {
				for _, in := range t.Inputs {
					n += in.Committed
				}
			}
			return n == 2500
		})
		r.close(b, dbB)
		r.close(a, dbA)
		r.exact(2500)
	})
}

func TestQuiesce(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.CommitInterval = time.Millisecond })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		for i := range 20 {
			r.produce(i*50, (i+1)*50)
			commits := int64(0)
			err := s.Quiesce(func() {
				commits = s.Metrics().Commits.Load()
				time.Sleep(5 * time.Millisecond)
				commits -= s.Metrics().Commits.Load()
			})
			r.ok(err)
			if commits != 0 {
				r.Errorf("%d commits while quiet", -commits)
			}
		}
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(1000)
	})
}

func TestRepartitionTopicIsTrimmed(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(nil)
		spec := r.counting("q", nil)
		spec.Topology.Subs[0].Inputs[0].Internal = true
		spec.Start = nil
		r.produce(0, 100)
		r.ok(s.StartQuery(r.Context(), spec))
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.await("the topic to be trimmed", func() bool {
			start, err := r.client.Offset(r.Context(), r.name("in"), 1, kafka.Earliest)
			r.ok(err)
			return start >= 49 // of 50: the embedded broker keeps the last one
		})
		r.close(s, db)
		r.exact(100)
	})
}
