package kafka_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

// patience is how long something that must happen may take: much longer than it does, for machines that are slow at times.
const patience = 2 * time.Minute

// rig is a broker to test against, and names that no other test uses.
type rig struct {
	*testing.T
	c        *kafka.Client
	cfg      kafka.Config
	prefix   string
	real     bool
	embedded *embedded.Broker
	polled   map[*kafka.Subscription][]kafka.FetchedBatch
}

// suite holds every test that must pass on the embedded broker and on a real one alike.
var suite = []struct {
	name string
	run  func(*rig)
}{
	{"roundtrip", testRoundTrip},
	{"zombie", testZombie},
	{"take over", testTakeOver},
	{"slots record", testSlotsRecord},
	{"always", testAlways},
	{"interleaved", testInterleaved},
	{"end position", testEndPosition},
	{"lost commit", testLostCommit},
	{"lost produce", testLostProduce},
	{"interrupted", testInterrupted},
	{"too large", testTooLarge},
	{"unknown topic", testUnknownTopic},
	{"records", testRecords},
	{"timestamps", testTimestamps},
	{"many", testMany},
	{"made anew", testMadeAnew},
	{"out of range", testOutOfRange},
	{"offsets", testOffsets},
	{"admin", testAdmin},
	{"pause", testPause},
	{"late", testLate},
	{"heard", testHeard},
	{"two readers", testTwoReaders},
	{"crowd", testCrowd},
	{"group offsets", testGroupOffsets},
	{"compaction", testCompaction},
	{"membership", testMembership},
	{"orphaned slot", testOrphanedSlot},
	{"releases", testReleases},
	{"closed in a rebalance", testClosedInRebalance},
	{"instance taken", testInstanceTaken},
}

func TestEmbedded(t *testing.T) {
	for _, tc := range suite {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, err := embedded.Open(t.TempDir(), embedded.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			run(t, tc.run, &rig{cfg: kafka.Config{Brokers: []string{b.Addr()}, Dial: b.Dial}, embedded: b})
		})
	}
}

func TestReal(t *testing.T) {
	addrs := os.Getenv("MILLRACE_KAFKA")
	if addrs == "" {
		t.Skip("MILLRACE_KAFKA is not set: the suite ran on the embedded broker only ('make test-kafka' runs it on a real one)")
	}
	for _, tc := range suite {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			run(t, tc.run, &rig{cfg: kafka.Config{Brokers: strings.Split(addrs, ",")}, real: true})
		})
	}
}

