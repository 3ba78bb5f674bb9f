package model

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// constants is a backend of models whose file is the number that they return for any row; "bad" loads and then fails.
type constants struct{ loaded, closed atomic.Int64 }

func (c *constants) Name() string { return "constants" }

func (c *constants) Load(_ context.Context, a Artifact, _ Options) (Scorer, error) {
	switch string(a.Bytes) {
	case "bad":
		return constant{c, -1}, nil
	case "mad":
		return constant{c, -2}, nil
	}
	n, err := strconv.ParseFloat(string(a.Bytes), 32)
	if err != nil {
		return nil, err
	}
	c.loaded.Add(1)
	return constant{c, float32(n)}, nil
}

type constant struct {
	of *constants
	n  float32
}

func (c constant) Signature() Signature {
	return Signature{Inputs: []Tensor{{Name: "x", Type: Float32, Shape: []int64{-1}}}, Outputs: []Tensor{{Name: "y", Type: Float32, Shape: []int64{-1}}}}
}

func (c constant) Score(_ context.Context, _ []Column, rows int, out []Column) error {
	switch c.n {
	case -1:
		return fmt.Errorf("bad model")
	case -2:
		panic("mad model")
	}
	out[0].Resize(Float32, rows)
	for i := range rows {
		out[0].Float32[i] = c.n
	}
	return nil
}

func (c constant) Close() error { c.of.closed.Add(1); return nil }

// world is a catalog that tests change as commands do.
type world struct {
	cat     *catalog.Catalog
	applied int64
	backend constants
	Library
	stats Statistics
}

func newWorld() *world {
	w := &world{cat: &catalog.Catalog{}}
	w.Backends = []Backend{&w.backend}
	w.Fetch = func(_ context.Context, sha string) ([]byte, error) { return []byte(sha), nil }
	w.Statistics = &w.stats
	return w
}

func (w *world) now() (*catalog.Catalog, int64) { return w.cat, w.applied }

// add makes version n of M, which returns n.
func (w *world) add(n int, held bool) {
	v := &catalog.ModelVersion{Name: "M", Version: n, SHA256: strconv.Itoa(n), Held: held}
	w.cat = w.cat.WithModelVersion(v, w.applied)
	w.applied++
}

func (w *world) roll(t *testing.T, r *catalog.Rollout) {
	t.Helper()
	var err error
	if w.cat, err = w.cat.WithRollout("M", r, w.applied); err != nil {
		t.Fatal(err)
	}
	w.applied++
}

func (w *world) model() *catalog.Model { m, _ := w.cat.Model("M"); return m }

var keyed = Place{Columns: []plan.OutColumn{{Name: "K", Type: types.Int, Role: plan.Key}, {Name: "X", Type: types.Double}}}

func predict(version int) *plan.Predict {
	return &plan.Predict{Model: "M", Version: version, Args: []plan.Expr{&plan.Column{Index: 1, T: types.Double}}, T: types.Double}
}

// batch has keys from 0 on.
func batch(n int) *vector.Batch {
	k, x := vector.New(types.Int), vector.New(types.Double)
	b := &vector.Batch{N: n, Cols: []*vector.Vector{k, x}}
	for i := range n {
		k.Append(int32(i))
		x.Append(float64(i))
		b.Offset = append(b.Offset, int64(i))
	}
	return b
}

// score gives the score of each row of a batch, after MODEL_VERSION was seen to be the same.
func score(t *testing.T, f *Follower, c *Chooser, b *vector.Batch) []int {
	t.Helper()
	sel := make([]int32, b.N)
	for i := range sel {
		sel[i] = int32(i)
	}
	rows := Rows{Batch: b, N: b.N}
	out := vector.New(types.Double)
	if err := f.Score(rows, b.Cols[1:], sel, out, nil); err != nil {
		t.Fatal(err)
	}
	versions := &vector.Vector{Type: types.Int, I32: make([]int32, b.N)}
	if err := c.Versions(rows, sel, versions); err != nil {
		t.Fatal(err)
	}
	got := make([]int, b.N)
	for i := range got {
		if got[i] = int(out.F64[i]); got[i] != int(versions.I32[i]) {
			t.Fatalf("row %d was scored by version %d, MODEL_VERSION is %d", i, got[i], versions.I32[i])
		}
	}
	return got
}

