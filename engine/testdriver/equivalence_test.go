package testdriver

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/udf/builtin"
)

// queries are run over random inputs; the results may not depend on how they are run.
var queries = map[string]string{
	"filter":        `CREATE STREAM o AS SELECT k, v, s FROM a WHERE v % 3 = 0;`,
	"count":         `CREATE TABLE o AS SELECT k, COUNT(*) AS n, SUM(v) AS s, LATEST_BY_OFFSET(v) AS l FROM a GROUP BY k;`,
	"regroup":       `CREATE TABLE o AS SELECT s, COUNT(*) AS n, AVG(v) AS v, MIN(v) AS lo, MAX(v) AS hi FROM a GROUP BY s;`,
	"having":        `CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM a GROUP BY k HAVING SUM(v) % 2 = 0;`,
	"tumbling":      `CREATE TABLE o AS SELECT k, COUNT(*) AS n FROM a WINDOW TUMBLING (SIZE 100 MILLISECONDS, GRACE PERIOD 50 MILLISECONDS) GROUP BY k;`,
	"hopping":       `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW HOPPING (SIZE 100 MILLISECONDS, ADVANCE BY 30 MILLISECONDS, GRACE PERIOD 20 MILLISECONDS) GROUP BY k;`,
	"session":       `CREATE TABLE o AS SELECT k, SUM(v) AS n, COUNT(*) AS c FROM a WINDOW SESSION (20 MILLISECONDS, GRACE PERIOD 50 MILLISECONDS) GROUP BY k;`,
	"final":         `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW TUMBLING (SIZE 50 MILLISECONDS, GRACE PERIOD 60 MILLISECONDS) GROUP BY k EMIT FINAL;`,
	"table filter":  `CREATE TABLE o AS SELECT k, v FROM t WHERE v > 20;`,
	"undo":          `CREATE TABLE o AS SELECT v % 4 AS g, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY v % 4;`,
	"stream table":  `CREATE STREAM o AS SELECT a.k, a.v AS av, t.v AS tv FROM a LEFT JOIN t ON a.k = t.k;`,
	"rekeyed join":  `CREATE STREAM o AS SELECT a.v, a.k AS ak, t.v AS tv FROM a JOIN t ON a.v = t.k;`,
	"table table":   `CREATE TABLE o AS SELECT ROWKEY AS k, t.v AS tv, u.v AS uv FROM t FULL OUTER JOIN u ON t.k = u.k;`,
	"foreign key":   `CREATE TABLE o AS SELECT t.k, t.v AS tv, u.v AS uv FROM t LEFT JOIN u ON t.v % 6 = u.k;`,
	"foreign where": `CREATE TABLE o AS SELECT t.k, t.v AS tv, u.v AS uv FROM t JOIN u ON t.v % 6 = u.k WHERE u.v > 10;`,
	"streams":       `CREATE STREAM o AS SELECT a.k, a.v AS av, b.v AS bv FROM a LEFT JOIN b WITHIN 10 MILLISECONDS GRACE PERIOD 5 MILLISECONDS ON a.k = b.k;`,
}

const sources = `CREATE STREAM a (k INT KEY, v INT, s STRING) WITH (kafka_topic='a', value_format='JSON', partitions=1);
CREATE STREAM b (k INT KEY, v INT) WITH (kafka_topic='b', value_format='JSON', partitions=1);
CREATE TABLE t (k INT PRIMARY KEY, v INT) WITH (kafka_topic='t', value_format='JSON', partitions=1);
CREATE TABLE u (k INT PRIMARY KEY, v INT) WITH (kafka_topic='u', value_format='JSON', partitions=1);`

// seeds is how many random inputs each query is tried on.
const seeds = uint64(3)

// inputs makes records of all topics, in runs, mostly in order of time, some broken or null.
func inputs(seed uint64) []Record {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []Record
	topic, now := "a", int64(0)
	for range 250 {
		if r.IntN(4) == 0 {
			topic = []string{"a", "a", "b", "t", "u"}[r.IntN(5)]
		}
		now += int64(r.IntN(8))
		rec := record.Record{Timestamp: max(0, now-int64(r.IntN(4)*r.IntN(40)))}
		if r.IntN(30) > 0 {
			rec.Key = []byte{0, 0, 0, byte(r.IntN(6))}
		}
		switch r.IntN(20) {
		case 0:
		case 1:
			rec.Value = []byte(`{"v": broken`)
		default:
			rec.Value = fmt.Appendf(nil, `{"v": %d, "s": "%c"}`, r.IntN(50), 'a'+r.IntN(5))
		}
		out = append(out, Record{topic, rec})
	}
	return out
}

