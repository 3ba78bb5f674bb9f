package simtest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
)

// run runs a history in a bubble.
func run(t *testing.T, h *History) (out Outcome, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { out, err = h.Run() })
	return out, err
}

// render makes an outcome comparable. What is not promised is left out.
func render(h *History, out Outcome) string {
	var b strings.Builder
	line := func(r kafka.Record) {
		fmt.Fprintf(&b, "  %x %s null=%v", r.Key, r.Value, r.Value == nil)
		if !h.Query.Values {
			fmt.Fprintf(&b, " @%d", r.Timestamp)
		}
		b.WriteByte('\n')
	}
	whole := strings.HasPrefix(h.Query.SQL, "CREATE STREAM") || h.Exact && !h.Query.Values
	for p, records := range out.Output {
		if !whole {
			records = compacted(records)
		}
		fmt.Fprintf(&b, "output %d\n", p)
		for _, r := range records {
			line(r)
		}
	}
	for p, records := range out.Letters {
		fmt.Fprintf(&b, "letters %d\n", p)
		// Each is there once. Of one batch, those that cannot be read come before those that cannot be computed.
		var lines []string
		for _, r := range records {
			lines = append(lines, fmt.Sprintf("  %x %s @%d %s\n", r.Key, r.Value, r.Timestamp, r.Headers))
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, ""))
	}
	for _, sub := range h.topo.Subs {
		for _, st := range sub.Stores {
			for p, records := range out.Changelogs[st.Changelog] {
				fmt.Fprintf(&b, "store %s/%d\n", st.ID, p)
				for _, r := range records {
					if h.Query.Apart && h.Query.Values {
						r.Value = nil
					}
					fmt.Fprintf(&b, "  %x %x\n", r.Key, r.Value)
				}
			}
		}
	}
	return b.String()
}

// difference shows the first line in which two texts differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := slices.Concat(w, make([]string, len(g)))[i], slices.Concat(g, make([]string, len(w)))[i]
		if a != b {
			return fmt.Sprintf("line %d:\nwant %s\ngot  %s", i, a, b)
		}
	}
	return ""
}

// reference is the history without failures.
func reference(t *testing.T, q Query, topo *topology.Topology, seed uint64, exact bool) (string, []Point) {
	t.Helper()
	h := &History{Query: q, topo: topo, Seed: seed, Exact: exact, Plan: Calm(seed)}
	out, err := run(t, h)
	if err != nil {
		t.Fatalf("%s, seed %d, without failures: %v", q.Name, seed, err)
	}
	text := render(h, out)
	return text, h.Plan.Points
}

func TestCalm(t *testing.T) {
	for _, q := range Queries {
		t.Run(q.Name, func(t *testing.T) {
			want, points := reference(t, q, nil, 1, false)
			if !strings.Contains(want, "null=") {
				t.Error("the query has no results")
			}
			if q.Letters != strings.Contains(want, "errors.stage deserialization") || q.Letters != strings.Contains(want, "errors.stage record processing") {
				t.Error("dead letters are not what they should be")
			}
			again, _ := reference(t, q, nil, 1, false)
			if want != again {
				t.Error("the same seed gave two results")
			}
			t.Logf("%d points", len(points))
		})
	}
}

// seedsOf are those of so many histories, of fewer with -short; or MILLRACE_SEED alone, which replays a failure.
func seedsOf(t *testing.T, rounds, short uint64) (seeds []uint64, replay bool) {
	t.Helper()
	if text := os.Getenv("MILLRACE_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("MILLRACE_SEED: %v", err)
		}
		return []uint64{n}, true
	}
	if testing.Short() {
		rounds = short
	}
	for seed := range rounds {
		seeds = append(seeds, seed)
	}
	return seeds, false
}

// check compares a history with the reference.
func check(t *testing.T, h *History, want, replay string) {
	t.Helper()
	out, err := run(t, h)
	got := ""
	if err == nil {
		got = render(h, out)
	}
	if err == nil && got == want {
		return
	}
	t.Errorf("%s: injected %q: %v\n%s\nreplay: %s go test -run '%s' ./engine/simtest", h.Query.Name, h.Plan.Injected, err,
		difference(want, got), replay, t.Name())
}

