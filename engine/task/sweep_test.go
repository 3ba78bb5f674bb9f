package task

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

// finalPlan is windowPlan with EMIT FINAL, over windows of 10 ms or sessions with gaps of 10 ms, 100 ms of grace and a minute of retention.
func finalPlan(kind plan.WindowKind) plan.Node {
	root := windowPlan().(*plan.Sink)
	a := root.Input.(*plan.Aggregate)
	a.Final = true
	a.Window.Kind, a.Window.Grace, a.Window.Retention = kind, 100*time.Millisecond, time.Minute
	root.Window.Kind = kind
	return root
}

// endings are records of many keys in a few windows, then some that end them: the first few at once, in one batch, the next of them with
// other headers; and one so much later that retention has passed what the others end. Between them rows come that belong to sessions which
// have ended, and rows too late for any window.
func endings() (recs []record.Record) {
	put := func(key int, time int64, headers ...vector.Header) {
		recs = append(recs, record.Record{
			Offset: int64(len(recs)), Timestamp: time, Key: binary.BigEndian.AppendUint32(nil, uint32(key)), Value: []byte(`{"V":1}`), Headers: headers,
		})
	}
	for key := range 70 {
		put(key, int64(key%40))
		put(key, int64(key%40)+1)
	}
	put(1000, 125)
	put(1001, 130) // from here on: sessions that end before 20
	put(15, 22)    // no window of it is open; one of its sessions has ended, and becomes a longer one
	put(1002, 140, vector.Header{Key: "h", Value: []byte("1")})
	put(1003, 155, vector.Header{Key: "h", Value: nil}, vector.Header{Key: "g", Value: []byte{}})
	put(3, 20)
	put(1004, (30 * 24 * time.Hour).Milliseconds())
	put(1005, (60 * 24 * time.Hour).Milliseconds())
	return recs
}

// openFinal returns what makes tasks of a final plan over stores.
func openFinal(t *testing.T, kind plan.WindowKind) (sub *topology.SubTopology, build func(stores state.Stores, piece, batch int) *Task) {
	topo, err := topology.Build(finalPlan(kind), topology.Options{Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return topo.Subs[0], func(stores state.Stores, piece, batch int) *Task {
		task, err := New(topo.Subs[0], 0, Deps{Stores: stores, Functions: builtin.Registry(), UDF: &udf.Env{}, Log: discard{}}, Options{Piece: piece, BatchSize: batch, Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
}

// outputs are a task's outputs as text.
func outputs(task *Task) (out []string) {
	for _, o := range task.Outputs() {
		out = append(out, fmt.Sprintf("%x @%d %s %q", o.Key, o.Timestamp, o.Value, o.Headers))
	}
	return out
}

// TestSweepsArePaced: what one batch ends is emitted in pieces, each a transaction of its own if need be. Wherever between them a commit
// comes, is lost, or is the last thing that a task does, the results are those of a task that takes the records one by one and never stops.
func TestSweepsArePaced(t *testing.T) {
	for _, kind := range []plan.WindowKind{plan.Tumbling, plan.Session} {
		sub, build := openFinal(t, kind)
		recs := endings()
		next := int64(len(recs))

		whole := build(memory.New(sub.Specs()), len(recs), 1)
		add(t, whole, "s", next, true, recs...)
		var want []string
		for more := true; more; {
			more = step(t, whole)
			want = append(want, outputs(whole)...)
			whole.ResetOutputs()
		}
		hidden := func(line string) bool { return strings.HasPrefix(line, fmt.Sprintf("%08x", 1000)[:6]) }
		if len(want) < 70 || slices.ContainsFunc(want, hidden) {
			t.Fatalf("%s: want those of the first 70 keys alone: %d results\n%q", kind, len(want), want)
		}

		const piece = 7
		for _, batch := range []int{3, 256} {
			stores, err := state.OpenTask(state.TaskConfig{Specs: sub.Specs()})
			if err != nil {
				t.Fatal(err)
			}
			task := build(stores, piece, batch)
			var got []string
			owing, positions, committed := 0, map[string]int64{"s": 0}, State{}
			again := func() {
				task.Rewind(positions, committed)
				add(t, task, "s", next, true, recs[positions["s"]:]...)
			}
			again()
			for n, more := 0, true; more; n++ {
				more = step(t, task)
				if held := len(task.Outputs()); kind == plan.Tumbling && held > piece {
					t.Fatalf("%s: %d results are held, want %d at most", kind, held, piece)
				}
				if err := task.Flush(); err != nil {
					t.Fatal(err)
				}
				if err := stores.Prepare(); err != nil {
					t.Fatal(err)
				}
				if n%3 == 1 {
					stores.Abort()
					again()
					more = true
					continue
				}
				got = append(got, outputs(task)...)
				task.ResetOutputs()
				positions, committed = task.Positions(), task.State()
				stores.Commit(make([]int64, len(sub.Specs())), time.Time{})
				task.Committed(committed)
				if len(committed.Owed) > 0 {
					owing++
				}
				if n%3 == 2 {
					task = build(stores, piece, batch)
					again()
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, batches of %d: %d results\n%q\nwant %d\n%q", kind, batch, len(got), got, len(want), want)
			}
			if owing < 6 {
				t.Errorf("%s, batches of %d: %d commits had a sweep before and behind them, want more", kind, batch, owing)
			}
		}
	}
}

// step does what comes next.
func step(t *testing.T, task *Task) (more bool) {
	t.Helper()
	more, err := task.Process(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return more
}
