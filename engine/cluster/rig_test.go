package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
)

// patience is how long something that must happen may take: much longer than it does, for machines that are slow at times.
const patience = 3 * time.Minute

// rig is a broker, a store's folder, and names that no other test uses.
type rig struct {
	*testing.T
	client  *kafka.Client
	service string
	dir     string
	boots   int
	real    bool
}

// onBrokers runs a test on the embedded broker, and on a real one if there is one.
func onBrokers(t *testing.T, f func(*rig)) {
	t.Run("embedded", func(t *testing.T) {
		b, err := embedded.Open(t.TempDir(), embedded.Options{Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		newRig(t, kafka.Config{Brokers: []string{b.Addr()}, Dial: b.Dial}, false, f)
	})
	t.Run("real", func(t *testing.T) {
		addrs := os.Getenv("MILLRACE_KAFKA")
		if addrs == "" {
			t.Skip("MILLRACE_KAFKA is not set")
		}
		newRig(t, kafka.Config{Brokers: strings.Split(addrs, ",")}, true, f)
	})
}

func newRig(t *testing.T, cfg kafka.Config, real bool, f func(*rig)) {
	c, err := kafka.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	r := &rig{T: t, client: c, dir: t.TempDir(), real: real, service: fmt.Sprintf("t%x", time.Now().UnixNano())}
	r.topic("in", 2)
	r.topic("out", 3)
	f(r)
}

func quiet() *slog.Logger {
	if testing.Verbose() {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) name(topic string) string { return r.service + "-" + topic }

func (r *rig) topic(name string, partitions int32) {
	r.Helper()
	// The records' times lie in 1970, which retention would take for old.
	r.ok(r.client.CreateTopic(r.Context(), kafka.TopicSpec{
		Name: r.name(name), Partitions: partitions, Configs: map[string]string{"retention.ms": "-1"},
	}))
	if r.real {
		r.Cleanup(func() { _ = r.client.DeleteTopics(r.name(name)) })
	}
}

// boot opens the store and starts a service.
func (r *rig) boot(change func(*Config)) (*Service, *badger.DB) {
	r.Helper()
	return r.bootWith(change, nil)
}

func (r *rig) bootWith(change func(*Config), fault func(string) error) (*Service, *badger.DB) {
	r.Helper()
	db, err := badger.Open(r.dir, badger.Options{Logger: quiet()})
	r.ok(err)
	r.boots++
	cfg := Config{
		Kafka: r.client, Service: r.service, Slots: 3, Store: db, Logger: quiet(), CommitInterval: 20 * time.Millisecond,
		Fenced: 50 * time.Millisecond, JanitorInterval: 100 * time.Millisecond, EndsHold: patience, RestAfter: 50 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	r.ok(err)
	if fault != nil {
		s.fault = fault
	}
	r.ok(s.Start(r.Context()))
	return s, db
}

func (r *rig) close(s *Service, db *badger.DB) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.ok(s.Close(ctx))
	r.ok(db.Close())
}

// produce writes records numbered from..to-1: key k<n%7>, value n, partition n%2.
func (r *rig) produce(from, to int) {
	r.Helper()
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := from; i < to; i++ {
		rec := kafka.Record{Timestamp: int64(i), Key: []byte("k" + strconv.Itoa(i%7)), Value: []byte(strconv.Itoa(i))}
		r.ok(p.Send(r.Context(), kafka.ProduceBatch{Topic: r.name("in"), Partition: int32(i % 2), Records: []kafka.Record{rec}}))
	}
	r.ok(p.Flush(r.Context()))
}

// read gives all committed records of a topic's partitions, values by key in order.
func (r *rig) read(topic string, partitions int32) map[string][]string {
	r.Helper()
	reader := r.client.NewReader()
	defer reader.Close()
	out := map[string][]string{}
	for p := range partitions {
		r.await("the markers of the last commits", func() bool {
			stable, err := r.client.Offset(r.Context(), topic, p, kafka.LastStable)
			r.ok(err)
			latest, err := r.client.Offset(r.Context(), topic, p, kafka.Latest)
			r.ok(err)
			return stable == latest
		})
		for b, err := range reader.All(r.Context(), topic, p) {
			r.ok(err)
			for _, rec := range b.Records {
				out[string(rec.Key)] = append(out[string(rec.Key)], string(rec.Value))
			}
		}
	}
	return out
}

// await waits until done is true.
func (r *rig) await(what string, done func() bool) {
	r.Helper()
	for began := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			r.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// caughtUp says that all tasks of a query have committed everything there is.
func (r *rig) caughtUp(s *Service, query string, tasks int) bool {
	r.Helper()
	st, ok := s.Status(query)
	if !ok || len(st.Tasks) != tasks {
		return false
	}
	for _, t := range st.Tasks {
		if t.State != Running {
			return false
		}
		for _, in := range t.Inputs {
			end, err := r.client.Offset(r.Context(), in.Topic, in.Partition, kafka.LastStable)
			r.ok(err)
			if in.Committed < end {
				return false
			}
		}
	}
	return true
}

// counting is a query that counts per key and passes every record on: key, "value=count".
func (r *rig) counting(query string, change func(*fake)) QuerySpec {
	sub := &topology.SubTopology{
		ID: "sink-1", Partitions: 2, Output: r.name("out"), Inputs: []topology.Input{{Topic: r.name("in")}},
		Stores: []topology.Store{{Spec: state.Spec{ID: "count", Kind: state.KeyValue}, Changelog: r.name(query + "-changelog")}},
	}
	topo := &topology.Topology{
		Query: query, Subs: []*topology.SubTopology{sub},
		Topics: []topology.Topic{{Name: r.name(query + "-changelog"), Partitions: 2, Compact: true}},
	}
	return QuerySpec{
		Topology: topo, Start: map[string][]int64{r.name("in"): {0, 0}}, Group: r.service + "-" + query,
		NewTask: func(sub *topology.SubTopology, p int32, stores state.Stores) (Task, error) {
			kv, err := stores.KeyValue("count")
			f := &fake{store: kv, in: r.name("in"), out: r.name("out"), partition: p}
			if change != nil {
				change(f)
			}
			return f, err
		},
	}
}

// fake is a Task that counts.
type fake struct {
	store     state.KeyValueStore
	in, out   string
	partition int32
	queue     []record.Record
	next      int64
	outs      []record.Out
	count     operator.Counters
	marks     []int64

	before func(rec record.Record) error // called for each record
	tamper func(o *record.Out)
}

func (f *fake) Add(_ string, recs []record.Record, next int64, _ bool) error {
	f.queue = append(f.queue, recs...)
	f.next = next
	return nil
}

func (f *fake) Process(time.Time) (bool, error) {
	if len(f.queue) == 0 {
		return false, nil
	}
	for n := min(len(f.queue), 16); n > 0; n-- {
		rec := f.queue[0]
		if f.before != nil {
			if err := f.before(rec); err != nil {
				return false, err
			}
		}
		old, err := f.store.Get(rec.Key)
		if err != nil {
			return false, err
		}
		c, _ := strconv.Atoi(string(old))
		if err := f.store.Put(rec.Key, strconv.AppendInt(nil, int64(c+1), 10)); err != nil {
			return false, err
		}
		o := record.Out{Topic: f.out, Partition: -1, Timestamp: rec.Timestamp, Key: rec.Key, Value: fmt.Appendf(bytes.Clone(rec.Value), "=%d", c+1)}
		if f.tamper != nil {
			f.tamper(&o)
		}
		f.outs = append(f.outs, o)
		f.queue = f.queue[1:]
		f.count.RowsIn++
		f.marks = []int64{rec.Timestamp}
	}
	return true, nil
}

func (f *fake) Flush() error          { return nil }
func (f *fake) Outputs() []record.Out { return f.outs }
func (f *fake) ResetOutputs()         { f.outs = nil }
func (f *fake) Committed(task.State)  {}
func (f *fake) Behind() bool          { return false }

func (f *fake) Positions() map[string]int64 {
	if len(f.queue) > 0 {
		return map[string]int64{f.in: f.queue[0].Offset}
	}
	return map[string]int64{f.in: f.next}
}

func (f *fake) State() task.State { return task.State{Marks: map[string][]int64{"count": f.marks}} }

func (f *fake) Rewind(positions map[string]int64, s task.State) {
	f.queue, f.outs, f.next, f.marks = nil, nil, positions[f.in], s.Marks["count"]
}

func (f *fake) OutputBytes() int { return 100 * len(f.outs) }

func (f *fake) Buffered(string) (records, bytes int) {
	for _, r := range f.queue {
		bytes += len(r.Key) + len(r.Value)
	}
	return len(f.queue), bytes
}

func (f *fake) Counters() operator.Counters { return f.count }
func (f *fake) HeldBytes() int              { return 0 }
func (f *fake) Release() error              { return nil }
func (f *fake) Rest() error                 { return nil }

func (f *fake) StreamTime() int64 {
	if len(f.marks) == 0 {
		return math.MinInt64
	}
	return f.marks[0]
}

// exact checks the output of a counting query over records 0..n-1, each exactly once, counts without gap.
func (r *rig) exact(n int) {
	r.Helper()
	got := r.read(r.name("out"), 3)
	total := 0
	for k := range 7 {
		key := "k" + strconv.Itoa(k)
		next, count := map[int]int{}, map[int]int{}
		for _, v := range got[key] {
			left, right, _ := strings.Cut(v, "=")
			i, _ := strconv.Atoi(left)
			c, _ := strconv.Atoi(right)
			part := i % 2 // counted apart, and interleaved in the output
			if next[part] == 0 {
				for next[part] = k; next[part]%2 != part; next[part] += 7 {
				}
			}
			count[part]++
			if i != next[part] || c != count[part] {
				r.Fatalf("%s: %s where %d=%d was due", key, v, next[part], count[part])
			}
			next[part] += 14
			total++
		}
	}
	if total != n {
		r.Fatalf("%d outputs of %d inputs", total, n)
	}
}

var errInjected = errors.New("injected")

// once makes a hook that fails at its n-th call only.
func once(n int64) func() error {
	var calls atomic.Int64
	return func() error {
		if calls.Add(1) == n {
			return errInjected
		}
		return nil
	}
}
