package task

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
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
func endings() map[string][]record.Record {
	var recs []record.Record
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
	return map[string][]record.Record{"s": recs}
}

// outerPlan joins the streams "s" and "u" where rows are some ms apart at most, with 100 ms of grace; rows of both sides that find none come too.
func outerPlan() plan.Node {
	return sink(&plan.Join{
		Base: joinBase("U"),
		Kind: plan.Full, Left: source("source-1", "s", false), Right: source("source-2", "u", false),
		Within: &plan.Within{Before: 40 * time.Millisecond, After: 10 * time.Millisecond, Grace: new(100 * time.Millisecond)},
	}, false, nil)
}

// waits are records of many keys on both sides, few of which meet; some that end the wait of the others, and of each other; and amid these
// late ones, which meet rows whose wait has ended, equal rows, and rows without a key.
func waits() map[string][]record.Record {
	recs := map[string][]record.Record{}
	put := func(topic string, key int, time int64, headers ...vector.Header) {
		r := record.Record{Offset: int64(len(recs[topic])), Timestamp: time, Value: fmt.Appendf(nil, `{"V":%d}`, len(recs[topic])), Headers: headers}
		if key >= 0 {
			r.Key = binary.BigEndian.AppendUint32(nil, uint32(key))
		}
		recs[topic] = append(recs[topic], r)
	}
	for key := range 60 {
		put("s", key, int64(key/3))
		put("u", key+50, int64(key/3))
	}
	put("s", 7, 19)
	put("s", 150, 30)
	put("s", 200, 145, vector.Header{Key: "h", Value: []byte("1")}) // ends the waits of all left rows before it, and of some right ones
	put("s", 70, 16)
	put("s", 71, 9)
	put("s", -1, 146)
	put("s", 200, 145)
	put("s", 201, 145, vector.Header{Key: "g"}, vector.Header{Key: "e", Value: []byte{}})
	put("s", 80, 17)
	put("u", 300, 165, vector.Header{Key: "late"}) // ends none: all sides are looked through again from where the last look ended
	put("s", 202, 1000)
	for key := range 30 {
		put("s", 400+key, int64(2000+key))
	}
	put("u", 450, 2000)
	put("s", 500, 2125) // ends the waits of left rows before 2015, and looks no further
	put("s", 501, 2126, vector.Header{Key: "next"})
	put("u", 600, 3000)
	return recs
}

