package engine

import (
	"errors"
	"fmt"
	"io"
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
	withCopies := func(o *Options) { o.Properties = map[string]string{"ksql.streams.num.standby.replicas": "1"} }
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
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the copies were asked after %s, when the group gives the slots away", took)
	}
	_, err = ask(t, a.Engine, sql, nil)
	var st *StatementError
	if err != nil && (!errors.As(err, &st) || st.Code != CodeNotReady) {
		t.Errorf("without copies: %v", err)
	}
}
