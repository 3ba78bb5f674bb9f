package wasm

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// TestEveryType calls functions in C with parameters and results of each type.
func TestEveryType(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("mask", types.String, types.String))
	same(t, results(t, m, []any{"4111111111111111"}, []any{"abc"}, []any{""}, []any{"grüße"}), "************1111", "abc", "", "function MASK: its result is no valid UTF-8")
	m = mustLoad(t, "text.wasm", def("null_if_empty", types.String, types.String))
	same(t, results(t, m, []any{"a"}, []any{""}, []any{"bc"}), "a", "null", "bc")
	m = mustLoad(t, "text.wasm", def("join2", types.Bytes, types.String, types.Int, types.Bytes))
	same(t, results(t, m, []any{"a", int32(2), []byte("xy")}, []any{"", int32(0), []byte{}}), "YXh5eHk=", "")
	m = mustLoad(t, "text.wasm", def("add", types.Bigint, types.Bigint, types.Int))
	same(t, results(t, m, []any{int64(1) << 40, int32(-1)}), "1099511627775")
	m = mustLoad(t, "text.wasm", def("add", types.Timestamp, types.Timestamp, types.Date))
	same(t, results(t, m, []any{int64(-5), int32(5)}), types.Text(int64(0), types.Timestamp))
	m = mustLoad(t, "text.wasm", def("scale", types.Double, types.Double, types.Double))
	same(t, results(t, m, []any{2.5, -4.0}), "-10.0")
	m = mustLoad(t, "text.wasm", def("both", types.Boolean, types.Boolean, types.Boolean))
	same(t, results(t, m, []any{true, true}, []any{true, false}), "true", "false")
}

// TestConstAndSelected: arguments may be const, and rows left out.
func TestConstAndSelected(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("join2", types.String, types.String, types.Int, types.Bytes))
	words := vector.New(types.String)
	for _, s := range []string{"a", "b", "c", "d"} {
		words.Append(s)
	}
	out := vector.New(types.String)
	args := []*vector.Vector{words, vector.NewConst(types.Int, int32(2)), vector.NewConst(types.Bytes, []byte("-"))}
	if err := m.Call(args, []int32{1, 3}, out, func(row int, err error) { t.Error(row, err) }, new(time.Duration)); err != nil {
		t.Fatal(err)
	}
	out.PadTo(4)
	if a, b := out.Value(1), out.Value(3); a != "b--" || b != "d--" {
		t.Errorf("got %v and %v", a, b)
	}
}

// TestArgumentsGrow: a row larger than those before it finds room, and results may lie in the arguments.
func TestArgumentsGrow(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("mask", types.String, types.String))
	rows, want := [][]any{}, []string{}
	for n := 5; n < 1<<19; n *= 3 {
		rows = append(rows, []any{strings.Repeat("x", n)})
		want = append(want, strings.Repeat("*", n-4)+"xxxx")
	}
	same(t, results(t, m, rows...), want...)
}

// TestAssemblyScript: its library imports abort, which tells why a row failed.
func TestAssemblyScript(t *testing.T) {
	m := mustLoad(t, "shout.wasm", def("shout", types.String, types.String))
	same(t, results(t, m, []any{"grüße"}, []any{""}), "GRÜSSE!", "!")
	m = mustLoad(t, "shout.wasm", def("nth", types.Int, types.String, types.Int))
	got := results(t, m, []any{"abc", int32(2)}, []any{"abc", int32(3)}, []any{"abc", int32(0)})
	if got[0] != "99" || !strings.Contains(got[1], "Index out of range") || got[2] != "97" {
		t.Errorf("got %q", got)
	}
}

