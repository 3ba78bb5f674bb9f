package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// defineShared are the topics that all queries of Queries read.
var defineShared = []string{
	`CREATE STREAM orders (k BIGINT KEY, g BIGINT, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');`,
	`CREATE STREAM payments (k BIGINT KEY, g BIGINT, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');`,
	`CREATE TABLE customers (k BIGINT PRIMARY KEY, g BIGINT, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');`,
}

// mixed are the kinds of queries that Queries creates in turn, with the number of shared topics that each reads. Their texts take a name, a
// topic, and a number that makes each another one.
var mixed = []struct {
	reads int
	sql   string
}{
	{1, `CREATE STREAM %[1]s WITH (KAFKA_TOPIC='%[2]s') AS SELECT k, v FROM orders WHERE v > %[3]d EMIT CHANGES;`},
	{1, `CREATE TABLE %[1]s WITH (KAFKA_TOPIC='%[2]s') AS SELECT k, COUNT(*) AS n FROM orders WINDOW TUMBLING (SIZE 1 MINUTE)
		WHERE v > %[3]d GROUP BY k EMIT CHANGES;`},
	{1, `CREATE TABLE %[1]s WITH (KAFKA_TOPIC='%[2]s') AS SELECT g, COUNT(*) AS n FROM payments WINDOW TUMBLING (SIZE 1 MINUTE)
		WHERE v > %[3]d GROUP BY g EMIT CHANGES;`}, // behind a repartition topic
	{2, `CREATE STREAM %[1]s WITH (KAFKA_TOPIC='%[2]s') AS SELECT o.k AS k, o.v AS v, c.g AS g FROM orders o
		JOIN customers c ON o.k = c.k WHERE o.v > %[3]d EMIT CHANGES;`},
	{2, `CREATE STREAM %[1]s WITH (KAFKA_TOPIC='%[2]s') AS SELECT o.k AS k, o.v AS v, p.v AS w FROM orders o
		JOIN payments p WITHIN 1 MINUTE GRACE PERIOD 1 MINUTE ON o.k = p.k WHERE o.v > %[3]d EMIT CHANGES;`},
}

const (
	sharedPartitions = 4
	sharedRecords    = 1000 // a topic
	queryRunning     = "millrace_query_running"
)

// crowd measures a server that has many queries.
type crowd struct {
	*rig
	s       *server
	queries int
	idle    time.Duration
	topics  []string // shared
	sent    int      // records a topic
	before  remains
}

// Queries creates persistent queries on one server, prints what creating them took and what the server needs while they are idle, restarts
// it, drops them, and prints what is left of them. Then it does as much with idle push queries on a server that has no others.
func Queries(ctx context.Context, o Options, queries, pushes int, idle time.Duration) error {
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	fmt.Fprintf(o.Out, "%-10s %-44s %12s\n", "step", "figure", "value")
	c := &crowd{rig: r, queries: queries, idle: idle}
	for _, name := range []string{"orders", "payments", "customers"} {
		topic, err := r.topic(ctx, name, sharedPartitions)
		if err != nil {
			return err
		}
		c.topics = append(c.topics, topic)
	}
	if err := c.send(ctx, sharedRecords); err != nil {
		return err
	}
	if err := c.persistent(ctx); err != nil {
		return fmt.Errorf("%d queries: %w", queries, err)
	}
	if err := c.push(ctx, pushes); err != nil {
		return fmt.Errorf("%d push queries: %w", pushes, err)
	}
	return nil
}

// figure prints one line: what was done, what was measured, how much.
func (c *crowd) figure(step, name, format string, value any) {
	fmt.Fprintf(c.Out, "%-10s %-44s %12s\n", step, name, fmt.Sprintf(format, value))
}

// send writes records with a key each to the shared topics.
func (c *crowd) send(ctx context.Context, records int) error {
	p := c.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for _, topic := range c.topics {
		batches := make([]kafka.ProduceBatch, sharedPartitions)
		for i := range batches {
			batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i)}
		}
		for n := c.sent; n < c.sent+records; n++ {
			key := binary.BigEndian.AppendUint64(nil, uint64(n))
			b := &batches[kafka.PartitionFor(key, sharedPartitions)]
			b.Records = append(b.Records, kafka.Record{
				Timestamp: baseTime + int64(n), Key: key, Value: fmt.Appendf(nil, `{"g":%d,"v":%d}`, n%100, n),
			})
		}
		if err := p.Produce(ctx, batches...); err != nil {
			return fmt.Errorf("fill %s: %w", topic, err)
		}
	}
	c.sent += records
	return nil
}

// persistent is the life of the persistent queries.
func (c *crowd) persistent(ctx context.Context) (err error) {
	if c.s, err = c.start(ctx); err != nil {
		return err
	}
	defer func() { c.stop(c.s) }()
	if err := c.define(ctx); err != nil {
		return err
	}
	if c.before, err = c.look(ctx); err != nil {
		return err
	}
	if err := c.standing(ctx, "empty"); err != nil {
		return err
	}
	create := func(i int) string {
		return fmt.Sprintf(mixed[i%len(mixed)].sql, name(i), c.service()+name(i), i%sharedRecords)
	}
	if err := c.each(ctx, "create", create); err != nil {
		return err
	}
	if err := c.caughtUp(ctx, "create"); err != nil {
		return err
	}
	if err := c.standing(ctx, "idle"); err != nil {
		return err
	}
	if err := c.answers(ctx); err != nil {
		return err
	}
	if err := c.restart(ctx); err != nil {
		return err
	}
	if err := c.standing(ctx, "restarted"); err != nil {
		return err
	}
	if err := c.each(ctx, "drop", func(i int) string { return "DROP " + kindOf(i) + " " + name(i) + " DELETE TOPIC;" }); err != nil {
		return err
	}
	return c.left(ctx)
}