// TestEveryPoint lets each request of a history fail in each of its ways, one in each history.
func TestEveryPoint(t *testing.T) {
	for i, q := range Queries {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo := planned(t, q)
			seed := uint64(100 + i)
			want, points := reference(t, q, topo, seed, false)
			kinds := map[string]int{}
			for n, p := range points {
				for way := range p.Ways {
					if testing.Short() && (n+way)%10 != 0 {
						continue
					}
					h := &History{Query: q, topo: topo, Seed: seed, Plan: Once(seed, n, way)}
					check(t, h, want, "")
					if len(h.Plan.Injected) != 1 {
						t.Errorf("%s: %q was injected, not one failure", p.Name, h.Plan.Injected)
					}
					kinds[p.Name]++
				}
			}
			t.Logf("%d points, histories by where they fail: %v", len(points), kinds)
		})
	}
}

// TestSeeds lets requests fail and processes die at random, many in each history.
func TestSeeds(t *testing.T) {
	seeds, _ := seedsOf(t, 30, 8)
	var total atomic.Int64
	t.Cleanup(func() { t.Logf("%d failures injected", total.Load()) })
	for _, q := range Queries {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo := planned(t, q)
			for _, seed := range seeds {
				total.Add(random(t, q, topo, seed))
			}
		})
	}
}

// random runs a history in which much fails, and says how often something did.
func random(t *testing.T, q Query, topo *topology.Topology, seed uint64) int64 {
	t.Helper()
	exact := seed%3 == 0
	want, _ := reference(t, q, topo, seed, exact)
	h := &History{
		Query: q, topo: topo, Seed: seed, Exact: exact, Plan: Often(seed, []int{5, 15, 40}[seed%3], 60),
		Events: Events{
			Kill: int(seed % 5), Restart: int(seed % 4), Zombie: int(seed % 6), Lose: int(seed % 2 * 40), Elsewhere: int(seed % 7 * 10), Sleep: int(seed % 3 * 20),
		},
	}
	check(t, h, want, fmt.Sprintf("MILLRACE_SEED=%d", seed))
	return int64(len(h.Plan.Injected))
}

// TestLittleMemory lets requests fail where there is memory for nothing: operators forget what they keep at hand after every turn, commits and
// flushes come at once, and inputs wait.
func TestLittleMemory(t *testing.T) {
	rounds := uint64(10)
	if testing.Short() {
		rounds = 3
	}
	for _, q := range Queries {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo := planned(t, q)
			for seed := range rounds {
				exact := seed%2 == 0
				want, points := reference(t, q, topo, seed, exact)
				h := &History{Query: q, topo: topo, Seed: seed, Exact: exact, Memory: 1, Plan: Calm(seed)}
				check(t, h, want, "")
				if slices.Equal(h.Plan.Points, points) {
					t.Error("little memory makes no difference")
				}
				h = &History{
					Query: q, topo: topo, Seed: seed, Exact: exact, Memory: 1 + int(seed)*200, Plan: Often(seed, 20, 40),
					Events: Events{Kill: int(seed % 4), Zombie: int(seed % 3)},
				}
				check(t, h, want, "")
			}
		})
	}
}

func planned(t *testing.T, q Query) *topology.Topology {
	t.Helper()
	topo, err := q.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// TestDefectIsSeen shows that the comparison sees a state that was not rolled back.
func TestDefectIsSeen(t *testing.T) {
	for _, q := range Queries {
		if q.Name == "filter" || q.Name == "stream table" || q.Name == "final" || q.Name == "tables" || q.Name == "foreign" {
			continue // no state, or state that is the same when rows are put twice
		}
		t.Run(q.Name, func(t *testing.T) {
			want, points := reference(t, q, nil, 1, false)
			for n, p := range points {
				if p.Name != "commit" {
					continue
				}
				h := &History{Query: q, Seed: 1, Plan: Once(1, n, 0), Defect: cluster.SkipRollback}
				if out, err := run(t, h); err != nil || render(h, out) != want {
					return
				}
			}
			t.Error("a server that does not roll its state back gave the right results whenever a commit was lost")
		})
	}
}

// TestReplay shows that a seed gives the same history again, failures and all.
func TestReplay(t *testing.T) {
	for _, q := range Queries {
		var first []string
		for round := range 2 {
			h := &History{Query: q, Seed: 3, Plan: Often(3, 10, 20), Events: Events{Kill: 3, Zombie: 3, Lose: 20, Elsewhere: 20}}
			if _, err := run(t, h); err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				first = h.Plan.Injected
			} else if !slices.Equal(first, h.Plan.Injected) || len(first) == 0 {
				t.Errorf("%s: injected %q, and again %q", q.Name, first, h.Plan.Injected)
			}
		}
	}
}
