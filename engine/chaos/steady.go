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

// Steady is the workload of a soak: queries of each kind of state, none of which may need more and more. Windows, sessions and joins
// are short and have keys that come and go with time; what is kept for ever has a bounded set of keys.
type Steady struct {
	Workload
	Rows [][]int64 // inputs of the model
}

// steadySpeed is how much faster than the clock event time goes by, so that windows close in thousands.
const steadySpeed = 4

// Statements define the sources and start the queries.
func (w Steady) Statements() string {
	text := `CREATE STREAM hits (id STRING KEY, usr STRING, visit STRING, amount BIGINT, f1 BIGINT, f2 BIGINT, f3 BIGINT, f4 BIGINT)
  WITH (KAFKA_TOPIC='{hits}', VALUE_FORMAT='JSON');
CREATE STREAM acks (id STRING KEY, code BIGINT) WITH (KAFKA_TOPIC='{acks}', VALUE_FORMAT='JSON');
CREATE TABLE accounts (usr STRING PRIMARY KEY, region STRING, balance BIGINT) WITH (KAFKA_TOPIC='{accounts}', VALUE_FORMAT='JSON');
CREATE TABLE places (region STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='{places}', VALUE_FORMAT='JSON');
CREATE MODEL iris WITH (URI='iris.onnx');
CREATE TABLE counts WITH (KAFKA_TOPIC='{counts}') AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total
  FROM hits WINDOW TUMBLING (SIZE 5 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 2 SECONDS) GROUP BY usr EMIT CHANGES;
CREATE TABLE visits WITH (KAFKA_TOPIC='{visits}') AS SELECT visit, COUNT(*) AS n
  FROM hits WINDOW TUMBLING (SIZE 5 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 2 SECONDS) GROUP BY visit EMIT FINAL;
CREATE TABLE sessions WITH (KAFKA_TOPIC='{sessions}') AS SELECT visit, COUNT(*) AS n
  FROM hits WINDOW SESSION (2 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 2 SECONDS) GROUP BY visit EMIT CHANGES;
CREATE TABLE totals WITH (KAFKA_TOPIC='{totals}') AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM hits GROUP BY usr EMIT CHANGES;
CREATE TABLE regions WITH (KAFKA_TOPIC='{regions}') AS SELECT region, COUNT(*) AS n, SUM(balance) AS total
  FROM accounts GROUP BY region EMIT CHANGES;
CREATE STREAM acked WITH (KAFKA_TOPIC='{acked}') AS SELECT h.id AS id, h.amount AS amount, a.code AS code
  FROM hits h LEFT JOIN acks a WITHIN 5 SECONDS GRACE PERIOD 5 SECONDS ON h.id = a.id EMIT CHANGES;
CREATE STREAM enriched WITH (KAFKA_TOPIC='{enriched}') AS SELECT h.usr AS usr, h.id AS id, a.region AS region
  FROM hits h JOIN accounts a ON h.usr = a.usr EMIT CHANGES;
CREATE TABLE offices WITH (KAFKA_TOPIC='{offices}') AS SELECT a.usr AS usr, a.balance AS balance, p.city AS city
  FROM accounts a LEFT JOIN places p ON a.region = p.region EMIT CHANGES;
CREATE STREAM scored WITH (KAFKA_TOPIC='{scored}') AS SELECT id, PREDICT(iris, f1, f2, f3, f4) AS score FROM hits EMIT CHANGES;
`
	for _, name := range []string{
		"hits", "acks", "accounts", "places", "counts", "visits", "sessions", "totals", "regions", "acked", "enriched", "offices", "scored",
	} {
		text = strings.ReplaceAll(text, "{"+name+"}", w.Topic(name))
	}
	return text
}

// Create makes the input topics.
func (w Steady) Create(ctx context.Context, c *kafka.Client) error {
	for _, name := range []string{"hits", "acks", "accounts", "places"} {
		err := c.CreateTopic(ctx, kafka.TopicSpec{Name: w.Topic(name), Partitions: w.Partitions})
		if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
			return err
		}
	}
	return nil
}

// hit is the value of an input record.
type hit struct {
	sample
	Visit string `json:"VISIT"`
}

// Load produces so many events in a second until ctx ends, and calls done with the number of those that the broker has. Where the
// machine is too slow for it there are fewer.
func (w Steady) Load(ctx context.Context, c *kafka.Client, rate int, done func(int)) error {
	const step = 50 * time.Millisecond
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	tick := time.NewTicker(step)
	defer tick.Stop()
	rng, start := rand.New(rand.NewPCG(1, 14)), time.Now()
	for n := 0; ; {
		parts, at := map[kafka.TopicPartition][]kafka.Record{}, start.Add(steadySpeed*time.Since(start)).UnixMilli()
		for range max(rate*int(step/time.Millisecond)/1000, 1) {
			w.event(rng, n, at, func(topic, key string, at int64, value any) {
				r := kafka.Record{Timestamp: at, Key: []byte(key)}
				r.Value, _ = json.Marshal(value) // structs of numbers and strings
				to := kafka.TopicPartition{Topic: w.Topic(topic), Partition: kafka.PartitionFor(r.Key, w.Partitions)}
				parts[to] = append(parts[to], r)
			})
			n++
		}
		var batches []kafka.ProduceBatch
		for to, records := range parts {
			batches = append(batches, kafka.ProduceBatch{Topic: to.Topic, Partition: to.Partition, Records: records})
		}
		if err := w.send(ctx, p, batches); err != nil {
			return err
		}
		done(n)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// event puts the n-th event, and what comes with it.
func (w Steady) event(rng *rand.Rand, n int, at int64, put func(topic, key string, at int64, value any)) {
	id, f := fmt.Sprintf("hit-%d", n), w.Rows[rng.IntN(len(w.Rows))]
	put("hits", id, at, hit{sample{user(rng.IntN(w.Users)), rng.Int64N(1000), f[0], f[1], f[2], f[3]}, fmt.Sprintf("visit-%d", n/20)})
	if n%2 == 0 {
		put("acks", id, at+rng.Int64N(2000), map[string]int64{"CODE": rng.Int64N(100)})
	}
	if n%5 == 0 {
		put("accounts", user(rng.IntN(w.Users)), at, account{fmt.Sprintf("region-%d", rng.IntN(20)), rng.Int64N(1000)})
	}
	if n%100 == 0 {
		put("places", fmt.Sprintf("region-%d", rng.IntN(20)), at, place{fmt.Sprintf("city-%d", rng.IntN(100))})
	}
}
