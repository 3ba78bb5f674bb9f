package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// small are queries whose transactions are small: what they cost is the commit.
var small = []query{
	{"filter", `CREATE STREAM bench WITH (KAFKA_TOPIC='%s') AS SELECT k, v FROM trickle WHERE v > 0 EMIT CHANGES;`},
	{"count", `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT k, COUNT(*) AS n FROM trickle WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k EMIT CHANGES;`},
}

const defineTrickle = `CREATE STREAM trickle (k BIGINT KEY, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');`

// Commits keeps some slots busy with a trickle of records and prints how many transactions they commit, and how long one takes.
func Commits(ctx context.Context, o Options, d time.Duration) error {
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	fmt.Fprintln(o.Out, "transactions of a server; a round trip is that of a produce request at the same time")
	fmt.Fprintf(o.Out, "%-8s %9s %6s %14s %18s %14s %8s %8s %20s\n", "query", "interval", "slots", "x one slot", "p50 / round trip",
		"transactions/s", "p50 ms", "p99 ms", "CPU ms/transaction")
	for _, q := range small {
		for _, interval := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
			one := 0.0
			for _, slots := range []int{1, 8, 32} {
				c, err := r.commits(ctx, q, interval, slots, d)
				if err != nil {
					return fmt.Errorf("%s, %d slots: %w", q.name, slots, err)
				}
				if slots == 1 {
					one = c.rate
				}
				fmt.Fprintf(o.Out, "%-8s %9s %6d %14.1f %18.1f %14.0f %8.1f %8.1f %20.2f\n", q.name, interval, slots, c.rate/one,
					c.p50/c.roundTrip, c.rate, 1e3*c.p50, 1e3*c.p99, 1e3*c.cpu)
			}
		}
	}
	return nil
}

// transactions are what a measurement of commits found; times are in seconds.
type transactions struct{ rate, p50, p99, cpu, roundTrip float64 }

// commits measures one query. Consecutive partitions of a task are in different slots, so as many slots are busy as the topic has
// partitions.
func (r *rig) commits(ctx context.Context, q query, interval time.Duration, slots int, d time.Duration) (found transactions, err error) {
	s, err := r.start(ctx, "--commit-interval", interval.String())
	if err != nil {
		return found, err
	}
	defer r.stop(s)
	topic, err := r.topic(ctx, fmt.Sprintf("trickle-%d", r.services), int32(slots))
	if err != nil {
		return found, err
	}
	for _, sql := range []string{fmt.Sprintf(defineTrickle, topic), fmt.Sprintf(q.sql, r.sink())} {
		if err := s.api.Execute(ctx, sql, props); err != nil {
			return found, err
		}
	}
	var trips []float64
	var failed error
	sending, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { trips, failed = r.trickle(sending, topic, int32(slots), max(interval/10, time.Millisecond)) })
	before, after, err := between(ctx, s, d)
	stop()
	wg.Wait()
	if err := errors.Join(err, failed); err != nil {
		return found, err
	}
	n, err := after.since(before, "millrace_commits_total")
	if err != nil {
		return found, err
	}
	h, err := histogramOf("millrace_commit_seconds", before.metrics, after.metrics)
	if err != nil {
		return found, err
	}
	if n == 0 {
		return found, errors.New("nothing was committed; see that the measurement is long enough")
	}
	return transactions{
		rate: n / after.at.Sub(before.at).Seconds(), p50: h.quantile(0.5), p99: h.quantile(0.99),
		cpu: (after.cpu - before.cpu).Seconds() / n, roundTrip: quantile(trips, 0.5),
	}, nil
}

// warmUp is how long a query runs before it is measured.
const warmUp = 3 * time.Second

// between takes a server's usage at the beginning and at the end of a time that begins when it has warmed up.
func between(ctx context.Context, s *server, d time.Duration) (before, after usage, err error) {
	if err := sleep(ctx, warmUp); err != nil {
		return before, after, err
	}
	if before, err = s.usage(ctx); err != nil {
		return before, after, err
	}
	if err := sleep(ctx, d); err != nil {
		return before, after, err
	}
	after, err = s.usage(ctx)
	return before, after, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// trickle sends a record to every partition, every so often, until its context ends. It returns how long each request took, in
// seconds, sorted.
func (r *rig) trickle(ctx context.Context, topic string, partitions int32, every time.Duration) (trips []float64, err error) {
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	batches := make([]kafka.ProduceBatch, partitions)
	for i, key := range keysOf(partitions) {
		batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i), Records: []kafka.Record{{Key: key}}}
	}
	for n := 1; ctx.Err() == nil; n++ {
		now := time.Now()
		for i := range batches {
			rec := &batches[i].Records[0]
			rec.Timestamp, rec.Value = now.UnixMilli(), fmt.Appendf(nil, `{"v":%d}`, n)
		}
		if err := p.Produce(ctx, batches...); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("send a trickle: %w", err)
		}
		trips = append(trips, time.Since(now).Seconds())
		time.Sleep(every - time.Since(now))
	}
	slices.Sort(trips)
	return trips, nil
}

// keysOf finds for each partition a key that belongs there, as Kafka's LongSerializer writes it.
func keysOf(partitions int32) [][]byte {
	keys := make([][]byte, partitions)
	for found, k := int32(0), uint64(0); found < partitions; k++ {
		key := binary.BigEndian.AppendUint64(nil, k)
		if p := kafka.PartitionFor(key, partitions); keys[p] == nil {
			keys[p] = key
			found++
		}
	}
	return keys
}
