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

// Workload is a set of queries of different kinds over one stream and one table. Names carry a suffix, so that runs can share a broker.
type Workload struct {
	Suffix     string
	Users      int
	Partitions int32
}

// WindowMillis is the size of the workload's tumbling windows.
const WindowMillis = 10_000

const firstEvent = 1_700_000_000_000

// Topic is the name of one of the workload's topics: events, users, big, counts, joined.
func (w Workload) Topic(name string) string { return "chaos-" + name + "-" + w.Suffix }

// Statements define the sources and start the queries.
func (w Workload) Statements() string {
	return fmt.Sprintf(`
CREATE STREAM events (id STRING KEY, usr STRING, amount BIGINT) WITH (KAFKA_TOPIC='%[1]s', VALUE_FORMAT='JSON');
CREATE TABLE users (usr STRING PRIMARY KEY, region STRING) WITH (KAFKA_TOPIC='%[2]s', VALUE_FORMAT='JSON');
CREATE STREAM big WITH (KAFKA_TOPIC='%[3]s') AS SELECT id, usr, amount FROM events WHERE amount %% 3 = 0 EMIT CHANGES;
CREATE TABLE counts WITH (KAFKA_TOPIC='%[4]s') AS
  SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM events WINDOW TUMBLING (SIZE %[6]d MILLISECONDS) GROUP BY usr EMIT CHANGES;
CREATE STREAM joined WITH (KAFKA_TOPIC='%[5]s') AS
  SELECT e.usr AS usr, e.id AS id, e.amount AS amount, u.region AS region FROM events e JOIN users u ON e.usr = u.usr EMIT CHANGES;`,
		w.Topic("events"), w.Topic("users"), w.Topic("big"), w.Topic("counts"), w.Topic("joined"), WindowMillis)
}

// Create makes the input topics and fills the table.
func (w Workload) Create(ctx context.Context, c *kafka.Client) error {
	for _, name := range []string{"events", "users"} {
		spec := kafka.TopicSpec{Name: w.Topic(name), Partitions: w.Partitions, Configs: map[string]string{"retention.ms": "-1"}}
		if err := c.CreateTopic(ctx, spec); err != nil && !errors.Is(err, kafka.ErrTopicExists) {
			return err
		}
	}
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for u := range w.Users {
		key := user(u)
		r := kafka.Record{Timestamp: firstEvent, Key: []byte(key), Value: fmt.Appendf(nil, `{"REGION":"region-%d"}`, u%7)}
		b := kafka.ProduceBatch{Topic: w.Topic("users"), Partition: kafka.PartitionFor(r.Key, w.Partitions), Records: []kafka.Record{r}}
		if err := p.Send(ctx, b); err != nil {
			return err
		}
	}
	return p.Flush(ctx)
}

func user(i int) string { return fmt.Sprintf("user-%d", i) }

// event is the value of an input record.
type event struct {
	User   string `json:"USR"`
	Amount int64  `json:"AMOUNT"`
}

// Load produces events in small batches until the number is reached or ctx ends; it returns how many it produced. A batch that the
// broker did not take is tried again, and may then be there twice: the oracle reads what is there.
func (w Workload) Load(ctx context.Context, c *kafka.Client, seed uint64, total int, pause time.Duration) (int, error) {
	rng := rand.New(rand.NewPCG(seed, 11))
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	done := 0
	for done < total && ctx.Err() == nil {
		batches := make([]kafka.ProduceBatch, w.Partitions)
		for range min(100, total-done) {
			id := fmt.Sprintf("event-%d", done)
			v, err := json.Marshal(event{user(rng.IntN(w.Users + 5)), rng.Int64N(1000)}) // some users are not in the table
			if err != nil {
				return done, err
			}
			part := kafka.PartitionFor([]byte(id), w.Partitions)
			batches[part].Topic, batches[part].Partition = w.Topic("events"), part
			batches[part].Records = append(batches[part].Records, kafka.Record{
				Timestamp: firstEvent + int64(done)*5, Key: []byte(id), Value: v,
			})
			done++
		}
		if err := w.send(ctx, p, batches); err != nil {
			return done, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return done, nil
}

func (w Workload) send(ctx context.Context, p *kafka.Producer, batches []kafka.ProduceBatch) error {
	var full []kafka.ProduceBatch
	for _, b := range batches {
		if len(b.Records) > 0 {
			full = append(full, b)
		}
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := p.Produce(attempt, full...)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
