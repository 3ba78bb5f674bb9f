package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/task"
)

const raw = "CREATE STREAM raw (id STRING KEY, txt STRING) WITH (KAFKA_TOPIC='raw', VALUE_FORMAT='JSON', PARTITIONS=1);"

// began is the time of the first record: the embedded broker deletes old ones when it starts.
var began = time.Now().UnixMilli()

// produce writes values to a topic, all with one key and a header.
func produce(t *testing.T, e *Engine, topic string, values ...string) {
	t.Helper()
	p := e.kafka.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i, v := range values {
		rec := kafka.Record{Timestamp: began + int64(i), Key: []byte("k"), Value: []byte(v), Headers: []kafka.Header{{Key: "trace", Value: []byte("7")}}}
		if err := p.Produce(t.Context(), kafka.ProduceBatch{Topic: topic, Records: []kafka.Record{rec}}); err != nil {
			t.Fatal(err)
		}
	}
}

// letters reads a topic's committed records in short.
func letters(t *testing.T, e *Engine, topic string) (out []string) {
	t.Helper()
	r := e.kafka.NewReader()
	defer r.Close()
	for b, err := range r.All(t.Context(), topic, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range b.Records {
			line := fmt.Sprintf("%s=%s@%d", rec.Key, rec.Value, rec.Timestamp-began)
			for _, h := range rec.Headers {
				if h.Key != task.HeaderMessage && h.Key != task.HeaderNode {
					line += " " + strings.TrimPrefix(h.Key, "__millrace.errors.") + "=" + string(h.Value)
				}
			}
			out = append(out, line)
		}
	}
	return out
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(enough); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", enough, what)
		}
	}
}

func queryOf(t *testing.T, e *Engine, source string) string {
	t.Helper()
	src, ok := e.Catalog().Source(source)
	if !ok {
		t.Fatalf("there is no %s", source)
	}
	return src.Query
}

// TestDeadLetters: what cannot be read, computed or written goes to a topic as it came, once, over a restart and back.
func TestDeadLetters(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, raw+`
		SET 'millrace.on.error' = 'dead-letter';
		CREATE TABLE sums AS SELECT id, COUNT(*) AS n, SUM(CAST(txt AS INT)) AS s FROM raw GROUP BY id;
		SET 'millrace.dead.letter.topic' = 'refused';
		CREATE STREAM numbers AS SELECT id, CAST(txt AS INT) AS n, CAST(txt AS BIGINT) AS b FROM raw;`)
	produce(t, e, "raw", `{"TXT":"1"}`, `not json`, `{"TXT":"x"}`, `{"TXT":"2"}`)
	eventually(t, e, "SELECT n, s FROM sums;", "2 3")
	sums, numbers := queryOf(t, e, "SUMS"), queryOf(t, e, "NUMBERS")
	dead := e.opts.Service + sums + "_dead_letter"
	letter := func(query string, offset int, value, stage string) string {
		return fmt.Sprintf("k=%s@%d trace=7 query=%s stage=%s topic=raw partition=0 offset=%d", value, offset%4, query, stage, offset)
	}
	want := []string{letter(sums, 1, "not json", "deserialization"), letter(sums, 2, `{"TXT":"x"}`, "record processing")}
	waitFor(t, "dead letters", func() bool { return slices.Equal(letters(t, e, dead), want) })
	// Two expressions fail for the one row: it makes one letter, and is not among the results.
	refused := []string{letter(numbers, 1, "not json", "deserialization"), letter(numbers, 2, `{"TXT":"x"}`, "record processing")}
	waitFor(t, "dead letters of the other query", func() bool { return slices.Equal(letters(t, e, "refused"), refused) })
	if got := rows(t, e, "SELECT n FROM numbers;", -1); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("the other query's results are %q", got)
	}
	end()

	e, _ = openTest(t, dir)
	produce(t, e, "raw", `{"TXT":"3"}`, `[]`)
	eventually(t, e, "SELECT n, s FROM sums;", "3 6")
	want = append(want, letter(sums, 5, "[]", "deserialization"))
	waitFor(t, "another dead letter", func() bool { return slices.Equal(letters(t, e, dead), want) })

	d := execute(t, e, "EXPLAIN "+numbers+";")[0].Body.(QueryDescriptionEntity).QueryDescription
	if d.OnError != "dead-letter to topic refused" {
		t.Errorf("the query's description says %q", d.OnError)
	}
	waitFor(t, "the table's description to count them", func() bool { // which it does a moment after the commit that readers see
		s := execute(t, e, "DESCRIBE sums EXTENDED;")[0].Body.(SourceDescriptionEntity).SourceDescription
		return strings.Contains(s.ErrorStats, "1 bad rows, 0 late rows, 1 dead letters in "+dead)
	})
	if slices.ContainsFunc(letters(t, e, dead), func(l string) bool { return strings.Contains(l, `"3"`) }) {
		t.Error("a good record became a dead letter")
	}
	// A drop leaves the letters.
	execute(t, e, "DROP TABLE sums;")
	if got := letters(t, e, dead); !slices.Equal(got, want) {
		t.Errorf("after the drop there are %q", got)
	}
}

