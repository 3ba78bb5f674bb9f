package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka/embedded"
	"github.com/millrace/millrace/engine/pull"
)

// testBroker opens a broker that several engines can connect to.
func testBroker(t testing.TB) string {
	t.Helper()
	b, err := embedded.Open("", embedded.Options{Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

// testServer is an engine that others can ask.
type testServer struct {
	*Engine
	http *httptest.Server
	asks atomic.Int64 // requests of others
	end  func()
}

// openServer opens an engine of a service on a broker.
func openServer(t testing.TB, broker, dir string, change ...func(*Options)) *testServer {
	t.Helper()
	s := &testServer{}
	s.http = httptest.NewUnstartedServer(s)
	o := Options{
		DataDir: dir, Bootstrap: []string{broker}, Slots: testSlots, Advertise: "http://" + s.http.Listener.Addr().String(),
		Logger:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Properties: map[string]string{sessionTimeout: "15000"}, // no slow machine is taken for dead
	}
	for _, f := range change {
		f(&o)
	}
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.Engine = e
	s.http.Start()
	ended := false
	s.end = func() {
		if ended {
			return
		}
		ended = true
		s.http.Close()
		ctx, cancel := context.WithTimeout(context.Background(), enough)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(s.end)
	return s
}

// ServeHTTP is what package server does.
func (s *testServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asks.Add(1)
	var err error
	if r.URL.Path == StatisticsEndpoint {
		err = s.serveStatistics(w, r)
	} else {
		var q pull.Request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", pull.MediaType)
		err = s.ServePull(r.Context(), &q, pull.NewWriter(w, http.NewResponseController(w).Flush))
	}
	var st *StatementError
	if errors.As(err, &st) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(st.Code / 100)
		_, _ = fmt.Fprintf(w, `{"message":%q}`, st.Message)
	}
}

// serveStatistics is what package server does for the figures of models.
func (s *testServer) serveStatistics(w http.ResponseWriter, r *http.Request) error {
	var q StatisticsRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return err
	}
	a, err := s.ServeStatistics(r.Context(), &q)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", pull.JSON)
	return json.NewEncoder(w).Encode(a)
}

// testSlots is how many slots the service has; the tables of everyType have tasks in each.
const testSlots = 8

// spread waits until the servers share all slots evenly.
func spread(t testing.TB, servers ...*testServer) {
	t.Helper()
	for deadline := time.Now().Add(enough); ; time.Sleep(20 * time.Millisecond) {
		taken, least := 0, testSlots
		for _, s := range servers {
			n := len(s.cluster.Taken())
			taken, least = taken+n, min(least, n)
		}
		if taken == testSlots && least == testSlots/len(servers) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the servers have %d slots, one of them %d", taken, least)
		}
	}
}

const everyType = `
CREATE STREAM s (k STRING KEY, i INT, b BIGINT, d DOUBLE, dec DECIMAL(30, 10), o BOOLEAN, x BYTES, dt DATE, tm TIME, ts TIMESTAMP,
    a ARRAY<DECIMAL(6, 2)>, m MAP<STRING, DOUBLE>, st STRUCT<F BIGINT, G ARRAY<STRING>>)
  WITH (KAFKA_TOPIC='s', PARTITIONS=8, VALUE_FORMAT='JSON');
CREATE TABLE own AS SELECT k, COUNT(*) AS n, LATEST_BY_OFFSET(i) AS i, LATEST_BY_OFFSET(b) AS b, LATEST_BY_OFFSET(d) AS d, LATEST_BY_OFFSET(dec) AS dec,
    LATEST_BY_OFFSET(o) AS o, LATEST_BY_OFFSET(x) AS x, LATEST_BY_OFFSET(dt) AS dt, LATEST_BY_OFFSET(tm) AS tm, LATEST_BY_OFFSET(ts) AS ts,
    LATEST_BY_OFFSET(a) AS a, LATEST_BY_OFFSET(m) AS m, LATEST_BY_OFFSET(st) AS st FROM s GROUP BY k EMIT CHANGES;
CREATE TABLE moved AS SELECT i, COUNT(*) AS n, MAX(b) AS b FROM s GROUP BY i EMIT CHANGES;
CREATE TABLE win AS SELECT i, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY i EMIT CHANGES;
CREATE TABLE ses AS SELECT i, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY i EMIT CHANGES;
`

func everyTypeRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `INSERT INTO s (ROWTIME, k, i, b, d, dec, o, x, dt, tm, ts, a, m, st) VALUES (%d, 'k%02d', %d, %d, 0.1, 12345678901234567890.0123456789, true,
			TO_BYTES('AAH/', 'base64'), '2026-01-02', '03:04:05', '2026-01-02T03:04:05.678', ARRAY[0.01, NULL], MAP('p' := 1e300), STRUCT(f := 9007199254740993, g := ARRAY['x', NULL]));
			`, 1000*i, i, i, 9007199254740993+int64(i))
	}
	return b.String()
}

