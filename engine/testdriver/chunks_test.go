package testdriver

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/millrace/millrace/engine/record"
)

// many is more than operators read back and push at a time, by a part: what one record causes comes in several batches.
const many = 3500

// chunked are ways of running a query that may not change its results: in batches, with commits, aborts and restarts between them, over
// the engine's stores too, and where memory takes few groups.
func chunked(t *testing.T) map[string]Options {
	stores := durable(t)
	return map[string]Options{
		"row by row":       {},
		"batches":          {BatchSize: 256},
		"coalesced":        {BatchSize: 256, Coalesce: true},
		"commits":          {BatchSize: 256, CommitEvery: 3, Restart: true},
		"aborts":           {BatchSize: 100, CommitEvery: 5, Abort: true, Restart: true},
		"few groups":       {BatchSize: 64, CommitEvery: 7, MaxGroups: 1},
		"engine":           {BatchSize: 256, CommitEvery: 4, Stores: stores},
		"engine, in doubt": {BatchSize: 100, CommitEvery: 5, Abort: true, Restart: true, Coalesce: true, Stores: stores},
	}
}

// runChunked runs a query in all ways and compares what it writes, to the letter and in order.
func runChunked(t *testing.T, query string, in []Record, want []string) {
	for name, o := range chunked(t) {
		t.Run(name, func(t *testing.T) {
			got := text(outputs(t, query, o, in))
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("record %d of %d is %q, want %q of %d", i, len(got), at(got, i), at(want, i), len(want))
				}
			}
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "none"
}

func intKey(k int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(k)) }

func put(topic string, k, v int, t int64) Record {
	return Record{topic, record.Record{Key: intKey(k), Value: fmt.Appendf(nil, `{"v": %d}`, v), Timestamp: t}}
}

// TestManyWindowsEnd: one record ends the windows of many keys and starts. They come once, by start and then by key, all of them before what
// the next record ends.
func TestManyWindowsEnd(t *testing.T) {
	const query = `CREATE TABLE o AS SELECT k, SUM(v) AS n FROM a WINDOW TUMBLING (SIZE 10 MILLISECONDS, RETENTION 1 HOUR, GRACE PERIOD 100 MILLISECONDS) GROUP BY k EMIT FINAL;`
	const end, size = 10_000, 10
	type window struct {
		start int64
		k     int
	}
	r := rand.New(rand.NewPCG(1, 2))
	sums, times := map[window]int{}, map[window]int64{}
	var in []Record
	take := func(k, v int, t int64) {
		w := window{t / size * size, k}
		sums[w] += v
		times[w] = max(times[w], t)
		in = append(in, put("a", k, v, t))
	}
	for k := range many / 2 {
		for range 3 {
			take(k, r.IntN(100), r.Int64N(100)) // none ends before 109 + 1
		}
	}
	r.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
	open := len(sums)
	if open < many {
		t.Fatalf("%d windows, want %d at least", open, many)
	}
	take(7, 1, end)                     // ends them
	take(8, 2, end+1)                   // ends nothing, and comes right behind
	in = append(in, put("a", 9, 3, 50)) // too late
	take(7, 4, 2*end)

	var want []string
	keys := make([]window, 0, len(sums))
	for w := range sums {
		if w.start < 2*end {
			keys = append(keys, w)
		}
	}
	slices.SortFunc(keys, func(a, b window) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.k, b.k)) })
	for _, w := range keys {
		key := binary.BigEndian.AppendUint64(intKey(w.k), uint64(w.start))
		want = append(want, fmt.Sprintf(`%x {"N":%d} @%d null=false`, key, sums[w], times[w]))
	}
	if len(want) != open+2 {
		t.Fatalf("%d windows are to end, want %d", len(want), open+2)
	}
	runChunked(t, query, in, want)
}

// waiter is a row of an outer join that waits.
type waiter struct {
	topic string
	k, v  int
	t     int64
}

// line is what the row gives without a match.
func (w waiter) line() string {
	if w.topic == "a" {
		return fmt.Sprintf(`%x {"AV":%d,"BV":null} @%d null=false`, intKey(w.k), w.v, w.t)
	}
	return fmt.Sprintf(`%x {"AV":null,"BV":%d} @%d null=false`, intKey(w.k), w.v, w.t)
}

// TestManyRowsExpire: one record ends the wait of many rows of the left side, amid rows of the right side that wait on; a later one that of
// the right ones. They come once, by time, right before left, and then by key.
func TestManyRowsExpire(t *testing.T) {
	const query = `CREATE STREAM o AS SELECT ROWKEY AS k, a.v AS av, b.v AS bv FROM a FULL OUTER JOIN b
		WITHIN (1 SECOND, 10 MILLISECONDS) GRACE PERIOD 5 MILLISECONDS ON a.k = b.k;`
	r := rand.New(rand.NewPCG(3, 4))
	var left, right []waiter
	for i := range many {
		left = append(left, waiter{"a", i / 2, i, r.Int64N(10)}) // some keys have two rows of one time
		right = append(right, waiter{"b", many + i/2, i, r.Int64N(10)})
	}
	var in []Record
	add := func(rows ...waiter) {
		for _, w := range rows {
			in = append(in, put(w.topic, w.k, w.v, w.t))
		}
	}
	for i := 0; i < many; i += 100 {
		add(left[i : i+100]...)
		add(right[i : i+100]...)
	}
	first := waiter{"a", 1 << 20, 1, 60}
	second := waiter{"b", 1 << 21, 2, 5000}
	add(first, second)

	byTime := func(a, b waiter) int {
		return cmp.Or(cmp.Compare(a.t, b.t), bytes.Compare(intKey(a.k), intKey(b.k)))
	}
	slices.SortStableFunc(left, byTime)
	slices.SortStableFunc(right, byTime)
	var want []string
	for _, rows := range [][]waiter{left, right, {first}} {
		for _, w := range rows {
			want = append(want, w.line())
		}
	}
	runChunked(t, query, in, want)
}

// TestManyRowsMeet: a batch of rows of one key meets more rows than are pushed at a time.
func TestManyRowsMeet(t *testing.T) {
	const query = `CREATE STREAM o AS SELECT a.k, a.v AS av, b.v AS bv FROM a LEFT JOIN b WITHIN 1 SECOND GRACE PERIOD 1 SECOND ON a.k = b.k;`
	const rows = 70
	var in []Record
	var want []string
	for v := range rows {
		in = append(in, put("b", 1, v, int64(v)))
	}
	for v := range rows {
		in = append(in, put("a", 1, v, rows))
		for o := range rows {
			want = append(want, fmt.Sprintf(`%x {"AV":%d,"BV":%d} @%d null=false`, intKey(1), v, o, rows))
		}
	}
	if len(want) < many {
		t.Fatalf("%d results, want %d at least", len(want), many)
	}
	runChunked(t, query, in, want)
}