// TestStopAtRecord: the query stands at the record, over restarts, until it is replaced by one that can go on. Others go on.
func TestStopAtRecord(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	const sums = "TABLE sums AS SELECT id, COUNT(*) AS n, SUM(CAST(txt AS INT)) AS s FROM raw GROUP BY id;"
	execute(t, e, raw+`
		CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM raw GROUP BY id;
		SET 'ksql.query.retry.backoff.initial.ms' = '20'; SET 'ksql.query.retry.backoff.max.ms' = '100';
		SET 'millrace.on.error' = 'stop'; CREATE `+sums)
	id := queryOf(t, e, "SUMS")
	produce(t, e, "raw", `{"TXT":"1"}`)
	eventually(t, e, "SELECT n, s FROM sums;", "1 1")
	produce(t, e, "raw", `{"TXT":"x"}`, `{"TXT":"2"}`)
	stopped := func() bool {
		st := e.queries.Status(id)
		return st.State == "ERROR" && strings.Contains(st.Error, "stopped at record 1 of raw/0") && strings.Contains(st.Error, "CAST")
	}
	waitFor(t, "the query to stop", stopped)
	eventually(t, e, "SELECT n FROM counts;", "3")
	waitFor(t, "attempts", func() bool { return e.queries.Status(id).Restarts > 3 })
	end()

	e, _ = openTest(t, dir)
	waitFor(t, "the query to stop again", stopped)
	execute(t, e, "SET 'millrace.on.error' = 'skip'; CREATE OR REPLACE "+sums)
	eventually(t, e, "SELECT n, s FROM sums;", "3 3")
	if st := e.queries.Status(id); st.State != "RUNNING" {
		t.Errorf("the query is %s: %s", st.State, st.Error)
	}
}

// TestResumeRetries: RESUME gives a query its next chance at once, however long it would have waited.
func TestResumeRetries(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, raw+`SET 'ksql.fail.on.deserialization.error' = 'true';
		SET 'ksql.query.retry.backoff.initial.ms' = '100000000';
		CREATE STREAM copy AS SELECT * FROM raw;`)
	id := queryOf(t, e, "COPY")
	produce(t, e, "raw", `no json`)
	waitFor(t, "the query to stop", func() bool { return strings.Contains(e.queries.Status(id).Error, "stopped at record 0 of raw/0") })
	if n := e.queries.Status(id).Restarts; n != 0 {
		t.Errorf("it was started again %d times", n)
	}
	waitFor(t, "the next attempt", func() bool {
		execute(t, e, "RESUME "+id+";") // again, as long as the failure is not noticed by who starts queries again
		return e.queries.Status(id).Restarts > 0
	})
}