// TestFailuresAreOfTheirRows: whatever a row does, the others are evaluated, and the next batch too.
func TestFailuresAreOfTheirRows(t *testing.T) {
	for _, c := range []struct {
		file, export string
		returns      *types.Type
		params       []*types.Type
		bad, good    []any
		reason, want string
	}{
		{"text.wasm", "divide", types.Int, []*types.Type{types.Int, types.Int}, []any{int32(1), int32(0)}, []any{int32(6), int32(3)}, "integer divide by zero", "2"},
		{"text.wasm", "trap", types.Int, []*types.Type{types.Int}, []any{int32(1)}, []any{int32(0)}, "unreachable", "0"},
		{"calls.wasm", "deep", types.Int, []*types.Type{types.Int}, []any{int32(1 << 30)}, []any{int32(0)}, "", "0"}, // its stack overflows, or its time is over before
		{"text.wasm", "spin", types.Int, []*types.Type{types.Int}, []any{int32(1)}, []any{int32(0)}, "it took longer than 200ms", "0"},
		{"calls.wasm", "calls", types.Int, []*types.Type{types.Int}, []any{int32(64)}, []any{int32(2)}, "it took longer than 200ms", "9"},
		{
			"text.wasm", "outside", types.Bytes,
			[]*types.Type{types.Int, types.Int},
			[]any{int32(1 << 30), int32(8)},
			[]any{int32(0), int32(0)},
			"its result of 8 bytes at 1073741824 is outside of its memory", "",
		},
		{
			"text.wasm", "outside", types.Bytes,
			[]*types.Type{types.Int, types.Int},
			[]any{int32(16), int32(-2)},
			[]any{int32(0), int32(0)},
			"its result has 4294967294 bytes", "",
		},
		{
			"text.wasm", "outside", types.Bytes,
			[]*types.Type{types.Int, types.Int},
			[]any{int32(-1), int32(16)},
			[]any{int32(0), int32(0)},
			"its result of 16 bytes at 4294967295 is outside of its memory", "",
		},
	} {
		d := def(c.export, c.returns, c.params...)
		if strings.Contains(c.reason, "200ms") {
			d.Timeout = 200 * time.Millisecond
		}
		m := mustLoad(t, c.file, d)
		for range 2 {
			got := results(t, m, c.good, c.bad, c.good)
			if got[0] != c.want || got[2] != c.want || !strings.Contains(got[1], "function "+m.def.Name+": ") || !strings.Contains(got[1], c.reason) {
				t.Errorf("%s: got %q, want %q between twice %q", c.export, got, c.reason, c.want)
			}
		}
	}
}

// TestMemoryIsBounded: a module gets the memory that its definition says, and no more.
func TestMemoryIsBounded(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("bomb", types.Int, types.Int))
	for _, s := range results(t, m, []any{int32(1)}, []any{int32(1)}) {
		if s != "48" && s != "0" { // the module begins with some pages; the second row finds nothing more
			t.Errorf("it took %s pages", s)
		}
	}
	i := m.idle.take()
	if n := i.memory.Size(); n > 4<<20 {
		t.Errorf("it has %d bytes", n)
	}
	i.close()
	m = mustLoad(t, "tables.wasm", def("f", types.Int, types.Int))
	same(t, results(t, m, []any{int32(1 << 10)}, []any{int32(1 << 28)}, []any{int32(-2)}), "1", "-1", "-1")
}

// TestLeaksDoNotDecide: a module that uses its memory up gives the same results whatever it was called for before.
func TestLeaksDoNotDecide(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("leak", types.Int, types.Int))
	var rows [][]any
	var want []string
	for range 10 {
		rows, want = append(rows, []any{int32(7)}), append(want, "7")
	}
	same(t, results(t, m, rows...), want...)
}

// TestSlowBatchFails: rows that are stopped hold up a batch so long and no longer.
func TestSlowBatchFails(t *testing.T) {
	d := def("spin", types.Int, types.Int)
	d.Timeout = 20 * time.Millisecond
	m := mustLoad(t, "text.wasm", d)
	patience, failed := 50*time.Millisecond, 0
	args := []*vector.Vector{vector.NewConst(types.Int, int32(1))}
	out := vector.New(types.Int)
	for range 100 {
		out.AppendNull()
	}
	rows := make([]int32, 100)
	for i := range rows {
		rows[i] = int32(i)
	}
	err := m.Call(args, rows, out, func(int, error) { failed++ }, &patience)
	if err == nil || !strings.Contains(err.Error(), "a row took longer than 20ms, and the query cannot go on") || failed != 2 {
		t.Errorf("got %v after %d rows", err, failed)
	}
}

// TestConcurrent: tasks share a module, and no instance serves two of them at a time.
func TestConcurrent(t *testing.T) {
	m := mustLoad(t, "text.wasm", def("join2", types.String, types.String, types.Int, types.Bytes))
	done := make(chan bool)
	for g := range 8 {
		go func() {
			defer func() { done <- true }()
			s := strings.Repeat(string(rune('a'+g)), 100)
			for range 50 {
				got := results(t, m, []any{s, int32(1), []byte("!")}, []any{s, int32(0), []byte{}})
				if got[0] != s+"!" || got[1] != s {
					t.Errorf("got %q", got)
					return
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
}