func run(t *testing.T, f func(*rig), r *rig) {
	c, err := kafka.Open(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.T, r.c, r.polled = t, c, map[*kafka.Subscription][]kafka.FetchedBatch{}
	r.prefix = fmt.Sprintf("%s-%x-", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	f(r)
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	r.Cleanup(cancel)
	return ctx
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) topic(name string, partitions int32, configs map[string]string) string {
	r.Helper()
	name = r.prefix + name
	if configs == nil {
		configs = map[string]string{"retention.ms": "-1"} // the records are old
	}
	r.ok(r.c.CreateTopic(r.ctx(), kafka.TopicSpec{Name: name, Partitions: partitions, Configs: configs}))
	if r.real {
		r.Cleanup(func() { _ = r.c.DeleteTopics(name) })
	}
	return name
}

func (r *rig) txn(id string) *kafka.TxnProducer {
	p := r.c.NewTxnProducer(kafka.TxnConfig{ID: r.prefix + id, Timeout: 20 * time.Second})
	r.Cleanup(p.Close)
	return p
}

func (r *rig) ready(id string) *kafka.TxnProducer {
	r.Helper()
	p := r.txn(id)
	r.ok(p.Init(r.ctx()))
	return p
}

func one(topic string, partition int32, values ...string) kafka.ProduceBatch {
	b := kafka.ProduceBatch{Topic: topic, Partition: partition}
	for _, v := range values {
		key, value, keyed := strings.Cut(v, "=")
		rec := kafka.Record{Timestamp: 1_700_000_000_000, Value: []byte(v)}
		if keyed {
			rec.Key, rec.Value = []byte(key), []byte(value)
		}
		b.Records = append(b.Records, rec)
	}
	return b
}

// all reads what is committed in a partition, as "value" or "key=value". No transaction may be open there: it waits for
// the markers of the last one, which a commit does not.
func (r *rig) all(topic string, partition int32) []string {
	r.Helper()
	r.await("the markers of the last transaction", func() bool {
		stable, err := r.c.Offset(r.ctx(), topic, partition, kafka.LastStable)
		r.ok(err)
		latest, err := r.c.Offset(r.ctx(), topic, partition, kafka.Latest)
		r.ok(err)
		return stable == latest
	})
	return r.committed(topic, partition)
}

// committed is all, as of now.
func (r *rig) committed(topic string, partition int32) []string {
	r.Helper()
	rd := r.c.NewReader()
	defer rd.Close()
	var out []string
	for b, err := range rd.All(r.ctx(), topic, partition) {
		r.ok(err)
		for _, rec := range b.Records {
			out = append(out, text(rec))
		}
	}
	return out
}

func text(rec kafka.Record) string {
	if rec.Key == nil {
		return string(rec.Value)
	}
	return string(rec.Key) + "=" + string(rec.Value)
}

func (r *rig) want(got []string, want ...string) {
	r.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Fatalf("got %q, want %q", got, want)
	}
}

// await waits until done is true.
func (r *rig) await(what string, done func() bool) {
	r.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			r.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// next waits for one batch of a subscription. What is polled with it is returned by the next calls.
func (r *rig) next(s *kafka.Subscription) kafka.FetchedBatch {
	r.Helper()
	for ctx := r.ctx(); ; {
		if len(r.polled[s]) == 0 {
			r.polled[s] = s.Poll(nil)
		}
		if list := r.polled[s]; len(list) > 0 {
			r.polled[s] = list[1:]
			return list[0]
		}
		select {
		case <-s.Ready():
		case <-ctx.Done():
			r.Fatal("nothing was fetched")
		}
	}
}

// first waits for the next records of a subscription.
func (r *rig) first(s *kafka.Subscription) (out []string) {
	r.Helper()
	for len(out) == 0 {
		b := r.next(s)
		r.ok(b.Err)
		for _, rec := range b.Records {
			out = append(out, text(rec))
		}
	}
	return out
}

// atEnd waits until a partition is at its end.
func (r *rig) atEnd(s *kafka.Subscription, topic string, partition int32) {
	r.Helper()
	for ctx := r.ctx(); ; {
		if st, _ := s.Status(topic, partition); st.AtEnd {
			return
		}
		select {
		case <-s.Ready():
		case <-ctx.Done():
			r.Fatal("never at the end")
		}
	}
}

// drain takes everything of a partition until it is at its end.
func (r *rig) drain(s *kafka.Subscription, topic string, partition int32) (out []string) {
	r.Helper()
	for ctx := r.ctx(); ; {
		for b, ok := s.Take(topic, partition); ok; b, ok = s.Take(topic, partition) {
			r.ok(b.Err)
			for _, rec := range b.Records {
				out = append(out, text(rec))
			}
		}
		if st, _ := s.Status(topic, partition); st.AtEnd {
			return out
		}
		select {
		case <-s.Ready():
		case <-ctx.Done():
			r.Fatalf("never at the end; got %q", out)
		}
	}
}

func testRoundTrip(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	p := r.ready("a")
	r.ok(p.Send(ctx, one(topic, 0, "a", "k=v"), one(topic, 1, "b")))
	r.ok(p.Commit(ctx))
	r.ok(p.Send(ctx, one(topic, 0, "dropped")))
	r.ok(p.Flush(ctx))
	r.ok(p.Abort(ctx))
	r.ok(p.Send(ctx, one(topic, 0, "c")))
	r.ok(p.Commit(ctx))
	r.want(r.all(topic, 0), "a", "k=v", "c")
	r.want(r.all(topic, 1), "b")
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	r.want(r.drain(s, topic, 0), "a", "k=v", "c")
}
