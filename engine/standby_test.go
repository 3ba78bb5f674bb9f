package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// ask runs a pull query with properties to its end.
func ask(t *testing.T, e *Engine, sql string, props map[string]any) ([]string, error) {
	t.Helper()
	rs, err := e.Query(t.Context(), Request{SQL: sql, Properties: props})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }()
	var list []string
	for {
		rows, err := rs.Next(t.Context())
		for _, r := range rows {
			list = append(list, fmt.Sprint(r.Values...))
		}
		if errors.Is(err, io.EOF) {
			slices.Sort(list)
			return list, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// copiesAre waits until a server keeps as many copies of slots as given, all at their ends.
func copiesAre(t *testing.T, s *testServer, slots int) {
	t.Helper()
	waitFor(t, "the copies", func() bool {
		behind, copies := int64(0), 0
		for _, id := range s.queries.IDs() {
			st := s.queries.Status(id)
			for _, task := range st.Standbys {
				copies++
				for _, store := range task.Stores {
					behind += store.Lag()
				}
			}
		}
		return len(s.cluster.StandbySlots()) == slots && copies >= slots && behind == 0
	})
}

// TestCopiesAnswer: while a server is away, tables whose queries allow it are read from the copies that others keep, at any server.
func TestCopiesAnswer(t *testing.T) {
	broker := testBroker(t)
	const session = 30 * time.Second // after which the group gives away what a server had that has gone
	withCopies := func(o *Options) {
		o.Properties = map[string]string{"ksql.streams." + standbyReplicas: "1", sessionTimeout: fmt.Sprint(session.Milliseconds())}
	}
	a, b := openServer(t, broker, t.TempDir(), withCopies), openServer(t, broker, t.TempDir(), withCopies)
	execute(t, a.Engine, everyType)
	execute(t, a.Engine, everyTypeRows(20))
	spread(t, a, b)
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("k%02d", i))
	}
	const sql = "SELECT k FROM own;"
	eventually(t, a.Engine, sql, want...)
	copiesAre(t, a, testSlots/2)
	copiesAre(t, b, testSlots/2)
	alone := map[string]any{"request.ksql.query.pull.skip.forwarding": true}
	if _, err := ask(t, a.Engine, sql, alone); err == nil || !strings.Contains(err.Error(), "skip.forwarding") {
		t.Errorf("a server that must not ask others answers for all: %v", err)
	}
	standby := map[string]any{"ksql.query.pull.enable.standby.reads": true}
	waitFor(t, "what the copies have to be read", func() bool {
		b.asks.Store(0)
		alone[standbyReads] = "true"
		got, err := ask(t, a.Engine, sql, alone)
		return err == nil && slices.Equal(got, want) && b.asks.Load() == 0
	})
	waitFor(t, "the other server's copies to be known", func() bool {
		servers := a.Servers()
		return len(servers) == 2 && len(servers[0].Standbys) == testSlots/2 && len(servers[1].Standbys) == testSlots/2
	})
	b.end()
	a.patience = 50 * time.Millisecond
	began := time.Now()
	got, err := ask(t, a.Engine, sql, standby)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("from copies: %q, %v", got, err)
	}
	if took := time.Since(began); took > session/2 {
		t.Errorf("the copies were asked after %s, when the group gives the slots away", took)
	}
	_, err = ask(t, a.Engine, sql, nil)
	var st *StatementError
	if err != nil && (!errors.As(err, &st) || st.Code != CodeNotReady) {
		t.Errorf("without copies: %v", err)
	}
}

// TestServersOnKafka: three servers on real Kafka answer for each other. When one goes without a word, the others answer from their copies at once, and
// as owners when the group has given them its slots.
func TestServersOnKafka(t *testing.T) {
	addrs := os.Getenv("MILLRACE_KAFKA")
	if addrs == "" {
		t.Skip("MILLRACE_KAFKA is not set: TestCopiesAnswer has shown it on the embedded broker (make test-kafka)")
	}
	name := fmt.Sprintf("servers%x", time.Now().UnixNano())
	// The server that will go is soon missed; no slow machine has the others miss anything meanwhile.
	waitedFor := func(session string) *testServer {
		return openServer(t, "", t.TempDir(), func(o *Options) {
			o.Bootstrap, o.Service = strings.Split(addrs, ","), name+"_"
			o.Properties = map[string]string{standbyReplicas: "1", sessionTimeout: session}
		})
	}
	a, b, c := waitedFor("30000"), waitedFor("10000"), waitedFor("30000")
	execute(t, a.Engine, strings.ReplaceAll(`CREATE STREAM s (k STRING KEY, i INT) WITH (KAFKA_TOPIC='{s}', PARTITIONS=8, VALUE_FORMAT='JSON');
		CREATE TABLE own WITH (KAFKA_TOPIC='{s}-own') AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;`, "{s}", name))
	var want []string
	var rows strings.Builder
	for i := range 40 {
		want = append(want, fmt.Sprintf("k%02d1", i))
		fmt.Fprintf(&rows, "INSERT INTO s (k, i) VALUES ('k%02d', %d);\n", i, i)
	}
	execute(t, a.Engine, rows.String())
	spread(t, a, b, c)
	const sql = "SELECT k, n FROM own;"
	for _, s := range []*testServer{a, b, c} {
		waitFor(t, "all rows", func() bool { got, err := ask(t, s.Engine, sql, nil); return err == nil && slices.Equal(got, want) })
	}
	waitFor(t, "all copies", func() bool {
		return len(a.cluster.StandbySlots())+len(b.cluster.StandbySlots())+len(c.cluster.StandbySlots()) == testSlots
	})
	for _, s := range []*testServer{a, b, c} {
		copiesAre(t, s, len(s.cluster.StandbySlots()))
	}
	b.end()
	standby := map[string]any{standbyReads: "true", standbyLag: "0"} // nothing but what the owners had committed
	asked, slowest := 0, time.Duration(0)
	for began := time.Now(); len(a.cluster.Taken())+len(c.cluster.Taken()) < testSlots; asked++ {
		for _, s := range []*testServer{a, c} {
			at := time.Now()
			if got, err := ask(t, s.Engine, sql, standby); err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s after a server had gone: %d rows, %v", time.Since(began), len(got), err)
			}
			slowest = max(slowest, time.Since(at))
		}
		if time.Since(began) > enough {
			t.Fatal("the slots of a server that has gone are not taken over")
		}
	}
	t.Logf("%d times all rows while nobody owned a third of them, the slowest in %s", asked, slowest)
	if asked == 0 {
		t.Error("nothing was asked while the slots had no owner")
	}
	waitFor(t, "the new owners", func() bool { got, err := ask(t, a.Engine, sql, nil); return err == nil && slices.Equal(got, want) })
}
