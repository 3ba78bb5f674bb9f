package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// enough is how long something that must happen may take: much longer than it does, for machines that are slow at times.
const enough = 3 * time.Minute

// openTest opens an engine on a directory, and closes it with the test unless the test has.
func openTest(t *testing.T, dir string) (*Engine, func()) {
	t.Helper()
	e, err := Open(t.Context(), Options{DataDir: dir, Slots: 4, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	end := func() {
		if closed {
			return
		}
		closed = true
		ctx, cancel := context.WithTimeout(context.Background(), enough)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(end)
	return e, end
}

var earliest = map[string]any{"auto.offset.reset": "earliest"}

func execute(t testing.TB, e *Engine, sql string) []Entity {
	t.Helper()
	ents, err := e.Execute(t.Context(), Request{SQL: sql, Properties: earliest})
	if err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
	return ents
}

// rows runs a query and reads n rows, or all if n < 0.
func rows(t testing.TB, e *Engine, sql string, n int) []string {
	t.Helper()
	out, err := result(t, e, sql, n)
	if err != nil {
		t.Fatalf("%s\nafter %d rows: %v", sql, len(out), err)
	}
	return out
}

// result is rows of a query that may fail.
func result(t testing.TB, e *Engine, sql string, n int) (out []string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	rs, err := e.Query(ctx, Request{SQL: sql, Properties: earliest})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }()
	for n < 0 || len(out) < n {
		batch, err := rs.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		for _, r := range batch {
			out = append(out, strings.Trim(fmt.Sprint(r.Values), "[]"))
		}
	}
	slices.Sort(out)
	return out, nil
}

// eventually repeats a pull query until it gives the rows. Partitions may be on their way from one server to another meanwhile, which takes
// longer than a query waits where a slow machine is taken for dead.
func eventually(t testing.TB, e *Engine, sql string, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(enough); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var err error
		var moving *StatementError
		if got, err = result(t, e, sql, -1); err != nil && (!errors.As(err, &moving) || moving.Code != CodeNotReady) {
			t.Fatalf("%s\nafter %d rows: %v", sql, len(got), err)
		}
		if err == nil && slices.Equal(got, want) {
			return
		}
	}
	t.Fatalf("%s\ngot  %q\nwant %q", sql, got, want)
}

const payments = `
CREATE STREAM payments (id STRING KEY, usr STRING, amount BIGINT) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', PARTITIONS=2);
CREATE STREAM large AS SELECT id, usr, amount FROM payments WHERE amount > 100 EMIT CHANGES;
CREATE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total FROM payments GROUP BY usr EMIT CHANGES;
`

func TestDefinitionsQueriesAndStateSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, payments)
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('a', 'ann', 50);
		INSERT INTO payments (id, usr, amount) VALUES ('b', 'bob', 200);
		INSERT INTO payments (id, usr, amount) VALUES ('c', 'ann', 300);`)
	if got := rows(t, e, "SELECT id, amount FROM large EMIT CHANGES LIMIT 2;", 2); !slices.Equal(got, []string{"b 200", "c 300"}) {
		t.Errorf("push query: %q", got)
	}
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 2 350", "bob 1 200")
	eventually(t, e, "SELECT n FROM totals WHERE usr = 'ann';", "2")
	if err := e.compactNow(); err != nil {
		t.Fatal(err)
	}
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('z', 'zoe', 7);`)
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 2 350", "bob 1 200", "zoe 1 7")
	end()

	e, _ = openTest(t, dir)
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 2 350", "bob 1 200", "zoe 1 7")
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('d', 'ann', 1);`)
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 3 351", "bob 1 200", "zoe 1 7")
	if got := rows(t, e, "SELECT id FROM large;", -1); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("pull query on a stream: %q", got)
	}
}
