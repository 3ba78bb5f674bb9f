package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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
		defer b.stop()
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

func startBroker(ctx context.Context, dir string) (*process, string, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	b, err := start(dir, "broker", "broker", "--listen", addr, "--data", filepath.Join(dir, "broker"))
	if err != nil {
		return nil, "", err
	}
	err = b.await(ctx, "the broker", func() error {
		c, err := kafka.Open(kafka.Config{Brokers: []string{addr}, DialTimeout: time.Second})
		if err != nil {
			return err
		}
		return c.Close()
	})
	if err != nil {
		b.stop()
		return nil, "", err
	}
	return b, addr, nil
}

// measure runs one query to the end of the input.
func measure(ctx context.Context, o Options, q query, brokers, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	service := fmt.Sprintf("bench-%s-%d-", q.name, os.Getpid())
	args := []string{"server", "--listen", addr, "--bootstrap", brokers, "--data", filepath.Join(dir, "data"), "--service", service}
	if o.Guarantee != "" {
		args = append(args, "--guarantee", o.Guarantee)
	}
	srv, err := start(dir, "server", args...)
	if err != nil {
		return err
	}
	defer srv.stop()
	s := server{"http://" + addr}
	if err := srv.await(ctx, "the server", func() error { _, err := s.get(ctx, "/info"); return err }); err != nil {
		return err
	}
	if err := s.execute(ctx, defineBids); err != nil {
		return err
	}
	before, err := sampleOf(ctx, srv, s)
	if err != nil {
		return err
	}
	if err := s.execute(ctx, q.sql); err != nil {
		return err
	}
	if err := s.finish(ctx, q.name, o); err != nil {
		return err
	}
	after, err := sampleOf(ctx, srv, s)
	if err != nil {
		return err
	}
	return report(o, q, srv, before, after)
}

func report(o Options, q query, srv *process, before, after sample) error {
	peak, err := srv.memory("VmHWM")
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

func sampleOf(ctx context.Context, p *process, s server) (sample, error) {
	m, err := s.metric(ctx, "go_memstats_mallocs_total")
	if err != nil {
		return sample{}, err
	}
	cpu, err := p.cpu()
	return sample{time.Now(), cpu, m}, err
}

// server speaks to a child server by HTTP.
type server struct{ url string }

func (s server) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	return s.do(req)
}

func (s server) do(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", req.URL.Path, resp.Status, b)
	}
	return b, err
}

func (s server) execute(ctx context.Context, sql string) error {
	body, err := json.Marshal(map[string]any{"ksql": sql, "streamsProperties": map[string]any{"auto.offset.reset": "earliest"}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/ksql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = s.do(req)
	return err
}

// metric sums the samples of a metric.
func (s server) metric(ctx context.Context, name string) (float64, error) {
	b, err := s.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	var sum float64
	found := false
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		rest, ok := strings.CutPrefix(sc.Text(), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+v, true
	}
	if !found {
		return 0, fmt.Errorf("metric %s: the server has none", name)
	}
	return sum, nil
}

// finish waits until the query has read and committed all records.
func (s server) finish(ctx context.Context, name string, o Options) error {
	for {
		in, err := s.metric(ctx, "millrace_query_committed_records_total")
		if err != nil {
			return err
		}
		fmt.Fprintf(o.Progress, "\r%s: %.0f of %d", name, in, o.Records)
		if in >= float64(o.Records) {
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
