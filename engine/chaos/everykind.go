package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// EveryKind is a workload with a query of every kind whose state decides the commit protocol, and a model. Its results follow from
// the input alone, whatever the order in which partitions are read: windows have grace, and joined streams keep their rows.
type EveryKind struct {
	Workload
	// Rows are inputs of the model, whole numbers, with the label that its own library gives each.
	Rows   [][]int64
	Labels []int64
}

// Times in the queries, in ms.
const (
	sessionGap  = 500
	hopAdvance  = 4_000
	joinWithin  = 10_000
	outerWithin = 3600_000
	grace       = 6 * 3600_000 // of final windows and outer joins

	eventSpacing = 20 // of event time between events
	// pastAll closes all windows. It is less than the retention of final windows: those that are past it when their end is seen are
	// lost, as in ksqlDB. After three times of it, what stores keep for a day goes as well.
	pastAll = 9 * 3600_000
)

// Statements define the sources and start the queries.
func (w EveryKind) Statements() string {
	t := w.Topic
	var sql strings.Builder
	sql.WriteString(w.Workload.Statements())
	fmt.Fprintf(&sql, `
CREATE STREAM samples (id STRING KEY, f1 BIGINT, f2 BIGINT, f3 BIGINT, f4 BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE STREAM acks (id STRING KEY, code BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE TABLE accounts (usr STRING PRIMARY KEY, region STRING, balance BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE TABLE places (region STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE MODEL iris WITH (URI='iris.onnx');
`, t("events"), t("acks"), t("accounts"), t("places"))
	for _, o := range outputs {
		if o.query != "" {
			fmt.Fprintf(&sql, o.query+"\n", "WITH (KAFKA_TOPIC='"+t(o.name)+"')")
		}
	}
	return sql.String()
}

// Create makes the input topics and fills the table of users.
func (w EveryKind) Create(ctx context.Context, c *kafka.Client) error {
	for _, name := range []string{"acks", "accounts", "places"} {
		spec := kafka.TopicSpec{Name: w.Topic(name), Partitions: w.Partitions, Configs: map[string]string{"retention.ms": "-1"}}
		if err := c.CreateTopic(ctx, spec); err != nil && !errors.Is(err, kafka.ErrTopicExists) {
			return err
		}
	}
	return w.Workload.Create(ctx, c)
}

// sample is the value of an input record.
type sample struct {
	User   string `json:"USR"`
	Amount int64  `json:"AMOUNT"`
	F1     int64  `json:"F1"`
	F2     int64  `json:"F2"`
	F3     int64  `json:"F3"`
	F4     int64  `json:"F4"`
}

type account struct {
	Region  string `json:"REGION"`
	Balance int64  `json:"BALANCE"`
}

type place struct {
	City string `json:"CITY"`
}

// Load is what comes into the input topics. One goroutine uses it.
type Load struct {
	w      EveryKind
	c      *kafka.Client
	rng    *rand.Rand
	now    int64 // event time
	done   int   // events
	closed bool  // windows were closed
}

// NewLoad begins a load; a seed gives the same records.
func (w EveryKind) NewLoad(c *kafka.Client, seed uint64) *Load {
	return &Load{w: w, c: c, rng: rand.New(rand.NewPCG(seed, 12)), now: firstEvent}
}

// Run produces events, acknowledgements and changes of tables until ctx ends. What the broker did not take is tried again, and may
// then be there twice: the oracle reads what is there.
func (l *Load) Run(ctx context.Context, pause time.Duration) error {
	p := l.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for {
		var batches []kafka.ProduceBatch
		for range 10 {
			batches = l.event(batches)
		}
		if err := l.w.send(ctx, p, batches); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// event adds an event, and what comes with it.
func (l *Load) event(to []kafka.ProduceBatch) []kafka.ProduceBatch {
	put := func(topic, key string, time int64, value any) { to = append(to, l.w.record(topic, key, time, value)) }
	row := l.rng.IntN(len(l.w.Rows))
	f := l.w.Rows[row]
	id := fmt.Sprintf("event-%d-%d", l.done, row)
	put("events", id, l.now, sample{user(l.rng.IntN(l.w.Users + 5)), l.rng.Int64N(1000), f[0], f[1], f[2], f[3]})
	if l.rng.IntN(2) == 0 {
		if l.rng.IntN(8) == 0 {
			id = "nothing-" + id // an acknowledgement of no event
		}
		put("acks", id, l.now+l.rng.Int64N(2*joinWithin)-joinWithin/2, map[string]int64{"CODE": l.rng.Int64N(100)})
	}
	region := func() string { return fmt.Sprintf("region-%d", l.rng.IntN(9)) }
	if l.rng.IntN(3) == 0 {
		var a any = account{region(), l.rng.Int64N(1000)}
		if l.rng.IntN(6) == 0 {
			a = nil
		}
		put("accounts", user(l.rng.IntN(l.w.Users)), l.now, a)
	}
	if l.rng.IntN(10) == 0 {
		var p any = place{fmt.Sprintf("city-%d", l.rng.IntN(100))}
		if l.rng.IntN(4) == 0 {
			p = nil
		}
		put("places", region(), l.now, p)
	}
	l.done++
	l.now += eventSpacing
	return to
}

// record is a record of an input topic; a nil value is a tombstone.
func (w EveryKind) record(topic, key string, time int64, value any) kafka.ProduceBatch {
	r := kafka.Record{Timestamp: time, Key: []byte(key)}
	if value != nil {
		r.Value, _ = json.Marshal(value) // structs of numbers and strings
	}
	return kafka.ProduceBatch{Topic: w.Topic(topic), Partition: kafka.PartitionFor(r.Key, w.Partitions), Records: []kafka.Record{r}}
}

// Close moves stream time past all windows, so that the final ones are written. Everything else must have been processed.
func (l *Load) Close(ctx context.Context) error {
	p := l.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	l.now, l.closed = l.now+pastAll, true
	f := l.w.Rows[0]
	var batches []kafka.ProduceBatch
	for i := range 64 { // enough to reach all partitions by key and by user
		key, value := fmt.Sprintf("close-%d-%d-0", l.now, i), sample{fmt.Sprintf("closer-%d", i), 1, f[0], f[1], f[2], f[3]}
		batches = append(batches, l.w.record("events", key, l.now, value))
	}
	l.now += joinWithin // acknowledgements may come before their event
	return l.w.send(ctx, p, batches)
}
