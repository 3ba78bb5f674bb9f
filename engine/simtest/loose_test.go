package simtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/kafka"
)

// loosely are the queries whose committed table or set of results is the same however often rows are put twice.
func loosely(q Query) bool { return q.Name == "filter" || q.Name == "tables" }

// set lists the different lines of a history's results, compacted if they are a table's.
func set(q Query, out Outcome) map[string]int {
	lines := map[string]int{}
	for p, records := range out.Output {
		if strings.HasPrefix(q.SQL, "CREATE TABLE") {
			records = compacted(records)
		}
		for _, r := range records {
			lines[fmt.Sprintf("%d %x %s", p, r.Key, r.Value)]++
		}
	}
	return lines
}

// looseError says what a history at_least_once did wrong: it lost something, changed something, or repeated something although nothing
// failed.
func looseError(q Query, want, got Outcome, failed bool) error {
	w, g := set(q, want), set(q, got)
	if !loosely(q) {
		return counts(want, got)
	}
	for line, n := range w {
		if g[line] < n || !failed && g[line] > n {
			return fmt.Errorf("%s is there %d times, not %d", line, g[line], n)
		}
	}
	for line := range g {
		if w[line] == 0 {
			return fmt.Errorf("%s should not be there", line)
		}
	}
	return nil
}

// counts compares the last results of a query that counts: no key has less.
func counts(want, got Outcome) error {
	number := func(records []kafka.Record) map[string]int {
		out := map[string]int{}
		for _, r := range compacted(records) {
			n := 0
			_, _ = fmt.Sscanf(string(r.Value), `{"N":%d`, &n) // 0 is less than any
			out[string(r.Key)] = n
		}
		return out
	}
	for p := range want.Output {
		g := number(got.Output[p])
		for key, n := range number(want.Output[p]) {
			if g[key] < n {
				return fmt.Errorf("key %x counts %d, not %d or more", key, g[key], n)
			}
		}
	}
	return nil
}

// TestAtLeastOnce lets each request of a history fail, in the longest one every other request, while processes write outside transactions:
// nothing is lost, and nothing is there twice unless something failed. In every other history the second process writes in transactions,
// as after a change of the setting.
func TestAtLeastOnce(t *testing.T) {
	for i, q := range Queries {
		if !loosely(q) && q.Name != "count" {
			continue
		}
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo, seed := planned(t, q), uint64(200+i)
			strict := &History{Query: q, topo: topo, Seed: seed, Plan: Calm(seed)}
			want, err := run(t, strict)
			if err != nil {
				t.Fatal(err)
			}
			calm := &History{Query: q, topo: topo, Seed: seed, Plan: Calm(seed), Loose: 1000}
			got, err := run(t, calm)
			if err == nil {
				err = looseError(q, want, got, false)
			}
			if err != nil {
				t.Fatalf("without failures: %v", err)
			}
			histories := 0
			for n, p := range calm.Plan.Points {
				for way := range p.Ways {
					if testing.Short() && (n+way)%10 != 0 || n%2 != 0 && q.Name == "tables" {
						continue
					}
					h := &History{Query: q, topo: topo, Seed: seed, Plan: Once(seed, n, way), Loose: 1 + (n+way)%2*1000}
					got, err := run(t, h)
					if err == nil {
						err = looseError(q, want, got, true)
					}
					if err != nil {
						t.Errorf("point %d, way %d: injected %q: %v\nreplay: go test -run '%s' ./engine/simtest", n, way, h.Plan.Injected, err, t.Name())
					}
					histories++
				}
			}
			t.Logf("%d points, %d histories", len(calm.Plan.Points), histories)
		})
	}
}
