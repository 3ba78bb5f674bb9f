package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/registry"
)

// schemaRig is an engine with a schema registry that can be taken down.
type schemaRig struct {
	*rig
	fake *srfake.Registry
	down atomic.Bool
}

func newSchemaRig(t *testing.T) *schemaRig {
	t.Helper()
	r := &schemaRig{rig: &rig{t: t, dir: t.TempDir()}, fake: srfake.New()}
	t.Cleanup(r.fake.Close)
	r.fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if r.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return r.down.Load()
	})
	r.open()
	t.Cleanup(func() {
		if r.Engine != nil {
			closeEngine(t, r.Engine)
		}
	})
	return r
}

func (r *schemaRig) open() {
	r.t.Helper()
	var err error
	r.Engine, err = openEngine(r.t, engine.Options{
		DataDir: r.dir, SchemaRegistry: registry.Options{URLs: []string{r.fake.URL()}, Timeout: 3 * time.Second},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// rows waits until a push query has given as many rows.
func (r *schemaRig) rows(sql string, n int) []string {
	r.t.Helper()
	rs, err := r.Query(r.t.Context(), engine.Request{SQL: sql, Properties: fromStart})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for len(out) < n {
		rows, err := rs.Next(r.t.Context())
		if err != nil && !errors.Is(err, io.EOF) {
			r.t.Fatalf("%s: %v after %q", sql, err, out)
		}
		for _, row := range rows {
			out = append(out, show(row.Values))
		}
		if err != nil {
			break
		}
	}
	if err := rs.Close(); err != nil {
		r.t.Error(err)
	}
	return out
}

func show(values []any) string {
	var words []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}

// TestRegistryFormats: each format goes through topics, with the schemas of sinks registered and inferred again.
func TestRegistryFormats(t *testing.T) {
	r := newSchemaRig(t)
	for _, f := range []string{"AVRO", "PROTOBUF", "JSON_SR"} {
		r.must(`CREATE STREAM in_` + f + ` (id STRING KEY, item STRING, qty INT) WITH (KAFKA_TOPIC='in_` + f + `', PARTITIONS=1, VALUE_FORMAT='` + f + `');
			CREATE STREAM out_` + f + ` AS SELECT id, item, qty + 1 AS qty FROM in_` + f + `;
			CREATE STREAM again_` + f + ` (id STRING KEY) WITH (KAFKA_TOPIC='OUT_` + f + `', VALUE_FORMAT='` + f + `');
			INSERT INTO in_` + f + ` VALUES ('a', 'pen', 41);`)
		got := r.rows(`SELECT id, item, CAST(qty AS STRING) FROM again_`+f+` EMIT CHANGES LIMIT 1;`, 1)
		if len(got) != 1 || got[0] != "a pen 42" {
			t.Errorf("%s: got %q", f, got)
		}
		if !r.fake.SubjectExists("OUT_" + f + "-value") {
			t.Errorf("%s: the sink's schema is not registered", f)
		}
	}
}

// TestFailedStatementLeavesNoTopics: it may fail when its topics have been made, its sink's and those of its query.
func TestFailedStatementLeavesNoTopics(t *testing.T) {
	r := newSchemaRig(t)
	topics := func() (names []string) {
		list, err := r.Kafka().ListTopics()
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range list {
			names = append(names, topic.Name)
		}
		return names
	}
	r.must(`CREATE STREAM orders (id STRING KEY, item STRING) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='JSON');`)
	before := topics()
	const create = `CREATE TABLE items WITH (VALUE_FORMAT='AVRO') AS SELECT item, COUNT(*) AS n FROM orders GROUP BY item EMIT CHANGES;`
	r.down.Store(true)
	r.refuse(create, "schema.registry")
	if now := topics(); !slices.Equal(now, before) {
		t.Errorf("topics %q, before the statement %q", now, before)
	}
	r.down.Store(false)
	r.must(create)
	if now := topics(); len(now) != len(before)+3 { // a sink, a changelog, and between them a topic by item
		t.Errorf("topics %q, before the statement %q", now, before)
	}
}

// TestRegistryOutage: records whose schema cannot be asked for wait until it can; none is lost, and none is taken for broken.
func TestRegistryOutage(t *testing.T) {
	r := newSchemaRig(t)
	schema := `{"type":"record","name":"o","fields":[{"name":"ITEM","type":"string"}]}`
	if _, _, err := r.fake.RegisterSchema("orders-value", sr.Schema{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	r.must(`CREATE STREAM orders (id STRING KEY) WITH (KAFKA_TOPIC='orders', PARTITIONS=1, VALUE_FORMAT='AVRO');
		CREATE STREAM plain WITH (VALUE_FORMAT='JSON') AS SELECT id, item FROM orders;
		CREATE STREAM copy WITH (VALUE_FORMAT='AVRO') AS SELECT id, item FROM orders;
		INSERT INTO orders VALUES ('a', 'pen');`)
	if got := r.rows(`SELECT item FROM plain EMIT CHANGES LIMIT 1;`, 1); len(got) != 1 {
		t.Fatalf("before: %q", got)
	}
	r.must(`INSERT INTO orders VALUES ('b', 'ink'); PAUSE ALL;`)
	closeEngine(t, r.Engine)
	r.Engine = nil
	r.down.Store(true)
	r.open() // it remembers no schema
	r.refuse(`CREATE STREAM o2 WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');`, "schema.registry")
	r.must(`RESUME ALL;`)
	time.Sleep(2 * time.Second)
	r.down.Store(false)
	for _, name := range []string{"plain", "copy"} { // copy's schema is asked for when its tasks are made
		if got := r.rows(`SELECT item FROM `+name+` EMIT CHANGES LIMIT 2;`, 2); strings.Join(got, " ") != "pen ink" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestAssertSchema(t *testing.T) {
	r := newSchemaRig(t)
	register := func(subject, field string) int {
		id, _, err := r.fake.RegisterSchema(subject, sr.Schema{Schema: `{"type":"record","name":"o","fields":[{"name":"` + field + `","type":"string"}]}`})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first, other := register("orders-value", "A"), register("items-value", "B")
	for _, sql := range []string{
		"ASSERT SCHEMA SUBJECT `orders-value`;",
		fmt.Sprintf("ASSERT SCHEMA ID %d;", first),
		fmt.Sprintf("ASSERT SCHEMA SUBJECT `orders-value` ID %d TIMEOUT 1 SECOND;", first),
		fmt.Sprintf("ASSERT NOT EXISTS SCHEMA SUBJECT `orders-value` ID %d;", other),
		"ASSERT NOT EXISTS SCHEMA SUBJECT `no-value`;",
		"ASSERT NOT EXISTS SCHEMA ID 77;",
	} {
		got, ok := r.must(sql)[0].Body.(engine.AssertSchema)
		if !ok || got.Exists == strings.Contains(sql, "NOT EXISTS") || (got.ID == nil) == strings.Contains(sql, " ID ") {
			t.Errorf("%s: %+v", sql, got)
		}
	}
	for sql, words := range map[string]string{
		"ASSERT SCHEMA SUBJECT `no-value` TIMEOUT 10 MILLISECONDS;":                                   "no-value does not exist",
		fmt.Sprintf("ASSERT SCHEMA SUBJECT `orders-value` ID %d TIMEOUT 10 MILLISECONDS;", other):     "does not exist",
		fmt.Sprintf("ASSERT NOT EXISTS SCHEMA SUBJECT `items-value` ID %d TIMEOUT 1 SECONDS;", other): "exists",
	} {
		r.refuse(sql, "assert.failed", words)
	}
	r.down.Store(true)
	r.refuse("ASSERT SCHEMA ID 1;", "schema.registry")
	r.down.Store(false)
	go func() {
		time.Sleep(200 * time.Millisecond)
		_, _, _ = r.fake.RegisterSchema("late-value", sr.Schema{Schema: `"string"`})
	}()
	r.must("ASSERT SCHEMA SUBJECT `late-value` TIMEOUT 20 SECONDS;") // it waits
}

func TestAssertSchemaWithoutARegistry(t *testing.T) {
	r := newRig(t)
	_, err := r.Execute(t.Context(), engine.Request{SQL: "ASSERT SCHEMA ID 1;"})
	var s *engine.StatementError
	if !errors.As(err, &s) || s.Code != engine.CodeRegistryMissing || s.Rule != "schema.unavailable" {
		t.Errorf("got %v", err)
	}
}
