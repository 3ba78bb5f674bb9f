package simtest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/engine/topology"
)

// TestCopies lets slots move between two processes that keep copies for each other, while requests fail and processes die. In the end the state of
// every task is complete on both disks.
func TestCopies(t *testing.T) {
	seeds, _ := seedsOf(t, 4, 2)
	var failures, moves atomic.Int64
	t.Cleanup(func() { t.Logf("%d failures injected, %d slots moved", failures.Load(), moves.Load()) })
	for _, q := range Queries {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo := planned(t, q)
			for _, seed := range seeds {
				h := copying(t, q, topo, seed)
				failures.Add(int64(len(h.Plan.Injected)))
				moves.Add(int64(h.sharing.moves))
				if h.sharing.moves == 0 {
					t.Errorf("seed %d: no slot moved", seed)
				}
			}
		})
	}
}

// copying runs a history with copies: one of four without failures.
func copying(t *testing.T, q Query, topo *topology.Topology, seed uint64) *History {
	t.Helper()
	exact := seed%3 == 0
	q.Apart = true
	want, _ := reference(t, q, topo, seed, exact)
	h := &History{Query: q, topo: topo, Seed: seed, Exact: exact, Copies: true, Plan: Calm(seed), Events: Events{Move: 5 + int(seed%3)*5}}
	if seed%4 != 0 {
		h.Plan = Often(seed, []int{40, 10, 20}[seed%3], 60)
		h.Events.Kill, h.Events.Restart, h.Events.Lose = int(seed%3), int(seed%2), int(seed%5*10)
	}
	if seed%5 == 4 {
		h.Memory = 1 + int(seed)*100
	}
	check(t, h, want, fmt.Sprintf("MILLRACE_SEED=%d", seed))
	return h
}
