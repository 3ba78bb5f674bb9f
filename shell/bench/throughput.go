package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

// Options of a throughput run.
type Options struct {
	Records   int
	Bootstrap string // of a running Kafka; empty: an embedded broker in a process of its own
	Guarantee string // processing.guarantee of the server
	Out       io.Writer
	Progress  io.Writer
}

// query is one measured statement.
type query struct{ name, sql string }

var queries = []query{
	{"filter", `CREATE STREAM bench_filter AS SELECT k, auction, price FROM bids WHERE auction % 123 = 0 EMIT CHANGES;`},
	{"count", `CREATE TABLE bench_count AS SELECT k, COUNT(*) AS bids FROM bids WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k EMIT CHANGES;`},
}

const defineBids = `CREATE STREAM bids (k BIGINT KEY, auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING,
  dateTime BIGINT, extra STRING) WITH (KAFKA_TOPIC='` + bidTopic + `', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', TIMESTAMP='dateTime');`

// Throughput loads bids and runs each query over them in a fresh server, Kafka to Kafka. It prints a line a query: records
// per second of the server's CPU time, its allocations per record and its peak memory.
func Throughput(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "millrace-bench-")
	if err != nil {
		return fmt.Errorf("throughput: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	brokers := o.Bootstrap
	if brokers == "" {
		b, addr, err := startBroker(ctx, dir)
		if err != nil {
			return err
		}
		defer b.Stop()
		brokers = addr
	}
	client, err := kafka.Open(kafka.Config{Brokers: strings.Split(brokers, ",")})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := client.DeleteTopics(bidTopic); err != nil {
		return err
	}
	if err := load(ctx, client, o.Records, o.Progress); err != nil {
		return err
	}
	for _, q := range queries {
		if err := measure(ctx, o, q, brokers, filepath.Join(dir, q.name)); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

// props let queries read what is there already.
var props = map[string]any{"auto.offset.reset": "earliest"}

func startBroker(ctx context.Context, dir string) (*child.Process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	addr, err := child.FreeAddress()
	if err != nil {
		return nil, "", err
	}
	b, err := child.Start(self, dir, "broker", "broker", "--listen", addr, "--data", filepath.Join(dir, "broker"))
	if err != nil {
		return nil, "", err
	}
	err = b.Await(ctx, "the broker", func() error {
		c, err := kafka.Open(kafka.Config{Brokers: []string{addr}, DialTimeout: time.Second})
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		b.Stop()
		return nil, "", err
	}
	return b, addr, nil
}

// measure runs one query to the end of the input.
func measure(ctx context.Context, o Options, q query, brokers, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	addr, err := child.FreeAddress()
	if err != nil {
		return err
	}
	service := fmt.Sprintf("bench-%s-%d-", q.name, os.Getpid())
	args := []string{"server", "--listen", addr, "--bootstrap", brokers, "--data", filepath.Join(dir, "data"), "--service", service}
	if o.Guarantee != "" {
		args = append(args, "--guarantee", o.Guarantee)
	}
	srv, err := child.Start(self, dir, "server", args...)
	if err != nil {
		return err
	}
	defer srv.Stop()
	s := child.Server{URL: "http://" + addr}
	if err := srv.Await(ctx, "the server", func() error { _, err := s.Get(ctx, "/info"); return err }); err != nil {
		return err
	}
	if err := s.Execute(ctx, defineBids, props); err != nil {
		return err
	}
	before, err := sampleOf(ctx, srv, s)
	if err != nil {
		return err
	}
	if err := s.Execute(ctx, q.sql, props); err != nil {
		return err
	}
	if err := finish(ctx, s, q.name, o); err != nil {
		return err
	}
	after, err := sampleOf(ctx, srv, s)
	if err != nil {
		return err
	}
	return report(o, q, srv, before, after)
}

func report(o Options, q query, srv *child.Process, before, after sample) error {
	peak, err := srv.Memory("VmHWM")
	if err != nil {
		return err
	}
	cpu := (after.cpu - before.cpu).Seconds()
	fmt.Fprintf(o.Out, "%s: %.0f records per CPU-second\n", q.name, float64(o.Records)/cpu)
	fmt.Fprintf(o.Out, "  %d records, %.2f CPU-seconds, %.1f s, %.3f allocations per record, peak memory %d MB\n",
		o.Records, cpu, after.at.Sub(before.at).Seconds(), (after.mallocs-before.mallocs)/float64(o.Records), peak>>20)
	return nil
}

type sample struct {
	at      time.Time
	cpu     time.Duration
	mallocs float64
}

func sampleOf(ctx context.Context, p *child.Process, s child.Server) (sample, error) {
	m, err := s.Metric(ctx, "go_memstats_mallocs_total")
	if err != nil {
		return sample{}, err
	}
	cpu, err := p.CPU()
	return sample{time.Now(), cpu, m}, err
}

// finish waits until the query has read and committed all records.
func finish(ctx context.Context, s child.Server, name string, o Options) error {
	for {
		in, err := s.Metric(ctx, "millrace_query_committed_records_total")
		if err != nil {
			return err
		}
		fmt.Fprintf(o.Progress, "\r%s: %.0f of %d", name, in, o.Records)
		lag, err := s.Metric(ctx, "millrace_query_lag")
		if err != nil {
			return err
		}
		if in >= float64(o.Records) && lag == 0 {
			fmt.Fprintln(o.Progress)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
