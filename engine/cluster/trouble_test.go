package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
)

// TestSinkThatIsGone: a query whose sink was deleted is set aside with its cause; the slot's other tasks go on.
func TestSinkThatIsGone(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		r.topic("in2", 1)
		r.ok(s.StartQuery(r.Context(), r.counting("bad", func(f *fake) { f.tamper = func(o *record.Out) { o.Topic = r.name("in2") } })))
		r.ok(s.StartQuery(r.Context(), r.counting("good", nil)))
		r.produce(0, 100)
		r.await("both queries to catch up", func() bool { return r.caughtUp(s, "bad", 2) && r.caughtUp(s, "good", 2) })
		r.ok(r.client.DeleteTopics(r.name("in2")))
		began := time.Now()
		r.produce(100, 200)
		r.await("the query to fail", func() bool {
			st, _ := s.Status("bad")
			return st.Err != nil && strings.Contains(st.Err.Error(), r.name("in2"))
		})
		r.await("the other query to catch up", func() bool { return r.caughtUp(s, "good", 2) })
		r.Logf("the slot was held up for %s", time.Since(began))
		if n := s.Metrics().Failures.Load(); n != 1 {
			r.Errorf("the query failed %d times", n)
		}
		r.close(s, db)
		r.exact(200)
	})
}

// stuck is a broker whose coordinator does not answer.
type stuck struct {
	Broker
	asked chan struct{}
}

type stuckProducer struct {
	TxnProducer
	asked chan struct{}
}

func (b stuck) NewTxnProducer(cfg kafka.TxnConfig) TxnProducer {
	return stuckProducer{b.Broker.NewTxnProducer(cfg), b.asked}
}

func (p stuckProducer) Init(ctx context.Context) error {
	select {
	case p.asked <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestCloseWhileSlotIsTaken: a slot that waits for its transactional id has nothing to commit, so nobody waits for it.
func TestCloseWhileSlotIsTaken(t *testing.T) {
	onBrokers(t, func(r *rig) {
		asked := make(chan struct{}, 1)
		s, db := r.boot(func(c *Config) { c.Broker = stuck{OnKafka(r.client), asked} })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		<-asked
		ctx, cancel := context.WithTimeout(context.Background(), handOver*3/4)
		defer cancel()
		r.ok(s.Close(ctx))
		if ctx.Err() != nil {
			r.Error("the slot was waited for")
		}
		r.ok(db.Close())
	})
}

// TestForgotten: the records of a query that was dropped elsewhere go also from slots that have nothing else to do.
func TestForgotten(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 100)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.await("the slots' records to be seen", func() bool { // the markers of a commit come a moment after it is known
			gone, err := s.Forgotten(r.Context(), "q", "other")
			r.ok(err)
			return !gone["q"] && gone["other"]
		})
		r.close(s, db)
		s, db = r.boot(func(c *Config) { c.Dropped = func(query string) bool { return query == "q" } })
		r.await("the slots to forget the query", func() bool {
			gone, err := s.Forgotten(r.Context(), "q", "other")
			r.ok(err)
			return gone["q"]
		})
		r.close(s, db)
	})
}

// TestCommitsEarly: outputs beyond TransactionBytes do not wait for the commit interval; inputs beyond BufferBytes wait at the broker.
func TestCommitsEarly(t *testing.T) {
	onBrokers(t, func(r *rig) {
		r.produce(0, 1000)
		s, db := r.boot(func(c *Config) { c.CommitInterval, c.TransactionBytes, c.BufferBytes = time.Hour, 2000, 100 })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.await("commits", func() bool { return s.Metrics().Commits.Load() > 10 })
		r.close(s, db)
	})
}

// TestTopicOfSmallBatches: batches are cut to what the topic takes.
func TestTopicOfSmallBatches(t *testing.T) {
	onBrokers(t, func(r *rig) {
		r.ok(r.client.CreateTopic(r.Context(), kafka.TopicSpec{
			Name: r.name("small"), Partitions: 3, Configs: map[string]string{"max.message.bytes": "500", "retention.ms": "-1"},
		}))
		r.produce(0, 1000)
		s, db := r.boot(nil)
		r.ok(s.StartQuery(r.Context(), r.counting("q", func(f *fake) { f.out = r.name("small") })))
		r.await("the query to catch up", func() bool {
			if st, _ := s.Status("q"); st.Err != nil {
				r.Fatal(st.Err)
			}
			return r.caughtUp(s, "q", 2)
		})
		r.close(s, db)
		n := 0
		for _, values := range r.read(r.name("small"), 3) {
			n += len(values)
		}
		if n != 1000 || s.Metrics().Aborts.Load() != 0 {
			r.Errorf("%d of 1000 outputs after %d aborts", n, s.Metrics().Aborts.Load())
		}
	})
}

