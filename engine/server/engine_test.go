package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

// openEngine starts a real engine with the broker inside.
func openEngine(t *testing.T, change ...func(*engine.Options)) *engine.Engine {
	t.Helper()
	opts := engine.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), DiskReserve: 1}
	for _, f := range change {
		f(&opts)
	}
	e, err := engine.Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

// statements runs SQL that must succeed.
func statements(t *testing.T, url, sql string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"ksql": sql, "streamsProperties": map[string]string{"auto.offset.reset": "earliest"}})
	if err != nil {
		t.Fatal(err)
	}
	resp := post(t, http.DefaultClient, url+"/ksql", string(body))
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", sql, resp.StatusCode, answer)
	}
	return string(answer)
}

// eventually waits for what the engine does in its own time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func pushQueries(e *engine.Engine) float64 { return metric(e, "millrace_push_queries") }

func metric(e *engine.Engine, name string) float64 {
	for _, m := range e.Metrics() {
		if m.Name == name {
			return m.Value
		}
	}
	return -1
}

func TestRealEngine(t *testing.T) {
	e := openEngine(t)
	url, _ := serve(t, e)
	statements(t, url, "CREATE STREAM s (id INT KEY, v DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"+
		"CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;")
	for i := range 5 {
		statements(t, url, fmt.Sprintf("INSERT INTO s (id, v) VALUES (%d, %d.5);", i%2, i))
	}

	pull := func() string {
		resp := post(t, http.DefaultClient, url+"/query", `{"ksql":"SELECT * FROM counts WHERE id = 0;"}`)
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	eventually(t, "the count reaches 3", func() bool { return strings.Contains(pull(), `{"row":{"columns":[0,3]}}`) })

	for proto, client := range clients() {
		resp := post(t, client, url+"/query-stream", `{"sql":"SELECT * FROM s EMIT CHANGES;","properties":{"auto.offset.reset":"earliest"}}`)
		lines := bufio.NewScanner(resp.Body)
		for range 6 { // the head and five rows
			if !lines.Scan() {
				t.Fatalf("%s: the stream ended: %v", proto, lines.Err())
			}
		}
		if lines.Text() != "[0,4.5]" {
			t.Errorf("%s: last row %s", proto, lines.Text())
		}
		resp.Body.Close()
		client.CloseIdleConnections()
		eventually(t, "the query of a client that left ends", func() bool { return pushQueries(e) == 0 })
	}
}

func TestCloseQuery(t *testing.T) {
	e := openEngine(t)
	url, _ := serve(t, e)
	statements(t, url, "CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
	resp := post(t, http.DefaultClient, url+"/query-stream", `{"sql":"SELECT * FROM s EMIT CHANGES;"}`)
	defer resp.Body.Close()
	body := bufio.NewReader(resp.Body)
	head, err := body.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var meta struct{ QueryID string }
	if err := json.Unmarshal([]byte(head), &meta); err != nil || meta.QueryID == "" {
		t.Fatalf("head %q (%v)", head, err)
	}
	closed := post(t, http.DefaultClient, url+"/close-query", `{"queryId":"`+meta.QueryID+`"}`)
	closed.Body.Close()
	if closed.StatusCode != http.StatusOK {
		t.Errorf("close: %d", closed.StatusCode)
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) != 0 {
		t.Errorf("the stream ends with %q (%v)", rest, err)
	}
	again := post(t, http.DefaultClient, url+"/close-query", `{"queryId":"`+meta.QueryID+`"}`)
	again.Body.Close()
	if again.StatusCode != http.StatusBadRequest {
		t.Errorf("close again: %d", again.StatusCode)
	}
}