// TestEveryServerAnswersForAll asks each of three servers for rows of all, in every way there is.
func TestEveryServerAnswersForAll(t *testing.T) {
	broker := testBroker(t)
	servers := []*testServer{openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir())}
	const n = 30
	execute(t, servers[0].Engine, everyType)
	execute(t, servers[0].Engine, everyTypeRows(n))
	spread(t, servers...)
	want := map[string][]string{}
	for i := range n {
		add := func(table, row string) { want[table] = append(want[table], row) }
		add("SELECT * FROM own;", fmt.Sprintf("k%02d 1 %d %d 0.1 12345678901234567890.0123456789 true [0 1 255] 20455 11045000 1767323045678 [0.01 <nil>] [{p 1e+300}] [9007199254740993 [x <nil>", i, i, 9007199254740993+int64(i)))
		add("SELECT i, n, b FROM moved;", fmt.Sprintf("%d 1 %d", i, 9007199254740993+int64(i)))
		add("SELECT i, WINDOWSTART, WINDOWEND, n FROM win;", fmt.Sprintf("%d %d %d 1", i, i/10*10000, i/10*10000+10000))
		add("SELECT i, WINDOWSTART, WINDOWEND, n FROM ses;", fmt.Sprintf("%d %d %d 1", i, 1000*i, 1000*i))
		add("SELECT i + 1 FROM moved WHERE b > 9007199254740993;", fmt.Sprint(i+1))
	}
	want["SELECT i + 1 FROM moved WHERE b > 9007199254740993;"] = want["SELECT i + 1 FROM moved WHERE b > 9007199254740993;"][1:]
	want["SELECT k FROM own WHERE k IN ('k00', 'k01', 'k02', 'k29', 'none');"] = []string{"k00", "k01", "k02", "k29"}
	want["SELECT i FROM moved WHERE i IN (0, 1, 2, 29, 30);"] = []string{"0", "1", "2", "29"}
	want["SELECT i FROM win WHERE i IN (5, 25) AND WINDOWSTART < 20000;"] = []string{"5"}
	want["SELECT i FROM moved WHERE i = 30;"] = nil
	for _, list := range want {
		slices.Sort(list) // as rows does, which cuts brackets off the ends
	}
	for _, s := range servers {
		for sql, list := range want {
			eventually(t, s.Engine, sql, list...)
		}
		for i := range n {
			if got := rows(t, s.Engine, fmt.Sprintf("SELECT b FROM moved WHERE i = %d;", i), -1); !slices.Equal(got, []string{fmt.Sprint(9007199254740993 + int64(i))}) {
				t.Errorf("key %d is found as %q", i, got)
			}
		}
		if got := rows(t, s.Engine, "SELECT k FROM own LIMIT 7;", -1); len(got) != 7 || len(slices.Compact(got)) != 7 {
			t.Errorf("a limit of 7 gives %q", got)
		}
	}
	for _, s := range servers {
		if s.asks.Load() == 0 {
			t.Error("a server was not asked by the others")
		}
	}
}

// TestKeyIsAskedForWhereItIs: of a table that was grouped anew, at most one other server is asked for a key.
func TestKeyIsAskedForWhereItIs(t *testing.T) {
	broker := testBroker(t)
	servers := []*testServer{openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir())}
	execute(t, servers[0].Engine, everyType)
	execute(t, servers[0].Engine, everyTypeRows(20))
	spread(t, servers...)
	for i := range 20 {
		eventually(t, servers[0].Engine, fmt.Sprintf("SELECT n FROM moved WHERE i = %d;", i), "1")
	}
	before := servers[1].asks.Load() + servers[2].asks.Load()
	for i := range 20 {
		rows(t, servers[0].Engine, fmt.Sprintf("SELECT n FROM moved WHERE i = %d;", i), -1)
	}
	if asks := servers[1].asks.Load() + servers[2].asks.Load() - before; asks == 0 || asks > 20 {
		t.Errorf("20 keys took %d requests", asks)
	}
}

// TestQueryWaitsForAServerThatReturns: while a server is away, queries that need it say which partition is missing; one that waits gets its
// answer when the server is back.
func TestQueryWaitsForAServerThatReturns(t *testing.T) {
	broker := testBroker(t)
	a, dir := openServer(t, broker, t.TempDir()), t.TempDir()
	b := openServer(t, broker, dir)
	execute(t, a.Engine, everyType)
	execute(t, a.Engine, everyTypeRows(20))
	spread(t, a, b)
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("k%02d", i))
	}
	eventually(t, a.Engine, "SELECT k FROM own;", want...)
	b.end()
	a.patience = 50 * time.Millisecond
	err := failure(t, a.Engine, "SELECT k FROM own;")
	var st *StatementError
	if err == nil {
		t.Log("its slots had moved already")
	} else if !errors.As(err, &st) || st.Code != CodeNotReady || !strings.Contains(st.Message, " of OWN is moving: ") {
		t.Errorf("without the other server: %v", err)
	}
	a.patience = enough
	back := make(chan *testServer, 1)
	go func() { back <- openServer(t, broker, dir) }()
	if got := rows(t, a.Engine, "SELECT k FROM own;", -1); !slices.Equal(got, want) {
		t.Errorf("after the return: %q", got)
	}
	b = <-back
	eventually(t, b.Engine, "SELECT k FROM own;", want...)
}

// failure runs a query to its error.
func failure(t *testing.T, e *Engine, sql string) error {
	t.Helper()
	rs, err := e.Query(t.Context(), Request{SQL: sql})
	if err != nil {
		return err
	}
	defer func() { _ = rs.Close() }()
	for {
		if _, err := rs.Next(t.Context()); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