// TestChangelogOfSmallBatches: what a task changes between two commits is cut to what its changelog takes, and a commit of many tasks to what the
// slots topic takes: at most one transaction is lost to each limit.
func TestChangelogOfSmallBatches(t *testing.T) {
	onBrokers(t, func(r *rig) {
		for _, topic := range []kafka.TopicSpec{
			{Name: r.name("q-changelog"), Partitions: 2, Configs: map[string]string{"max.message.bytes": "100", "cleanup.policy": "compact"}},
			{Name: SlotsTopic(r.service), Partitions: 1, Configs: map[string]string{"max.message.bytes": "300", "cleanup.policy": "compact"}},
		} {
			r.ok(r.client.CreateTopic(r.Context(), topic))
		}
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		for n := range 5 {
			r.produce(n*200, (n+1)*200)
			r.await("the query to catch up", func() bool {
				if st, _ := s.Status("q"); st.Err != nil {
					r.Fatal(st.Err)
				}
				return r.caughtUp(s, "q", 2)
			})
		}
		if n := s.Metrics().Aborts.Load(); n > 2 {
			r.Errorf("%d transactions were lost", n)
		}
		r.close(s, db)
		r.exact(1000)
	})
}

// TestRowTooLarge: a row of state that its changelog does not take sets its query aside, and says which store, how large it is and what is allowed.
func TestRowTooLarge(t *testing.T) {
	for _, atLeastOnce := range []bool{false, true} {
		onBrokers(t, func(r *rig) {
			r.ok(r.client.CreateTopic(r.Context(), kafka.TopicSpec{
				Name: r.name("bad-changelog"), Partitions: 2, Configs: map[string]string{"max.message.bytes": "500", "cleanup.policy": "compact"},
			}))
			s, db := r.boot(func(c *Config) { c.Slots, c.AtLeastOnce = 1, atLeastOnce })
			large := r.counting("bad", func(f *fake) {
				f.before = func(record.Record) error { return f.store.Put([]byte("large"), make([]byte, 3000)) }
			})
			r.ok(s.StartQuery(r.Context(), large))
			r.ok(s.StartQuery(r.Context(), r.counting("good", nil)))
			r.produce(0, 100)
			r.await("the query to fail", func() bool { st, _ := s.Status("bad"); return st.Err != nil })
			st, _ := s.Status("bad")
			for _, word := range []string{"bad/", "store count", r.name("bad-changelog"), "takes 500", "3090 bytes"} {
				if !strings.Contains(st.Err.Error(), word) {
					r.Errorf("the error says nothing of %q: %v", word, st.Err)
				}
			}
			r.await("the other query to catch up", func() bool { return r.caughtUp(s, "good", 2) })
			if n := s.Metrics().Failures.Load(); n != 1 {
				r.Errorf("queries failed %d times", n)
			}
			r.close(s, db)
		})
	}
}

// TestManyForgotten: the records of a dropped query with many tasks go, though the slots topic does not take them all at once.
func TestManyForgotten(t *testing.T) {
	onBrokers(t, func(r *rig) {
		const tasks = 20
		r.ok(r.client.CreateTopic(r.Context(), kafka.TopicSpec{
			Name: SlotsTopic(r.service), Partitions: 1, Configs: map[string]string{"max.message.bytes": "300", "cleanup.policy": "compact"},
		}))
		r.topic("wide", tasks)
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		spec := r.counting("q", func(f *fake) { f.in = r.name("wide") })
		spec.Topology.Subs[0].Partitions, spec.Topology.Topics[0].Partitions = tasks, tasks
		spec.Topology.Subs[0].Inputs[0].Topic, spec.Start = r.name("wide"), map[string][]int64{r.name("wide"): make([]int64, tasks)}
		r.ok(s.StartQuery(r.Context(), spec))
		p := r.client.NewProducer(kafka.ProducerConfig{})
		defer p.Close()
		for n := range int32(tasks) {
			r.ok(p.Produce(r.Context(), kafka.ProduceBatch{Topic: r.name("wide"), Partition: n, Records: []kafka.Record{{Timestamp: 1, Key: []byte("k"), Value: []byte("0")}}}))
		}
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", tasks) })
		r.ok(s.StopQuery(r.Context(), "q", true))
		r.await("the slot to forget the query", func() bool {
			gone, err := s.Forgotten(r.Context(), "q")
			r.ok(err)
			return gone["q"]
		})
		r.close(s, db)
	})
}