// define makes the sources that all queries share.
func (c *crowd) define(ctx context.Context) error {
	for i, sql := range defineShared {
		if err := c.s.api.Execute(ctx, fmt.Sprintf(sql, c.topics[i]), props); err != nil {
			return err
		}
	}
	return nil
}

func name(i int) string { return fmt.Sprintf("q_%d", i) }

func kindOf(i int) string {
	if strings.HasPrefix(mixed[i%len(mixed)].sql, "CREATE TABLE") {
		return "TABLE"
	}
	return "STREAM"
}

// each runs a statement for every query and prints how long one took.
func (c *crowd) each(ctx context.Context, step string, sql func(i int) string) error {
	took := make([]float64, 0, c.queries)
	for i := range c.queries {
		began := time.Now()
		if err := c.s.api.Execute(ctx, sql(i), props); err != nil {
			return err
		}
		took = append(took, 1e3*time.Since(began).Seconds())
		fmt.Fprintf(c.Progress, "\r%s: %d of %d", step, i+1, c.queries)
	}
	fmt.Fprintln(c.Progress)
	tenth := max(len(took)/10, 1)
	first, last := slices.Clone(took[:tenth]), slices.Clone(took[len(took)-tenth:])
	slices.Sort(first)
	slices.Sort(last)
	slices.Sort(took)
	c.figure(step, "one query, p50 ms", "%.0f", quantile(took, 0.5))
	c.figure(step, "one query, p99 ms", "%.0f", quantile(took, 0.99))
	c.figure(step, "one query, longest ms", "%.0f", took[len(took)-1])
	c.figure(step, "of the first tenth, p50 ms", "%.0f", quantile(first, 0.5))
	c.figure(step, "of the last tenth, p50 ms", "%.0f", quantile(last, 0.5))
	return nil
}

// caughtUp waits until all queries have committed every record of their topics.
func (c *crowd) caughtUp(ctx context.Context, step string) error {
	want := 0
	for i := range c.queries {
		want += c.sent * mixed[i%len(mixed)].reads
	}
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Minute, errors.New("the queries do not come to the end of their topics"))
	defer cancel()
	for {
		m, err := c.s.api.Scrape(ctx)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		committed, err1 := m.Sum(committedRecords)
		running, err2 := m.Sum(queryRunning)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if int(committed) == want && int(running) == c.queries {
			c.figure(step, "until all queries have caught up, s", "%.1f", time.Since(began).Seconds())
			return nil
		}
		fmt.Fprintf(c.Progress, "\r%s: %.0f running, %.0f of %d records   ", step, running, committed, want)
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// standing measures what the server needs while nothing happens.
func (c *crowd) standing(ctx context.Context, step string) error {
	if err := sleep(ctx, c.idle/3); err != nil {
		return err
	}
	before, err := c.s.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := sleep(ctx, c.idle); err != nil {
		return err
	}
	after, err := c.s.CPU()
	if err != nil {
		return err
	}
	took := time.Since(began)
	c.figure(step, "CPU, % of a core", "%.1f", 100*(after-before).Seconds()/took.Seconds())
	for _, part := range []struct{ name, field string }{{"resident memory, MB", "VmRSS"}, {"anonymous memory, MB", "RssAnon"}} {
		n, err := c.s.Memory(part.field)
		if err != nil {
			return err
		}
		c.figure(step, part.name, "%.0f", float64(n)/1e6)
	}
	open, err := c.s.descriptors()
	if err != nil {
		return err
	}
	m, err := c.s.api.Scrape(ctx)
	if err != nil {
		return err
	}
	c.figure(step, "connections to Kafka", "%d", open.sockets)
	c.figure(step, "open files", "%d", open.files)
	c.figure(step, "goroutines", "%.0f", m["go_goroutines"])
	c.figure(step, "heap in use, MB", "%.0f", m["go_memstats_heap_inuse_bytes"]/1e6)
	return nil
}

// answers times what people and scrapers ask of a server with many queries.
func (c *crowd) answers(ctx context.Context) error {
	began := time.Now()
	if _, err := c.s.api.Scrape(ctx); err != nil {
		return err
	}
	c.figure("ask", "/metrics, ms", "%.0f", 1e3*time.Since(began).Seconds())
	for _, sql := range []string{"SHOW QUERIES;", "SHOW QUERIES EXTENDED;", "DESCRIBE " + name(1) + " EXTENDED;"} {
		began := time.Now()
		if err := c.s.api.Execute(ctx, sql, nil); err != nil {
			return err
		}
		c.figure("ask", sql+" ms", "%.0f", 1e3*time.Since(began).Seconds())
	}
	return nil
}

// restart ends the server and starts it again, with records that came meanwhile.
func (c *crowd) restart(ctx context.Context) error {
	began := time.Now()
	if err := c.s.End(2 * time.Minute); err != nil {
		return err
	}
	c.figure("restart", "until the server has ended, s", "%.1f", time.Since(began).Seconds())
	if err := c.send(ctx, sharedRecords); err != nil {
		return err
	}
	began = time.Now()
	if err := c.launch(ctx, c.s); err != nil {
		return err
	}
	c.figure("restart", "until the server answers, s", "%.1f", time.Since(began).Seconds())
	return c.caughtUp(ctx, "restart")
}