func TestErrorPolicyProperties(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	for _, c := range []struct {
		props map[string]string
		want  string
	}{
		{nil, "skip, stop where a row cannot be written"},
		{map[string]string{onError: "skip"}, "skip"},
		{map[string]string{failOnWrite: "false"}, "skip"},
		{map[string]string{onError: "STOP"}, "stop"},
		{map[string]string{onError: "dead-letter"}, "dead-letter to topic default_Q_dead_letter"},
		{map[string]string{failOnRead: "true"}, "skip, stop where a record cannot be read, stop where a row cannot be written"},
		{map[string]string{failOnWrite: "true", onError: "dead-letter", deadLetterTopic: "d"}, "dead-letter to topic d, stop where a row cannot be written"},
	} {
		if got := describePolicy(e.errorPolicy("Q", c.props)); got != c.want {
			t.Errorf("%v gives %q, want %q", c.props, got, c.want)
		}
	}
	execute(t, e, raw)
	for sql, rule := range map[string]string{
		"SET 'millrace.on.error' = 'ignore';": "property",
		"SET 'millrace.on.error' = 'dead-letter'; SET 'millrace.dead.letter.topic' = 'raw'; CREATE STREAM copy AS SELECT * FROM raw;":  "query.dead-letter-topic",
		"SET 'millrace.on.error' = 'dead-letter'; SET 'millrace.dead.letter.topic' = 'COPY'; CREATE STREAM copy AS SELECT * FROM raw;": "query.dead-letter-topic",
		"SET 'millrace.on.error' = 'dead-letter'; SET 'millrace.dead.letter.topic' = 'a b'; CREATE STREAM copy AS SELECT * FROM raw;":  "query.dead-letter-topic",
	} {
		_, err := e.Execute(t.Context(), Request{SQL: sql})
		if err == nil || !strings.Contains(fmt.Sprintf("%+v", err.(*StatementError).Rule), rule) {
			t.Errorf("%s\nwant a refusal by %s, got %v", sql, rule, err)
		}
	}
}

// TestPrintEndsWithTheEngine: a client that keeps PRINT open does not keep its fetcher alive.
func TestPrintEndsWithTheEngine(t *testing.T) {
	e, end := openTest(t, t.TempDir())
	execute(t, e, raw)
	rs, err := e.Query(t.Context(), Request{SQL: "PRINT raw;"})
	if err != nil {
		t.Fatal(err)
	}
	end()
	if sub := rs.(*printer).sub; sub.Add("raw", 0, 0) == nil {
		t.Error("the fetcher still takes partitions")
	}
	if err := rs.Close(); err != nil {
		t.Error(err)
	}
}

// TestNamesTooLongForTopics: a query whose internal topics could not be made is refused, and not set to ERROR later.
func TestNamesTooLongForTopics(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	long := strings.Repeat("long", 55)
	execute(t, e, raw+"CREATE STREAM "+long+" AS SELECT * FROM raw;") // it needs none
	_, err := e.Execute(t.Context(), Request{SQL: "CREATE TABLE " + long + "1 AS SELECT txt, COUNT(*) AS n FROM raw GROUP BY txt;"})
	var refused *StatementError
	if !errors.As(err, &refused) || refused.Rule != "query.id" {
		t.Errorf("want a refusal, got %v", err)
	}
}

func TestPartitionsThatAreAdded(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, "CREATE STREAM wide (id STRING KEY, txt STRING) WITH (KAFKA_TOPIC='wide', VALUE_FORMAT='JSON', PARTITIONS=3);"+
		"CREATE STREAM copy AS SELECT * FROM wide; CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM wide GROUP BY id;")
	for _, q := range e.Catalog().Queries() {
		stored := &command.Query{ID: q.ID, Start: map[string][]int64{"wide": {7, 8}}}
		_, start, err := e.partitioned(stored, q.Plan)
		if q.Sink == "COPY" {
			if err != nil || !slices.Equal(start["wide"], []int64{7, 8, 0}) {
				t.Errorf("the query without state reads from %v: %v", start, err)
			}
			continue
		}
		var changed *PartitionsError
		if !errors.As(err, &changed) || changed.Had != 2 || changed.Have != 3 {
			t.Errorf("%s: want a refusal of new partitions, got %v", q.ID, err)
		}
	}
	three := func(string) (int32, error) { return 3, nil }
	if _, err := newPartitions(map[string][]int64{"wide": {0, 0, 0, 0}}, three); err == nil {
		t.Error("a topic with fewer partitions is taken for the same")
	}
}
