package cluster

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state/changelog"
)

// TestRestoringTellsTheLog: a line when the first record is read, one every few seconds, one at the end of the last restore.
func TestRestoringTellsTheLog(t *testing.T) {
	var b bytes.Buffer
	r := restoring{log: slog.New(slog.NewTextHandler(&b, nil))}
	now := time.UnixMilli(1_700_000_000_000)
	remaining := func() int64 { return 700 }
	expect := func(parts ...string) {
		t.Helper()
		got := b.String()
		b.Reset()
		if len(parts) == 0 && got != "" || strings.Count(got, "\n") > 1 {
			t.Fatalf("the log has %q", got)
		}
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Fatalf("the log has %q, without %q", got, p)
			}
		}
	}
	r.enter(now)
	r.moved(now, 0, 0, changelog.Progress{End: 3})
	r.leave(now)
	expect() // only markers were read

	r.enter(now)
	r.enter(now)
	r.moved(now, 0, 0, changelog.Progress{End: 1000, Rebuild: true})
	r.moved(now.Add(time.Second), 100, 5000, changelog.Progress{At: 100, End: 1000, Rebuild: true})
	expect("is being restored from its changelogs", "tasks=2")
	r.tick(now.Add(tellEvery), remaining)
	expect() // the last line is not that old
	r.moved(now.Add(3*time.Second), 200, 10_000, changelog.Progress{At: 300, End: 1000, Rebuild: true})
	r.tick(now.Add(tellEvery+time.Second), remaining)
	expect("records=300", "remaining=700", "bytes=15000", "records_per_second=50", "for=6s")
	r.leave(now.Add(8 * time.Second))
	expect()
	r.moved(now.Add(9*time.Second), 700, 35_000, changelog.Progress{At: 1000, End: 1000, Rebuild: true})
	r.leave(now.Add(10 * time.Second))
	expect("restores have ended", "records=1000", "records_per_second=100", "from_the_start=1", "took=10s")
	r.tick(now.Add(time.Minute), remaining)
	expect()
}

func TestStatusOfARestore(t *testing.T) {
	m := &member{
		slot: &slot{}, sub: &topology.SubTopology{Stores: make([]topology.Store, 2)},
		restore: map[string]changelog.Progress{"left": {From: 100, At: 150, End: 200}},
	}
	if st := m.status(); st.State != Restoring || st.Done != 0.25 {
		t.Errorf("half of one of two stores: %s, %v", st.State, st.Done)
	}
}