// outputs are a task's outputs as text.
func outputs(task *Task) (out []string) {
	for _, o := range task.Outputs() {
		out = append(out, fmt.Sprintf("%x @%d %s %#v", o.Key, o.Timestamp, o.Value, o.Headers))
	}
	return out
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

// sweeping is a query that ends much at once, and its input.
type sweeping struct {
	*testing.T
	sub  *topology.SubTopology
	recs map[string][]record.Record
}

func (s sweeping) task(stores state.Stores, piece, batch int) *Task {
	task, err := New(s.sub, 0, Deps{Stores: stores, Functions: builtin.Registry(), UDF: &udf.Env{}, Log: discard{}}, Options{Piece: piece, BatchSize: batch, Exact: true})
	if err != nil {
		s.Fatal(err)
	}
	return task
}

// feed gives a task all records from its positions on.
func (s sweeping) feed(task *Task) {
	for topic, at := range task.Positions() {
		add(s.T, task, topic, int64(len(s.recs[topic])), true, s.recs[topic][at:]...)
	}
}

// whole takes the records one by one and never stops.
func (s sweeping) whole() (out []string) {
	task := s.task(memory.New(s.sub.Specs()), 1<<20, 1)
	s.feed(task)
	for more := true; more; {
		more = step(s.T, task)
		out = append(out, outputs(task)...)
		task.ResetOutputs()
	}
	return out
}

// written is a state as it is read back.
func (s sweeping) written(st State) (read State) {
	b, err := json.Marshal(st)
	if err == nil {
		err = json.Unmarshal(b, &read)
	}
	if err != nil {
		s.Fatal(err)
	}
	return read
}

// pieces commits whenever it can, loses every third transaction, and ends behind every third one. It also tells how many commits owed
// something, and the most results that one had.
func (s sweeping) pieces(piece, batch int) (out []string, owing, most int) {
	stores, err := state.OpenTask(state.TaskConfig{Specs: s.sub.Specs()})
	if err != nil {
		s.Fatal(err)
	}
	task := s.task(stores, piece, batch)
	positions, committed := task.Positions(), State{}
	s.feed(task)
	for n, more := 0, true; more; n++ {
		more = step(s.T, task)
		most = max(most, len(task.Outputs()))
		if err := task.Flush(); err != nil {
			s.Fatal(err)
		}
		if err := stores.Prepare(); err != nil {
			s.Fatal(err)
		}
		switch n % 3 {
		case 1:
			stores.Abort()
			more = true
		default:
			out = append(out, outputs(task)...)
			task.ResetOutputs()
			positions, committed = task.Positions(), s.written(task.State())
			stores.Commit(make([]int64, len(s.sub.Specs())), time.Time{})
			if len(committed.Owed) > 0 {
				owing++
			}
		}
		if n%3 == 2 {
			task = s.task(stores, piece, batch)
		}
		if n%3 > 0 {
			task.Rewind(positions, committed)
			s.feed(task)
		}
	}
	return out, owing, most
}

// TestSweepsArePaced: what one batch ends is emitted in pieces, each a transaction of its own if need be. Wherever between them a commit
// comes, is lost, or is the last thing that a task does, the results are those of a task that takes the records one by one and never stops.
func TestSweepsArePaced(t *testing.T) {
	const piece = 7
	for name, c := range map[string]struct {
		root    plan.Node
		recs    map[string][]record.Record
		results int
		most    int // that are held at once
	}{
		"windows":  {finalPlan(plan.Tumbling), endings(), 77, piece},
		"sessions": {finalPlan(plan.Session), endings(), 71, 70}, // a row that makes a longer one of a session that ended
		"join":     {outerPlan(), waits(), 151, 3 * piece},       // those of the rows in line among them
	} {
		t.Run(name, func(t *testing.T) {
			topo, err := topology.Build(c.root, topology.Options{Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
			if err != nil {
				t.Fatal(err)
			}
			s := sweeping{t, topo.Subs[0], c.recs}
			want := s.whole()
			if len(want) != c.results {
				t.Fatalf("%d results, want %d\n%q", len(want), c.results, want)
			}
			for _, batch := range []int{3, 256} {
				got, owing, most := s.pieces(piece, batch)
				if !slices.Equal(got, want) {
					t.Errorf("batches of %d: %d results\n%q\nwant %d\n%q", batch, len(got), got, len(want), want)
				}
				if owing < 6 {
					t.Errorf("batches of %d: %d commits had a sweep before and behind them, want more", batch, owing)
				}
				if most > c.most {
					t.Errorf("batches of %d: %d results were held, want %d at most", batch, most, c.most)
				}
			}
		})
	}
}

// TestOwedIsSmall: what a task owes is part of one record, so headers do not pile up in it.
func TestOwedIsSmall(t *testing.T) {
	topo, err := topology.Build(finalPlan(plan.Tumbling), topology.Options{Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
	if err != nil {
		t.Fatal(err)
	}
	var recs []record.Record
	put := func(key int, time int64, headers ...vector.Header) {
		recs = append(recs, record.Record{
			Offset: int64(len(recs)), Timestamp: time, Key: binary.BigEndian.AppendUint32(nil, uint32(key)), Value: []byte(`{"V":1}`), Headers: headers,
		})
	}
	for i := range 200 {
		put(i, int64(i))
	}
	for i := range 10 {
		put(i, int64(130+10*i), vector.Header{Key: "h", Value: bytes.Repeat([]byte{byte(i)}, 5<<10)})
	}
	s := sweeping{t, topo.Subs[0], map[string][]record.Record{"s": recs}}
	task := s.task(memory.New(s.sub.Specs()), 1, len(recs))
	s.feed(task)
	step(t, task)
	b, err := json.Marshal(task.State())
	if err != nil {
		t.Fatal(err)
	}
	if len(task.State().Owed) == 0 || len(b) > 32<<10 {
		t.Errorf("the state has %d bytes, want something owed and 32 KiB at most", len(b))
	}
	got := outputs(task)
	task.ResetOutputs()
	for step(t, task) {
		got = append(got, outputs(task)...)
		task.ResetOutputs()
	}
	if want := s.whole(); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d results, want %d", len(got), len(want))
	}
}
