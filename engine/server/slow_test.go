package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

// TestClientsThatDoNotRead: what waits for one is bounded, it is dropped and can read why, and a client beside it gets every row.
func TestClientsThatDoNotRead(t *testing.T) {
	e := openEngine(t, func(o *engine.Options) { o.PushPatience = 500 * time.Millisecond })
	url, _ := serve(t, e, func(c *Config) { c.WriteTimeout = time.Hour }) // nothing else ends a client that takes nothing
	statements(t, url, "CREATE STREAM s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
	for proto, client := range clients() {
		dropped := metric(e, "millrace_push_slow_total")
		ask := func(c *http.Client) *http.Response {
			return post(t, c, url+"/query-stream", `{"sql":"SELECT id, v FROM s EMIT CHANGES;"}`)
		}
		slow, quick := ask(client), ask(&http.Client{Transport: &http.Transport{}})
		lines := bufio.NewScanner(quick.Body)
		lines.Buffer(nil, 1<<20)
		lines.Scan() // the head
		const rows, width = 160, 200_000
		got, most := 0, 0.0
		for i := range rows {
			statements(t, url, fmt.Sprintf("INSERT INTO s (id, v) VALUES (%d, '%s');", i, strings.Repeat("x", width)))
			if !lines.Scan() || !strings.HasPrefix(lines.Text(), fmt.Sprintf("[%d,", i)) {
				t.Fatalf("%s: the client that reads gets %.20q (%v)", proto, lines.Text(), lines.Err())
			}
			got++
			most = max(most, metric(e, "millrace_push_backlog_bytes"))
		}
		eventually(t, "a client that does not read is dropped", func() bool {
			most = max(most, metric(e, "millrace_push_backlog_bytes"))
			return metric(e, "millrace_push_slow_total") == dropped+1
		})
		if most < width || most > 1<<20+2*width {
			t.Errorf("%s: %v bytes waited", proto, most)
		}
		all, err := io.ReadAll(slow.Body)
		last := all[strings.LastIndexByte(strings.TrimSpace(string(all)), '\n')+1:]
		if err != nil || !strings.Contains(string(last), `"error_code":40800`) || !strings.Contains(string(last), "the client reads too slowly") {
			t.Errorf("%s: the last line is %.200q (%v)", proto, last, err)
		}
		if n := strings.Count(string(all), "\n") - 2; n >= rows || got != rows {
			t.Errorf("%s: the slow client got %d rows, the other %d", proto, n, got)
		}
		slow.Body.Close()
		quick.Body.Close()
		client.CloseIdleConnections()
		eventually(t, "the queries end", func() bool { return pushQueries(e) == 0 })
	}
	if left := metric(e, "millrace_push_backlog_bytes"); left != 0 {
		t.Errorf("%v bytes are left", left)
	}
}
