package task

import (
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

// source is a stream or table with columns K and V over the topic of its name.
func source(id, topic string, table bool) *plan.Source {
	return &plan.Source{
		Base: plan.Base{ID: id, Out: []plan.OutColumn{
			{Name: "K", Type: types.Int, Role: plan.Key}, {Name: "V", Type: types.Int},
		}},
		Name: topic, Topic: topic, Table: table,
		Schema: types.Schema{Columns: []types.Column{
			{Name: "K", Type: types.Int, Role: types.RoleKey}, {Name: "V", Type: types.Int},
		}},
		KeyFormat: plan.Format{Name: "KAFKA"}, ValueFormat: plan.Format{Name: "JSON"},
	}
}

// joinPlan joins the stream "s" with the table "t".
func joinPlan() plan.Node {
	return sink(&plan.Join{
		Base: joinBase("T"),
		Kind: plan.Left, Left: source("source-1", "s", false), Right: source("source-2", "t", true),
	}, false, nil)
}

// joinBase is the key, and the columns of "s" and of another source.
func joinBase(other string) plan.Base {
	return plan.Base{ID: "join-1", Out: []plan.OutColumn{
		{Name: "K", Type: types.Int, Role: plan.Key},
		{Name: "SK", Type: types.Int},
		{Name: "SV", Type: types.Int},
		{Name: other + "K", Type: types.Int},
		{Name: other + "V", Type: types.Int},
	}}
}

// rec is a record of key 1.
func rec(offset, time int64, v int) record.Record {
	return record.Record{
		Offset: offset, Timestamp: time, Key: binary.BigEndian.AppendUint32(nil, 1), Value: fmt.Appendf(nil, `{"V":%d}`, v),
	}
}

func add(t *testing.T, task *Task, topic string, next int64, atEnd bool, recs ...record.Record) {
	t.Helper()
	if err := task.Add(topic, recs, next, atEnd); err != nil {
		t.Fatal(err)
	}
}

// process works until nothing is left to do at the time and returns what was written since.
func process(t *testing.T, task *Task, now time.Time) string {
	t.Helper()
	for {
		more, err := task.Process(now)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if err := task.Flush(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range task.Outputs() {
		out = append(out, fmt.Sprintf("@%d %s", o.Timestamp, o.Value))
	}
	task.ResetOutputs()
	return strings.Join(out, "; ")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

func TestInputsGoByTime(t *testing.T) {
	task := newTask(t, joinPlan(), Options{})
	add(t, task, "s", 3, true, rec(0, 10, 1), rec(1, 20, 2), rec(2, 30, 3))
	add(t, task, "t", 2, true, rec(0, 15, 7), rec(1, 30, 8))
	want(t, "rows", process(t, task, time.Time{}),
		`@10 {"SK":1,"SV":1,"TK":null,"TV":null}; @20 {"SK":1,"SV":2,"TK":1,"TV":7}; @30 {"SK":1,"SV":3,"TK":1,"TV":8}`)
}

func TestWaitsForInputs(t *testing.T) {
	start := time.UnixMilli(0)
	task := newTask(t, joinPlan(), Options{MaxIdle: time.Second})
	add(t, task, "s", 1, false, rec(0, 10, 1))
	want(t, "table not read", process(t, task, start), "")
	add(t, task, "t", 5, true)
	want(t, "table at its end", process(t, task, start), "")
	want(t, "too soon", process(t, task, start.Add(time.Second-1)), "")
	want(t, "after MaxIdle", process(t, task, start.Add(time.Second)), `@10 {"SK":1,"SV":1,"TK":null,"TV":null}`)

	task = newTask(t, joinPlan(), Options{MaxIdle: -1})
	add(t, task, "s", 1, false, rec(0, 10, 1))
	want(t, "not to wait", process(t, task, start), `@10 {"SK":1,"SV":1,"TK":null,"TV":null}`)
}

func TestPositions(t *testing.T) {
	task := newTask(t, joinPlan(), Options{})
	bad := rec(5, 12, 0)
	bad.Value = []byte("{")
	add(t, task, "s", 12, true, rec(3, 10, 1), bad, rec(9, 50, 2))
	add(t, task, "t", 8, false, rec(7, 20, 1))
	process(t, task, time.Time{})
	// The table's record at 20 is done; behind it the table may have more, so the stream's at 50 waits.
	if got, want := task.Positions(), (map[string]int64{"s": 9, "t": 8}); !maps.Equal(got, want) {
		t.Errorf("positions %v, want %v", got, want)
	}
	add(t, task, "t", 8, true)
	process(t, task, time.Time{})
	if got, want := task.Positions(), (map[string]int64{"s": 12, "t": 8}); !maps.Equal(got, want) {
		t.Errorf("positions %v, want %v", got, want)
	}
	if c := task.Counters(); c.RowsIn != 4 || c.BadRows != 1 || c.RowsOut != 2 {
		t.Errorf("counters %+v", c)
	}
}

// TestLettersGoWithTheirRecords: a record that cannot be read and that is not passed yet gets its dead letter with the commit that passes
// it, and not with the one before, after which it may be read again.
func TestLettersGoWithTheirRecords(t *testing.T) {
	task := newTask(t, joinPlan(), Options{OnError: ErrorPolicy{Read: DeadLetter, Topic: "dead"}})
	bad := func(offset int64) record.Record {
		r := rec(offset, 12, 0)
		r.Value = []byte("{")
		return r
	}
	step := func(what, rows string, letters int64) {
		t.Helper()
		want(t, what, process(t, task, time.Time{}), rows)
		if got := task.Counters().DeadLetters; got != letters {
			t.Errorf("%s: %d dead letters, want %d", what, got, letters)
		}
	}
	add(t, task, "s", 6, false, bad(1), rec(2, 10, 1), bad(3), rec(4, 50, 2), bad(5))
	step("the other side is not read", "@12 {", 1)
	positions, state := task.Positions(), task.State()
	task.Committed(state)
	add(t, task, "t", 1, true, rec(0, 20, 1))
	step("both sides", `@12 {; @10 {"SK":1,"SV":1,"TK":null,"TV":null}; @12 {; @50 {"SK":1,"SV":2,"TK":1,"TV":1}`, 3)

	task.Rewind(positions, state)
	add(t, task, "s", 6, false, rec(2, 10, 1), bad(3), rec(4, 50, 2), bad(5))
	add(t, task, "t", 1, true)
	step("the same again", `@12 {; @12 {; @10 {"SK":1,"SV":1,"TK":1,"TV":1}; @50 {"SK":1,"SV":2,"TK":1,"TV":1}`, 3) // those that were not committed do not count
}

// windowPlan counts rows of "s" in windows of 10 ms without grace.
func windowPlan() plan.Node {
	src := source("source-1", "s", false)
	return sink(&plan.Aggregate{
		Base: plan.Base{ID: "aggregate-1", Out: []plan.OutColumn{
			{Name: "K", Type: types.Int, Role: plan.Key},
			{Name: "WINDOWSTART", Type: types.Bigint, Role: plan.WindowBound},
			{Name: "WINDOWEND", Type: types.Bigint, Role: plan.WindowBound},
			{Name: "N", Type: types.Bigint},
		}},
		Input:  src,
		Calls:  []plan.AggregateCall{{Name: "COUNT", Params: []*types.Type{types.Int}, Args: []plan.Expr{column(src, 1)}, T: types.Bigint}},
		Window: &plan.Window{Kind: plan.Tumbling, Size: 10 * time.Millisecond, Advance: 10 * time.Millisecond},
	}, true, &plan.WindowInfo{Kind: plan.Tumbling, Size: 10 * time.Millisecond})
}

func TestStreamTimeSurvives(t *testing.T) {
	topo, err := topology.Build(windowPlan(), topology.Options{Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
	if err != nil {
		t.Fatal(err)
	}
	stores := memory.New(topo.Subs[0].Specs())
	build := func() *Task {
		task, err := New(topo.Subs[0], 0, Deps{Stores: stores, Functions: builtin.Registry(), UDF: &udf.Env{}, Log: discard{}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	task := build()
	add(t, task, "s", 2, true, rec(0, 5, 1), rec(1, 25, 1))
	want(t, "first", process(t, task, time.Time{}), `@5 {"N":1}; @25 {"N":1}`)
	stores.Commit()
	positions, state := task.Positions(), task.State()

	for name, again := range map[string]func() *Task{
		"a new task": func() *Task {
			next := build()
			next.Rewind(positions, state)
			return next
		},
		"the same task after an abort": func() *Task {
			add(t, task, "s", 3, true, rec(2, 99, 1))
			process(t, task, time.Time{})
			stores.Abort()
			task.Rewind(positions, state)
			return task
		},
	} {
		next := again()
		if got := next.Positions()["s"]; got != 2 {
			t.Errorf("%s: position %d, want 2", name, got)
		}
		add(t, next, "s", 4, true, rec(2, 7, 1), rec(3, 26, 1))
		want(t, name, process(t, next, time.Time{}), `@26 {"N":2}`)
		if got := next.Counters().LateRows; got != 1 {
			t.Errorf("%s: %d late rows, want 1", name, got)
		}
		stores.Abort()
	}
}

// TestRelease: what operators keep at hand can be forgotten at any time, also in the middle of a transaction.
func TestRelease(t *testing.T) {
	for _, exact := range []bool{false, true} {
		task := newTask(t, windowPlan(), Options{Exact: exact})
		add(t, task, "s", 3, true, rec(0, 5, 1), rec(1, 6, 1), rec(2, 25, 1))
		for more := true; more; {
			var err error
			if more, err = task.Process(time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if task.HeldBytes() == 0 {
			t.Error("an aggregation keeps nothing at hand")
		}
		if err := task.Release(); err != nil {
			t.Fatal(err)
		}
		if n := task.HeldBytes(); n != 0 {
			t.Errorf("%d bytes are kept", n)
		}
		rows := `@6 {"N":2}; @25 {"N":1}`
		if exact {
			rows = `@5 {"N":1}; ` + rows
		}
		want(t, "before", process(t, task, time.Time{}), rows)
		add(t, task, "s", 5, true, rec(3, 7, 1), rec(4, 26, 1))
		want(t, "after", process(t, task, time.Time{}), `@26 {"N":2}`)
		if got := task.Counters().LateRows; got != 1 {
			t.Errorf("%d late rows, want 1", got)
		}
	}
}

func TestUnknownTopic(t *testing.T) {
	if err := newTask(t, joinPlan(), Options{}).Add("elsewhere", nil, 0, true); err == nil {
		t.Error("records of a topic that is not read are taken")
	}
}

func TestBuffered(t *testing.T) {
	task := newTask(t, joinPlan(), Options{})
	add(t, task, "s", 3, true, rec(0, 10, 1), rec(1, 20, 2), rec(2, 30, 3))
	if got, bytes := task.Buffered("s"); got != 3 || bytes < 3*recordBytes || bytes > 3*(recordBytes+20) {
		t.Errorf("%d records wait, want 3", got)
	}
	add(t, task, "t", 1, false, rec(0, 15, 1))
	process(t, task, time.Time{})
	if got, bytes := task.Buffered("s"); got != 2 || bytes != 0 { // decoded already
		t.Errorf("%d records wait, want 2", got)
	}
}
