package wasm

import (
	"context"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// TestViewFollowsCommits: a row is evaluated by the version that its task has committed, and again by the same one when it is read
// again; where rows are taken back, by the one that the query began with.
func TestViewFollowsCommits(t *testing.T) {
	lib := &Library{Fetch: func(context.Context, string) ([]byte, error) { return file(t, "versions.wasm"), nil }}
	cat, applied := &catalog.Catalog{}, int64(0)
	define := func(export string, at int64) {
		d := def(export, types.Int, types.Int)
		d.Name = "F"
		cat, applied = cat.WithFunctionVersion(d, at), at+1
	}
	define("v1", 4)
	view := lib.View(6, func() (*catalog.Catalog, int64) { return cat, applied })
	if view.Latest() != 0 || view.Behind() {
		t.Error("it follows what it does not call")
	}
	call := &plan.Call{Name: "F", Params: []*types.Type{types.Int}, T: types.Int}
	caller, err := view.Caller(call, false)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := view.Caller(call, true)
	if err != nil {
		t.Fatal(err)
	}
	version := func(c *Caller) int32 {
		out := &vector.Vector{Type: types.Int, I32: make([]int32, 1)}
		args := []*vector.Vector{vector.NewConst(types.Int, int32(0))}
		if err := c.Call(args, []int32{0}, out, func(_ int, err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		return out.I32[0]
	}
	check := func(want int32, behind bool) {
		t.Helper()
		if v, f := version(caller), version(fixed); v != want || f != 1 || view.Behind() != behind {
			t.Errorf("versions %d and, fixed, %d, behind %v; want %d, 1, %v", v, f, view.Behind(), want, behind)
		}
	}
	view.Use(view.Latest())
	check(1, false)
	define("v2", 8)
	check(1, true) // not before it was committed
	second := view.Latest()
	view.Use(second)
	check(2, false)
	define("v3", 9)
	view.Use(view.Latest())
	check(3, false)
	view.Use(second) // what was not committed is read again
	check(2, true)
	view.Use(0) // as before anything was committed
	check(1, true)

	other := def("v1", types.Bigint, types.Int)
	other.Name = "F"
	cat, applied = cat.WithoutFunction("F").WithFunctionVersion(other, 12), 13
	view.Use(view.Latest())
	if err := caller.Call(nil, nil, nil, nil); err == nil {
		t.Error("a function of another signature is called")
	}
}

// TestStoppedRows: a task waits for so many rows from commit to commit, and for none that comes again to be taken back: it must not be NULL
// the one time and not the other.
func TestStoppedRows(t *testing.T) {
	lib := &Library{Fetch: func(context.Context, string) ([]byte, error) { return file(t, "text.wasm"), nil }}
	d := def("spin", types.Int, types.Int)
	cat := (&catalog.Catalog{}).WithFunctionVersion(d, 0)
	view := lib.View(1, func() (*catalog.Catalog, int64) { return cat, 1 })
	stopped := func(fixed bool) error {
		t.Helper()
		c, err := view.Caller(&plan.Call{Name: "SPIN", Params: []*types.Type{types.Int}, T: types.Int}, fixed)
		if err != nil {
			t.Fatal(err)
		}
		out := &vector.Vector{Type: types.Int, I32: make([]int32, 1)}
		return c.Call([]*vector.Vector{vector.NewConst(types.Int, int32(1))}, []int32{0}, out, func(int, error) {})
	}
	if err := stopped(false); err != nil {
		t.Error(err)
	}
	if err := stopped(true); err == nil {
		t.Error("a row that may come again is NULL")
	}
	view.patience = 0
	if err := stopped(false); err == nil {
		t.Error("the task waits without end")
	}
	view.Use(1)
	if err := stopped(false); err != nil {
		t.Errorf("after a commit: %v", err)
	}
}
