package engine_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

// TestFunctionIsReplacedUnderLoad: while rows come without a pause, a function is replaced again and again. Each row comes out once, is evaluated by one version
// wherever it is called, and by none that is older than the one of the row before it.
func TestFunctionIsReplacedUnderLoad(t *testing.T) {
	r := newFunctionRig(t)
	replace := func(version int) {
		t.Helper()
		r.must(fmt.Sprintf("CREATE OR REPLACE FUNCTION v(a INT) RETURNS INT LANGUAGE WASM WITH (URI='versions.wasm', EXPORT='v%d');", version))
	}
	replace(1)
	r.must("CREATE STREAM versions AS SELECT id, ROWPARTITION AS p, ROWOFFSET AS o, V(qty) AS v, V(qty + 1) AS w FROM orders;")

	var inserted atomic.Int64
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				failed <- nil
				return
			default:
			}
			n := inserted.Load()
			sql := fmt.Sprintf("INSERT INTO orders (id, item, qty) VALUES ('o%d', 'pen', %d);", n, n)
			if _, err := r.Execute(t.Context(), engine.Request{SQL: sql}); err != nil {
				failed <- err
				return
			}
			inserted.Add(1)
		}
	}()
	until := func(happened func() bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); !happened(); time.Sleep(time.Millisecond) {
			if len(failed) > 0 || time.Now().After(deadline) {
				t.Fatal("nothing goes on")
			}
		}
	}
	var defined []int
	for i := range 20 {
		version := 1 + i%3
		replace(version)
		defined = append(defined, version)
		if i < 3 { // each is used once at least
			until(func() bool {
				return len(r.rows(fmt.Sprintf("SELECT id FROM versions WHERE v = %d LIMIT 1;", version))) > 0
			})
		}
		more := inserted.Load() + 5
		until(func() bool { return inserted.Load() >= more })
	}
	close(stop)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}

	var rows []string
	for deadline := time.Now().Add(patience); int64(len(rows)) < inserted.Load() && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rows = r.rows("SELECT id FROM versions;")
	}
	var want []string
	for i := range inserted.Load() {
		want = append(want, fmt.Sprint("o", i))
	}
	if slices.Sort(want); !slices.Equal(rows, want) {
		t.Fatalf("%d rows came out of %d, %d of them different", len(rows), len(want), len(slices.Compact(slices.Clone(rows))))
	}
	inOrder(t, r.ordered("SELECT p, o, v, w FROM versions;"), defined)
}

// inOrder checks that rows of partition, offset, version and version follow the versions that were defined.
func inOrder(t *testing.T, rows []string, defined []int) {
	t.Helper()
	partitions := map[int][][]int{}
	for _, row := range rows {
		var values []int
		for _, word := range strings.Fields(row) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(row, err)
			}
			values = append(values, n)
		}
		partitions[values[0]] = append(partitions[values[0]], values)
	}
	for partition, list := range partitions {
		slices.SortFunc(list, func(a, b []int) int { return a[1] - b[1] })
		left := defined
		for _, row := range list {
			if row[2] != row[3] {
				t.Errorf("one row is evaluated by versions %d and %d", row[2], row[3])
			}
			at := slices.Index(left, row[2])
			if at < 0 {
				t.Fatalf("partition %d goes back to version %d at %d", partition, row[2], row[1])
			}
			left = left[at:]
		}
	}
}
