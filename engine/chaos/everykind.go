package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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

const (
	sessionGap   = 500    // ms
	joinWithin   = 10_000 // ms
	finalSize    = 10_000 // ms
	finalGrace   = 6 * 3600_000
	eventSpacing = 20 // ms of event time between events
)

// outputs are the topics that the queries write, without those of Workload.
var outputs = []string{"totals", "regions", "pairs", "matched", "sessions", "finals", "scored"}

// Statements define the sources and start the queries.
func (w EveryKind) Statements() string {
	t := w.Topic
	with := func(name string) string { return "WITH (KAFKA_TOPIC='" + t(name) + "')" }
	return w.Workload.Statements() + fmt.Sprintf(`
CREATE STREAM samples (id STRING KEY, f1 BIGINT, f2 BIGINT, f3 BIGINT, f4 BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE STREAM acks (id STRING KEY, code BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE TABLE accounts (usr STRING PRIMARY KEY, region STRING, balance BIGINT) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON');
CREATE MODEL iris WITH (URI='iris.onnx');
`, t("events"), t("acks"), t("accounts")) +
		`CREATE TABLE totals ` + with("totals") + ` AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM events GROUP BY usr EMIT CHANGES;
CREATE TABLE regions ` + with("regions") + ` AS SELECT region, COUNT(*) AS n, SUM(balance) AS total FROM accounts GROUP BY region EMIT CHANGES;
CREATE STREAM pairs ` + with("pairs") + ` AS SELECT e.id AS id, e.amount AS amount, a.code AS code
  FROM events e JOIN acks a WITHIN 10 SECONDS GRACE PERIOD 1 DAY ON e.id = a.id EMIT CHANGES;
CREATE TABLE matched ` + with("matched") + ` AS SELECT u.usr AS usr, u.region AS home, a.region AS region, a.balance AS balance
  FROM users u LEFT JOIN accounts a ON u.usr = a.usr EMIT CHANGES;
CREATE TABLE sessions ` + with("sessions") + ` AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total
  FROM events WINDOW SESSION (500 MILLISECONDS, GRACE PERIOD 1 DAY) GROUP BY usr EMIT CHANGES;
CREATE TABLE finals ` + with("finals") + ` AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total
  FROM events WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 6 HOURS) GROUP BY usr EMIT FINAL;
CREATE STREAM scored ` + with("scored") + ` AS SELECT id, PREDICT(iris, f1, f2, f3, f4) AS score FROM samples EMIT CHANGES;`
}

// Create makes the input topics and fills the table of users.
func (w EveryKind) Create(ctx context.Context, c *kafka.Client) error {
	for _, name := range []string{"acks", "accounts"} {
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

// Load produces events, acknowledgements and changes of accounts until ctx ends, and says how many events. What the broker
// did not take is tried again, and may then be there twice: the oracle reads what is there.
func (w EveryKind) Load(ctx context.Context, c *kafka.Client, seed uint64, pause time.Duration) (int, error) {
	rng := rand.New(rand.NewPCG(seed, 12))
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for done := 0; ; {
		var batches []kafka.ProduceBatch
		put := func(topic, key string, time int64, value any) {
			r := kafka.Record{Timestamp: time, Key: []byte(key)}
			if value != nil {
				r.Value, _ = json.Marshal(value) // structs of numbers and strings
			}
			part := kafka.PartitionFor(r.Key, w.Partitions)
			batches = append(batches, kafka.ProduceBatch{Topic: w.Topic(topic), Partition: part, Records: []kafka.Record{r}})
		}
		for range 10 {
			at := firstEvent + int64(done)*eventSpacing
			row := rng.IntN(len(w.Rows))
			f := w.Rows[row]
			id := fmt.Sprintf("event-%d-%d", done, row)
			put("events", id, at, sample{user(rng.IntN(w.Users + 5)), rng.Int64N(1000), f[0], f[1], f[2], f[3]})
			if rng.IntN(2) == 0 {
				put("acks", id, at+rng.Int64N(2*joinWithin)-joinWithin/2, map[string]int64{"CODE": rng.Int64N(100)})
			}
			if rng.IntN(3) == 0 {
				var a any = account{fmt.Sprintf("region-%d", rng.IntN(9)), rng.Int64N(1000)}
				if rng.IntN(6) == 0 {
					a = nil
				}
				put("accounts", user(rng.IntN(w.Users)), at, a)
			}
			done++
		}
		if err := w.send(ctx, p, batches); err != nil {
			return done, err
		}
		select {
		case <-ctx.Done():
			return done, nil
		case <-time.After(pause):
		}
	}
}

// Close moves stream time past all windows, so that the final ones are written. Everything else must have been processed.
func (w EveryKind) Close(ctx context.Context, c *kafka.Client, at int64) error {
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	var batches []kafka.ProduceBatch
	for i := range 64 {
		key := fmt.Sprintf("close-%d-0", i)
		v, err := json.Marshal(sample{User: fmt.Sprintf("closer-%d", i), Amount: 1, F1: w.Rows[0][0], F2: w.Rows[0][1], F3: w.Rows[0][2], F4: w.Rows[0][3]})
		if err != nil {
			return err
		}
		batches = append(batches, kafka.ProduceBatch{
			Topic: w.Topic("events"), Partition: kafka.PartitionFor([]byte(key), w.Partitions),
			Records: []kafka.Record{{Timestamp: at, Key: []byte(key), Value: v}},
		})
	}
	return p.Produce(ctx, batches...)
}