// outputs runs a query and returns what it wrote.
func outputs(t *testing.T, query string, o Options, in []Record) []Record {
	t.Helper()
	o.Functions = builtin.Registry()
	d := New(o)
	for _, s := range append(strings.SplitAfter(sources, ";")[:4], query) {
		if err := d.Execute(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range in {
		d.Input(r)
	}
	if err := d.Run(); err != nil {
		t.Fatal(err)
	}
	return d.Outputs("O")
}

func text(records []Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = fmt.Sprintf("%x %s @%d null=%v", r.Key, r.Value, r.Timestamp, r.Value == nil)
	}
	return out
}

// compacted keeps what a compacted topic would in the end.
func compacted(records []Record) map[string]string {
	out := map[string]string{}
	for _, r := range records {
		delete(out, string(r.Key))
		if r.Value != nil {
			out[string(r.Key)] = fmt.Sprintf("%s @%d", r.Value, r.Timestamp)
		}
	}
	return out
}

func TestEquivalence(t *testing.T) {
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				in := inputs(seed)
				want := outputs(t, query, Options{}, in)
				if len(want) == 0 {
					t.Fatal("the query has no results")
				}
				for _, o := range []Options{
					{BatchSize: 3},
					{BatchSize: 64},
					{BatchSize: 256},
					{CommitEvery: 1, Restart: true},
					{CommitEvery: 7, Abort: true},
					{MaxGroups: 1},
					{BatchSize: 3, CommitEvery: 5, Restart: true, Abort: true},
				} {
					got := text(outputs(t, query, o, in))
					for i, w := range text(want) {
						if i >= len(got) || got[i] != w {
							t.Fatalf("seed %d, %+v: record %d is %q, want %q", seed, o, i, append(got, "", "")[min(i, len(got))], w)
						}
					}
					if len(got) != len(want) {
						t.Fatalf("seed %d, %+v: %d records, want %d", seed, o, len(got), len(want))
					}
				}
			}
		})
	}
}

// TestPartitions compares what the topics hold in the end with one partition and with several. Windows are left out: stream time
// is each partition's own, and so are its late rows.
func TestPartitions(t *testing.T) {
	for name, query := range queries {
		if strings.Contains(query, "WINDOW") || strings.Contains(query, "WITHIN") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				in := inputs(seed)
				want := outputs(t, query, Options{}, in)
				for _, o := range []Options{
					{Partitions: 3}, {Partitions: 4, CommitEvery: 3, Restart: true, Abort: true}, {Partitions: 5, Coalesce: true},
				} {
					got := outputs(t, query, o, in)
					if strings.HasPrefix(query, "CREATE TABLE") {
						if w, g := compacted(want), compacted(got); !maps.Equal(w, g) {
							t.Errorf("seed %d, %+v: got %v, want %v", seed, o, g, w)
						}
						continue
					}
					w, g := text(want), text(got)
					slices.Sort(w)
					slices.Sort(g)
					if !slices.Equal(w, g) {
						t.Errorf("seed %d, %+v: got %d records, want %d", seed, o, len(g), len(w))
					}
				}
			}
		})
	}
}

func TestCoalescing(t *testing.T) {
	for name, query := range queries {
		if !strings.HasPrefix(query, "CREATE TABLE") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				in := inputs(seed)
				exact := outputs(t, query, Options{}, in)
				want := compacted(exact)
				for _, o := range []Options{
					{}, {BatchSize: 64}, {CommitEvery: 1}, {BatchSize: 3, MaxGroups: 2}, {BatchSize: 3, CommitEvery: 4, Restart: true, Abort: true},
				} {
					o.Coalesce = true
					records := outputs(t, query, o, in)
					if len(records) > len(exact) {
						t.Errorf("seed %d, %+v: %d records, exact emission has %d", seed, o, len(records), len(exact))
					}
					got := compacted(records)
					if len(got) != len(want) {
						t.Errorf("seed %d, %+v: %d keys, want %d", seed, o, len(got), len(want))
					}
					for k, w := range want {
						if got[k] != w {
							t.Fatalf("seed %d, %+v: key %x has %s, want %s", seed, o, k, got[k], w)
						}
					}
				}
			}
		})
	}
}
