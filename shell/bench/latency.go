package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// timed are queries whose results tell of each group up to which record they go.
var timed = []query{
	{"filter", `CREATE STREAM bench WITH (KAFKA_TOPIC='%s') AS SELECT k, grp, sent FROM timed WHERE sent > 0 EMIT CHANGES;`},
	{"count", `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT grp AS g, AS_VALUE(grp) AS grp, COUNT(*) AS n, MAX(sent) AS sent
  FROM timed WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY grp EMIT CHANGES;`},
}

const (
	defineTimed = `CREATE STREAM timed (k BIGINT KEY, grp BIGINT, sent BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');`

	timedPartitions = 4
	timedGroups     = 100
	timedTick       = 5 * time.Millisecond
)

// Latency prints how long after its sending a record's result can be read by a consumer that reads committed records only.
func Latency(ctx context.Context, o Options, rate int, d time.Duration) error {
	if perTick := rate * int(timedTick) / int(time.Second); perTick < 1 {
		return fmt.Errorf("measure latency: %d records a second: it must be %d at least", rate, time.Second/timedTick)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	fmt.Fprintf(o.Out, "from a record's being sent to its result's being read as committed, at %d records a second\n", rate)
	fmt.Fprintf(o.Out, "%-8s %9s %15s %15s %9s %9s %9s %9s\n", "query", "interval", "p50 / interval", "p99 / interval", "p50 ms", "p99 ms", "max ms", "records")
	for _, q := range timed {
		for _, interval := range []time.Duration{100 * time.Millisecond, 20 * time.Millisecond, 10 * time.Millisecond} {
			l, err := r.latency(ctx, q, interval, rate, d)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", q.name, interval, err)
			}
			p50, p99 := quantile(l, 0.5), quantile(l, 0.99)
			fmt.Fprintf(o.Out, "%-8s %9s %15.1f %15.1f %9.1f %9.1f %9.1f %9d\n", q.name, interval, p50/interval.Seconds(), p99/interval.Seconds(),
				1e3*p50, 1e3*p99, 1e3*l[len(l)-1], len(l))
		}
	}
	return nil
}

// latency measures one query; it returns the latencies of all records in seconds, sorted.
func (r *rig) latency(ctx context.Context, q query, interval time.Duration, rate int, d time.Duration) ([]float64, error) {
	s, err := r.start(ctx, "--commit-interval", interval.String())
	if err != nil {
		return nil, err
	}
	defer r.stop(s)
	topic, err := r.topic(ctx, fmt.Sprintf("timed-%d", r.services), timedPartitions)
	if err != nil {
		return nil, err
	}
	for _, sql := range []string{fmt.Sprintf(defineTimed, topic), fmt.Sprintf(q.sql, r.sink())} {
		if err := s.api.Execute(ctx, sql, props); err != nil {
			return nil, err
		}
	}
	a := &arrivals{began: time.Now(), warm: warmUp, waiting: map[int64][]int64{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.watch(ctx, a); err != nil {
			cancel(err)
		}
	})
	err = r.steady(ctx, topic, rate, warmUp+d, a)
	if err == nil {
		err = a.await(ctx)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	wg.Wait()
	slices.Sort(a.took)
	if err == nil && len(a.took) == 0 {
		err = errors.New("no record was measured")
	}
	return a.took, err
}

// steady sends records at a steady rate, a few every tick.
func (r *rig) steady(ctx context.Context, topic string, rate int, d time.Duration, a *arrivals) error {
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	keys := keysOf(timedPartitions)
	t := time.NewTicker(timedTick)
	defer t.Stop()
	batches := make([]kafka.ProduceBatch, timedPartitions)
	for n, began := 0, time.Now(); time.Since(began) < d; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		for i := range batches {
			batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i), Records: batches[i].Records[:0]}
		}
		for due := int(time.Since(began).Seconds() * float64(rate)); n < due; n++ {
			b, group := &batches[n%timedPartitions], int64(n%timedGroups)
			b.Records = append(b.Records, kafka.Record{
				Timestamp: time.Now().UnixMilli(), Key: keys[n%timedPartitions],
				Value: fmt.Appendf(nil, `{"grp":%d,"sent":%d}`, group, a.send(group)),
			})
		}
		if err := p.Produce(ctx, batches...); err != nil {
			return err
		}
	}
	return nil
}

// watch notes the results as they become visible.
func (r *rig) watch(ctx context.Context, a *arrivals) error {
	return r.follow(ctx, func(rec kafka.Record) error {
		var row struct{ Grp, Sent int64 }
		if err := json.Unmarshal(rec.Value, &row); err != nil {
			return fmt.Errorf("read a result: %w", err)
		}
		a.see(row.Grp, row.Sent)
		return nil
	})
}

// follow reads committed results, from the first one on, until its context ends.
func (r *rig) follow(ctx context.Context, see func(kafka.Record) error) error {
	f := r.client.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	info, err := r.client.DescribeTopic(r.sink())
	if err != nil {
		return err
	}
	sub := f.Subscribe()
	for p := range info.Partitions {
		if err := sub.Add(r.sink(), p, 0); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sub.Ready():
		}
		for _, b := range sub.Poll(nil) {
			if b.Err != nil {
				return b.Err
			}
			for _, rec := range b.Records {
				if err := see(rec); err != nil {
					return err
				}
			}
		}
	}
}

// arrivals matches records with the results that first tell of them. A result of a group tells of all its records up to one, since
// those of a group keep their order.
type arrivals struct {
	began time.Time
	warm  time.Duration // records sent before are not measured

	mu      sync.Mutex
	waiting map[int64][]int64 // by group: when its records were sent, in microseconds since began
	took    []float64         // seconds
}

// send notes that a record of a group is sent now, and returns its time, which is unlike all others of the group.
func (a *arrivals) send(group int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := max(time.Since(a.began).Microseconds(), 1)
	if w := a.waiting[group]; len(w) > 0 {
		at = max(at, w[len(w)-1]+1)
	}
	a.waiting[group] = append(a.waiting[group], at)
	return at
}

// see notes that a result was read which tells of the group's records up to one.
func (a *arrivals) see(group, upTo int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Since(a.began)
	w := a.waiting[group]
	for len(w) > 0 && w[0] <= upTo {
		if at := time.Duration(w[0]) * time.Microsecond; at >= a.warm {
			a.took = append(a.took, (now - at).Seconds())
		}
		w = w[1:]
	}
	a.waiting[group] = w
}

// await waits until there was a result for every record.
func (a *arrivals) await(ctx context.Context) error {
	for end := time.Now().Add(10 * time.Second); a.missing() > 0; {
		if time.Now().After(end) {
			return fmt.Errorf("the results of %d records did not come", a.missing())
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// missing counts the records of which no result has told.
func (a *arrivals) missing() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.waiting {
		n += len(w)
	}
	return n
}