func follow(t *testing.T, v *View, at Place) (*Follower, *Chooser) {
	t.Helper()
	f, err := v.Follow(predict(0), at)
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Choose("M", at)
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func share(scores []int, version int) (n int) {
	for _, s := range scores {
		if s == version {
			n++
		}
	}
	return n
}

// TestViewMovesWhenTold: what commands change is used once the task has committed it, and scored again as it was before.
func TestViewMovesWhenTold(t *testing.T) {
	w := newWorld()
	w.add(1, false)
	v := w.View(w.applied, w.now)
	f, c := follow(t, v, keyed)
	fixed, fixedVersion := follow(t, v, Place{Columns: keyed.Columns, Fixed: true})
	pinned, err := v.Follow(predict(1), keyed)
	if err != nil {
		t.Fatal(err)
	}
	if v.Behind() {
		t.Error("a new view is behind")
	}
	before := v.Latest()
	w.add(2, false)
	b := batch(10)
	if got := score(t, f, c, b); share(got, 1) != 10 || !v.Behind() {
		t.Errorf("before it was told: %v, behind %v", got, v.Behind())
	}
	v.Commit(v.Latest())
	if got := score(t, f, c, b); share(got, 2) != 10 || v.Behind() {
		t.Errorf("after it was told: %v", got)
	}
	if got := score(t, fixed, fixedVersion, b); share(got, 1) != 10 {
		t.Errorf("where old values come again: %v", got)
	}
	out := vector.New(types.Double)
	if err := pinned.Score(Rows{Batch: b, N: 1}, b.Cols[1:], []int32{0}, out, nil); err != nil || out.F64[0] != 1 {
		t.Errorf("pinned: %v, %v", out.F64, err)
	}
	v.Commit(before)
	if got := score(t, f, c, b); share(got, 1) != 10 {
		t.Errorf("taken back: %v", got)
	}
	v.Commit(0) // as of a task that an earlier release committed
	if got := score(t, f, c, b); share(got, 1) != 10 {
		t.Errorf("at the beginning: %v", got)
	}
	w.applied-- // the catalog has the command, but it does not count yet
	if v.Latest() != before {
		t.Errorf("latest is %d, want %d", v.Latest(), before)
	}
}

func TestSplit(t *testing.T) {
	w := newWorld()
	w.add(1, false)
	w.add(2, true)
	v := w.View(0, w.now)
	f, c := follow(t, v, keyed)
	const rows = 10_000
	b := batch(rows)
	v.Commit(v.Latest())
	if got := score(t, f, c, b); share(got, 1) != rows {
		t.Fatal("a version that is held scores")
	}
	owners := map[int][]int{}
	for _, percent := range []int{10, 30} {
		w.roll(t, &catalog.Rollout{Active: 1, Traffic: []catalog.Share{{Version: 1, Percent: 100 - percent}, {Version: 2, Percent: percent}}})
		v.Commit(v.Latest())
		got := score(t, f, c, b)
		if n := share(got, 2); n < rows*percent/100*9/10 || n > rows*percent/100*11/10 {
			t.Errorf("%d%%: version 2 has %d rows of %d", percent, n, rows)
		}
		owners[percent] = got
	}
	for i := range rows {
		if owners[10][i] == 2 && owners[30][i] != 2 {
			t.Fatalf("key %d went back to version 1 when the share of version 2 grew", i)
		}
	}
	// By another column: rows with the same value have the same version, whatever their key.
	w.roll(t, &catalog.Rollout{Active: 1, By: "X", Traffic: []catalog.Share{{Version: 1, Percent: 50}, {Version: 2, Percent: 50}}})
	v.Commit(v.Latest())
	for i := range b.N {
		b.Cols[1].F64[i] = float64(i / 100)
	}
	got := score(t, f, c, b)
	for i := range got {
		if got[i] != got[i/100*100] {
			t.Fatalf("rows %d and %d have one value and two versions", i, i/100*100)
		}
	}
	if _, err := v.Follow(predict(0), Place{Columns: keyed.Columns[:1]}); err == nil || !strings.Contains(err.Error(), "split by X") {
		t.Errorf("a place without the column: %v", err)
	}
	// A query without the column fails for as long as the rollout needs it, and goes on by the next one.
	w.roll(t, &catalog.Rollout{Active: 1})
	v.Commit(v.Latest())
	f, c = follow(t, v, Place{Columns: keyed.Columns[:1]})
	w.roll(t, &catalog.Rollout{Active: 1, By: "X", Traffic: []catalog.Share{{Version: 1, Percent: 50}, {Version: 2, Percent: 50}}})
	v.Commit(v.Latest())
	for range 2 {
		out := &vector.Vector{Type: types.Int, I32: make([]int32, rows)}
		if err := c.Versions(Rows{Batch: b, N: rows}, []int32{0}, out); err == nil || !strings.Contains(err.Error(), "split by X") {
			t.Errorf("MODEL_VERSION without the column: %v", err)
		}
	}
	w.roll(t, &catalog.Rollout{Active: 2})
	v.Commit(v.Latest())
	if got := score(t, f, c, b); share(got, 2) != rows {
		t.Error("the query does not go on")
	}
	// A key of type BIGINT goes where the same number goes as an INT.
	ints, bigs := vec(types.Int, int32(7)), vec(types.Bigint, int64(7))
	if hashValue(1, ints, 0) != hashValue(1, bigs, 0) {
		t.Error("INT and BIGINT differ")
	}
}

// TestSplitOfRows checks the result of a split where only some rows are selected and arguments are NULL.
func TestSplitOfRows(t *testing.T) {
	w := newWorld()
	w.add(1, false)
	w.add(2, true)
	w.roll(t, &catalog.Rollout{Active: 1, Traffic: []catalog.Share{{Version: 1, Percent: 50}, {Version: 2, Percent: 50}}})
	v := w.View(w.applied, w.now)
	f, c := follow(t, v, keyed)
	b := batch(64)
	whole := score(t, f, c, b)
	sel := []int32{1, 5, 6, 40, 63}
	out := vector.New(types.Double)
	if err := f.Score(Rows{Batch: b, N: 64}, b.Cols[1:], sel, out, nil); err != nil || out.Len() != 64 {
		t.Fatal(out.Len(), err)
	}
	for _, row := range sel {
		if out.IsNull(int(row)) || int(out.F64[row]) != whole[row] {
			t.Errorf("row %d: %v, want %d", row, out.Value(int(row)), whole[row])
		}
	}
	if !out.IsNull(0) {
		t.Error("a row that was not asked for has a score")
	}
	// Inside a lambda all elements belong to one row.
	for row := range 8 {
		out.Reset()
		if err := f.Score(Rows{Batch: b, N: 1, Lambda: true, Row: row}, []*vector.Vector{vec(types.Double, 1.0)}, []int32{0}, out, nil); err != nil || int(out.F64[0]) != whole[row] {
			t.Errorf("row %d inside a lambda: %v, want %d, %v", row, out.F64, whole[row], err)
		}
	}
}

func TestShadow(t *testing.T) {
	w := newWorld()
	w.add(1, false)
	w.cat = w.cat.WithModelVersion(&catalog.ModelVersion{Name: "M", Version: 2, SHA256: "bad", Held: true}, 1)
	w.cat = w.cat.WithModelVersion(&catalog.ModelVersion{Name: "M", Version: 3, SHA256: "3", Held: true}, 2)
	w.applied = 3
	w.roll(t, &catalog.Rollout{Active: 1, Shadow: []int{2, 3}})
	v := w.View(w.applied, w.now).Count()
	f, c := follow(t, v, keyed)
	if got := score(t, f, c, batch(20)); share(got, 1) != 20 {
		t.Errorf("a shadow's scores were returned: %v", got)
	}
	v.Commit(w.applied)
	for version, want := range map[int]Tally{
		1: {Rows: 20, Batches: 1}, 2: {Errors: 1}, 3: {ShadowRows: 20, Batches: 1, Compared: 20, Difference: 40},
	} {
		got := w.stats.Of(VersionID{"M", version}).Tally
		if got.Rows != want.Rows || got.ShadowRows != want.ShadowRows || got.Batches != want.Batches || got.Errors != want.Errors ||
			got.Compared != want.Compared || got.Agreed != want.Agreed || got.Difference != want.Difference {
			t.Errorf("version %d: %+v, want %+v", version, got, want)
		}
	}
}

// TestVersionsGo: a version that no rollout names is closed when nobody holds it, and loaded again when an old rollout needs it.
func TestVersionsGo(t *testing.T) {
	w := newWorld()
	keep := func() {
		if err := w.Keep(t.Context(), w.model()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		w.add(n+1, false)
		keep()
	}
	for range 2000 { // cleanups run some time after the collection
		if runtime.GC(); w.backend.closed.Load() == 3 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if loaded, closed := w.backend.loaded.Load(), w.backend.closed.Load(); loaded != 5 || closed != 3 {
		t.Fatalf("%d loaded, %d closed; the active version and the one before it are kept", loaded, closed)
	}
	old := w.View(0, w.now)
	f, c := follow(t, old, keyed)
	if got := score(t, f, c, batch(3)); share(got, 1) != 3 || w.backend.loaded.Load() != 6 {
		t.Errorf("by the first rollout: %v, %d loaded", got, w.backend.loaded.Load())
	}
}
