package bench

import (
	"context"
	"fmt"
	"time"
)

// query is one measured statement: its result goes to the topic %s.
type query struct{ name, sql string }

var queries = []query{
	{"filter", `CREATE STREAM bench WITH (KAFKA_TOPIC='%s') AS SELECT k, auction, price FROM bids WHERE auction %% 123 = 0 EMIT CHANGES;`},
	{"count", `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT k, COUNT(*) AS bids FROM bids WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k EMIT CHANGES;`},
}

const defineBids = `CREATE STREAM bids (k BIGINT KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  dateTime BIGINT, extra STRING) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', TIMESTAMP='dateTime');`

// Throughput loads bids and runs each query over them in a fresh server, Kafka to Kafka. It prints a line a query: records
// per second of the server's CPU time, its allocations per record and its peak memory.
func Throughput(ctx context.Context, o Options, records int, guarantee string) error {
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	topic, err := r.load(ctx, records, bidPartitions)
	if err != nil {
		return err
	}
	for _, q := range queries {
		got, err := r.consume(ctx, q, topic, records, 0, guarantee)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		fmt.Fprintf(o.Out, "%s: %.0f records per CPU-second\n", q.name, got.perCPU())
		fmt.Fprintf(o.Out, "  %.0f records, %.2f CPU-seconds, %.1f s, %.3f allocations per record, peak memory %d MB\n",
			got.records, got.cpu.Seconds(), got.wall.Seconds(), got.allocations/got.records, got.peak>>20)
	}
	return nil
}

// consumption is what a server used for a run of records.
type consumption struct {
	records, allocations, commits float64
	cpu, wall                     time.Duration
	peak                          int64 // memory, bytes
}

func (c consumption) perCPU() float64 { return c.records / c.cpu.Seconds() }

// consume runs a query over bids, see run.
func (r *rig) consume(ctx context.Context, q query, topic string, records, warmUp int, guarantee string) (consumption, error) {
	return r.run(ctx, q.over(topic, "--guarantee", guarantee), records, warmUp)
}

// over is the query over the bids of a topic.
func (q query) over(topic string, flags ...string) run {
	return run{q.name, []string{fmt.Sprintf(defineBids, topic)}, q.sql, flags}
}

// run is a measured query with what it needs.
type run struct {
	name   string
	define []string // statements
	sql    string   // the query's, whose result goes to the topic %s
	flags  []string // of the server
}

// run runs a query in a fresh server to the end of the input. The first records are not counted: what they cost is the query's
// start.
func (r *rig) run(ctx context.Context, q run, records, warmUp int) (consumption, error) {
	s, err := r.start(ctx, q.flags...)
	if err != nil {
		return consumption{}, err
	}
	defer r.stop(s)
	return r.consumeBy(ctx, fleet{s}, q, records, warmUp)
}

// consumeBy is run in a service that has been started.
func (r *rig) consumeBy(ctx context.Context, f fleet, q run, records, warmUp int) (consumption, error) {
	for _, sql := range q.define {
		if err := f[0].api.Execute(ctx, sql, props); err != nil {
			return consumption{}, err
		}
	}
	before, err := f.usage(ctx)
	if err != nil {
		return consumption{}, err
	}
	if err := f[0].api.Execute(ctx, fmt.Sprintf(q.sql, r.sink()), props); err != nil {
		return consumption{}, err
	}
	if warmUp > 0 {
		if before, err = r.await(ctx, f, q.name, warmUp, records); err != nil {
			return consumption{}, err
		}
	}
	after, err := r.await(ctx, f, q.name, records, records)
	if err != nil {
		return consumption{}, err
	}
	c, err := consumed(before, after)
	if err == nil {
		c.peak, err = f.peak()
	}
	return c, err
}

func consumed(before, after usage) (c consumption, err error) {
	for _, m := range []struct {
		name string
		to   *float64
	}{
		{committedRecords, &c.records},
		{"go_memstats_mallocs_total", &c.allocations},
		{"millrace_commits_total", &c.commits},
	} {
		if *m.to, err = after.since(before, m.name); err != nil {
			return c, err
		}
	}
	c.cpu, c.wall = after.cpu-before.cpu, after.at.Sub(before.at)
	return c, nil
}

const committedRecords = "millrace_query_committed_records_total"

// await waits until a query has committed so many of its records, and returns what the server had used by then.
func (r *rig) await(ctx context.Context, s measured, name string, want, total int) (usage, error) {
	for {
		u, err := s.usage(ctx)
		if err != nil {
			return u, err
		}
		in, err1 := u.metrics.Sum(committedRecords)
		lag, err2 := u.metrics.Sum("millrace_query_lag")
		known := err1 == nil && err2 == nil // else its tasks are just being taken over
		fmt.Fprintf(r.Progress, "\r%s: %.0f of %d", name, in, total)
		if known && in >= float64(want) && (want < total || lag == 0) {
			if want == total {
				fmt.Fprintln(r.Progress)
			}
			return u, nil
		}
		select {
		case <-ctx.Done():
			return u, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
