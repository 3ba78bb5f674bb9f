package chaos

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

// TestCrashesOnEmbeddedBroker holds the embedded broker to what its documentation promises after kill -9: the server starts again with
// its definitions, what was written is there, and everything that comes afterwards is processed exactly once. Results around the
// moment of a kill may be missing or doubled, so they are not looked at.
func TestCrashesOnEmbeddedBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("kills take their time")
	}
	port, err := child.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t, "--kafka-listen", port, "--slots", "4")
	r.start(t.Context())
	c, err := kafka.Open(kafka.Config{Brokers: []string{port}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	w := Workload{Suffix: "crash", Users: 20, Partitions: 2}
	if err := w.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := r.api.Execute(t.Context(), w.Statements(), earliest); err != nil {
		t.Fatal(err)
	}
	load, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.Load(load, c, 1, 1_000_000, 20*time.Millisecond) // what the broker lost is not looked at
	}()
	for i := range number(t, "MILLRACE_KILLS", 5) {
		time.Sleep(time.Duration(300+i*170) * time.Millisecond)
		r.server.Kill()
		r.start(t.Context())
	}
	stop()
	<-done
	defer func() { r.server.Stop() }()
	const after = 30
	var sql strings.Builder
	for i := range after {
		fmt.Fprintf(&sql, "INSERT INTO events (ROWTIME, id, usr, amount) VALUES (%d, 'after-%d', 'user-1', 3);\n", firstEvent, i)
	}
	if err := r.api.Execute(t.Context(), sql.String(), nil); err != nil {
		t.Fatal(err)
	}
	var seen map[string]int
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got, err := w.rows(t.Context(), c, "big")
		if err != nil {
			t.Fatal(err)
		}
		seen = got
		if len(seen) >= after || time.Now().After(deadline) {
			break
		}
	}
	for i := range after {
		if n := seen[fmt.Sprintf("after-%d", i)]; n != 1 {
			t.Errorf("row after-%d came out %d times", i, n)
		}
	}
	t.Logf("slowest start after a kill: %s", r.slowest.Round(time.Millisecond))
}

// rows counts, by key, the rows of an output that were inserted after the crashes.
func (w Workload) rows(ctx context.Context, c *kafka.Client, name string) (map[string]int, error) {
	out := map[string]int{}
	err := w.read(ctx, c, name, func(r *kafka.Record) error {
		if strings.HasPrefix(string(r.Key), "after-") {
			out[string(r.Key)]++
		}
		return nil
	})
	return out, err
}
