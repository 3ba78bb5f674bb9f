package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
)

// patience is how long something that happens by itself may take: much longer than it does, for machines that are slow at times.
const patience = 3 * time.Minute

// rig is an engine with queries that run, so that a test can see that they go on.
type rig struct {
	*engine.Engine
	t    *testing.T
	dir  string
	sent int
}

func openEngine(t *testing.T, o engine.Options) (*engine.Engine, error) {
	t.Helper()
	o.Slots, o.Logger = 4, slog.New(slog.NewTextHandler(t.Output(), nil))
	return engine.Open(t.Context(), o)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(r.dir, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	cancer, err := os.ReadFile("../shell/demo/data/cancer.onnx")
	if err != nil {
		t.Fatal(err)
	}
	r.modelFile("cancer.onnx", cancer)
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.Engine != nil { // a test may have failed to open it again
			closeEngine(t, r.Engine)
		}
	})
	r.must(`CREATE STREAM orders (id STRING KEY, item STRING, qty INT) WITH (KAFKA_TOPIC='orders', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE TABLE customers (id STRING PRIMARY KEY, name STRING, best STRING) WITH (KAFKA_TOPIC='customers', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE STREAM large AS SELECT id, item, qty FROM orders WHERE qty > 10;
		CREATE TABLE sold AS SELECT item, COUNT(*) AS n FROM orders GROUP BY item;
		CREATE MODEL cancer WITH (URI='cancer.onnx');`)
	return r
}

func closeEngine(t *testing.T, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (r *rig) modelFile(name string, b []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "models", name), b, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

var fromStart = map[string]any{"auto.offset.reset": "earliest"}

func (r *rig) must(sql string) []engine.Entity {
	r.t.Helper()
	list, err := r.Execute(r.t.Context(), engine.Request{SQL: sql, Properties: fromStart})
	if err != nil {
		r.t.Fatalf("%s\n%v", sql, err)
	}
	return list
}

// refuse runs a statement that must be refused, by the endpoint that it belongs to, with a rule code and words of the message.
func (r *rig) refuse(sql, rule string, words ...string) {
	r.t.Helper()
	before := r.inventory()
	err := r.attempt(sql)
	shown := sql[:min(len(sql), 200)]
	var s *engine.StatementError
	if !errors.As(err, &s) {
		r.t.Errorf("%s\nwant a refusal, got %v", shown, err)
		return
	}
	if s.Rule != rule || s.Code >= engine.CodeServerError {
		r.t.Errorf("%s\nrefused by %q (%d), want %q: %v", shown, s.Rule, s.Code, rule, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.t.Errorf("%s\nthe message does not say %q: %v", shown, w, err)
		}
	}
	if after := r.inventory(); after != before {
		r.t.Errorf("%s\nwas refused and left something behind:\n%s\nbefore:\n%s", shown, after, before)
	}
}

// attempt runs a statement and reads the first rows of its result.
func (r *rig) attempt(sql string) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	req := engine.Request{SQL: sql, Properties: fromStart}
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	if word != "SELECT" && word != "PRINT" {
		_, err := r.Execute(ctx, req)
		return err
	}
	rs, err := r.Query(ctx, req)
	if err != nil {
		return err
	}
	return rs.Close()
}

// inventory lists all definitions and topics.
func (r *rig) inventory() string {
	r.t.Helper()
	var b strings.Builder
	for _, s := range r.Catalog().Sources() {
		fmt.Fprintln(&b, s.Kind, s.Name)
	}
	for _, q := range r.Catalog().Queries() {
		fmt.Fprintln(&b, "query", q.ID)
	}
	for _, m := range r.Catalog().Models() {
		fmt.Fprintln(&b, "model", m.Name)
	}
	topics, err := r.Kafka().ListTopics()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, t := range topics {
		fmt.Fprintln(&b, "topic", t.Name, t.Partitions)
	}
	return b.String()
}

// works shows that the engine takes statements and that the queries from before still run.
func (r *rig) works() {
	r.t.Helper()
	r.sent++
	r.must(fmt.Sprintf("INSERT INTO orders (id, item, qty) VALUES ('o%d', 'pen', 20);", r.sent))
	r.eventually("SELECT n FROM sold WHERE item = 'pen';", fmt.Sprint(r.sent))
	if got := r.rows("SELECT id FROM large;"); !slices.Contains(got, fmt.Sprintf("o%d", r.sent)) {
		r.eventually(fmt.Sprintf("SELECT id FROM large WHERE id = 'o%d';", r.sent), fmt.Sprintf("o%d", r.sent))
	}
}

// rows reads all rows of a pull query, sorted.
func (r *rig) rows(sql string) []string {
	r.t.Helper()
	out := r.ordered(sql)
	slices.Sort(out)
	return out
}

// ordered reads all rows of a pull query as they come.
func (r *rig) ordered(sql string) []string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	rs, err := r.Query(ctx, engine.Request{SQL: sql, Properties: fromStart})
	if err != nil {
		r.t.Fatalf("%s\n%v", sql, err)
	}
	defer func() { _ = rs.Close() }()
	var out []string
	for {
		batch, err := rs.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			r.t.Fatalf("%s\n%v", sql, err)
		}
		for _, row := range batch {
			out = append(out, strings.Trim(fmt.Sprint(row.Values), "[]"))
		}
	}
}

func (r *rig) eventually(sql string, want ...string) {
	r.t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = r.rows(sql); slices.Equal(got, want) {
			return
		}
	}
	r.t.Fatalf("%s\ngot  %q\nwant %q", sql, got, want)
}

// produce writes raw records to one partition.
func (r *rig) produce(topic string, partition int32, records ...kafka.Record) {
	r.t.Helper()
	p := r.Kafka().NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := range records {
		records[i].Timestamp = 1_700_000_000_000 + int64(i)
	}
	if err := p.Produce(r.t.Context(), kafka.ProduceBatch{Topic: topic, Partition: partition, Records: records}); err != nil {
		r.t.Fatal(err)
	}
}

// badRows waits until so many records are counted that a query could not read: others see a commit a moment before the figures do.
func (r *rig) badRows(prefix string, want int) {
	r.t.Helper()
	sum := 0.0
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		sum = 0
		for _, m := range r.Metrics() {
			if m.Name == "millrace_query_bad_rows_total" && strings.HasPrefix(m.Labels["query"], prefix) {
				sum += m.Value
			}
		}
		if sum == float64(want) {
			return
		}
	}
	r.t.Errorf("%v bad rows are counted, want %d", sum, want)
}

// queryState finds a query by the beginning of its id.
func (r *rig) queryState(prefix string) (state, cause string) {
	r.t.Helper()
	for _, e := range r.must("SHOW QUERIES;") {
		for _, q := range e.Body.(engine.Queries).Queries {
			if strings.HasPrefix(q.ID, prefix) {
				return q.State, q.Error
			}
		}
	}
	r.t.Fatalf("there is no query %s...", prefix)
	return "", ""
}
