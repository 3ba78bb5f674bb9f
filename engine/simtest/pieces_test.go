package simtest

import (
	"encoding/json"
	"testing"

	"github.com/millrace/millrace/engine/cluster"
)

// enders end much at once: windows and joins are short, and wait long for late rows.
var enders = []Query{
	{Name: "windows", SQL: `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW TUMBLING (SIZE 3 MILLISECONDS, RETENTION 1 MINUTE, GRACE PERIOD 60 MILLISECONDS) GROUP BY k EMIT FINAL;`, Partitions: 2, Serial: true},
	{Name: "overlapping", SQL: `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW HOPPING (SIZE 30 MILLISECONDS, ADVANCE BY 3 MILLISECONDS, RETENTION 1 MINUTE, GRACE PERIOD 20 MILLISECONDS) GROUP BY k EMIT FINAL;`, Partitions: 2, Serial: true},
	{Name: "sessions", SQL: `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW SESSION (3 MILLISECONDS, GRACE PERIOD 60 MILLISECONDS) GROUP BY k EMIT FINAL;`, Partitions: 2, Serial: true},
	{Name: "join", SQL: `CREATE STREAM o AS SELECT ROWKEY AS k, a.v AS av, b.v AS bv FROM a FULL OUTER JOIN b WITHIN 3 MILLISECONDS GRACE PERIOD 60 MILLISECONDS ON a.k = b.k;`, Partitions: 2},
}

// TestPieces lets requests fail while what a batch has ended is emitted: every result is a transaction of its own, since there is memory
// for nothing. The results must be those of one that has all at once, in their order, each once.
func TestPieces(t *testing.T) {
	for i, q := range enders {
		t.Run(q.Name, func(t *testing.T) {
			t.Parallel()
			topo := planned(t, q)
			seed := uint64(200 + i)
			want, _ := reference(t, q, topo, seed, true)
			calm := &History{Query: q, topo: topo, Seed: seed, Exact: true, Memory: 1, Plan: Calm(seed)}
			check(t, calm, want, "")
			if n := debts(t, calm); n < 5 {
				t.Errorf("%d commits came between two pieces, want more", n)
			}
			stride := len(calm.Plan.Points) / 40
			if testing.Short() {
				stride *= 6
			}
			for n := i; n < len(calm.Plan.Points); n += stride {
				h := &History{Query: q, topo: topo, Seed: seed, Exact: true, Memory: 1, Plan: Once(seed, n, n/stride%max(calm.Plan.Points[n].Ways, 1))}
				check(t, h, want, "")
			}
			for round := range uint64(5) {
				h := &History{
					Query: q, topo: topo, Seed: seed, Exact: true, Memory: 1, Plan: Often(seed+round, 20, 60),
					Events: Events{Kill: int(round), Restart: int(round % 2), Zombie: int(round % 3), Lose: 30, Elsewhere: 20, Sleep: 10},
				}
				check(t, h, want, "")
			}
		})
	}
}

// debts counts the commits of a history behind which results were yet to be emitted.
func debts(t *testing.T, h *History) (n int) {
	t.Helper()
	for _, records := range h.log.Committed(cluster.SlotsTopic("sim")) {
		for _, r := range records {
			var value cluster.Record
			if err := json.Unmarshal(r.Value, &value); err != nil {
				t.Fatal(err)
			}
			if len(value.State.Owed) > 0 {
				n++
			}
		}
	}
	return n
}
