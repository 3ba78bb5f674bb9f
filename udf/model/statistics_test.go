package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// TestHistogram: quantiles are right to a bin, whatever the numbers; parts that are merged are the whole; and it can be written and read.
func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, scale := range []float64{1e-12, 1e-3, 1, 1e6, 1e300, math.Inf(1)} {
		var whole, left, right Histogram
		values := []float64{0}
		whole.Add(0, 1)
		left.Add(0, 1)
		for i := range 2000 {
			v := rng.NormFloat64() * scale
			values = append(values, v)
			whole.Add(v, 1)
			[]*Histogram{&left, &right}[i%2].Add(v, 1)
		}
		whole.Add(math.NaN(), 1)
		left.Merge(&right)
		if left.Count != whole.Count || !slices.Equal(left.Bins, whole.Bins) || left.Min != whole.Min || left.Max != whole.Max {
			t.Errorf("scale %g: merged %v, whole %v", scale, left, whole)
		}
		slices.Sort(values)
		for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 1} {
			want := values[max(0, int(math.Ceil(q*float64(len(values))))-1)]
			if got := whole.Quantile(q); binKey(got) != binKey(want) && math.Abs(want) < 1<<31 {
				t.Errorf("scale %g: quantile %g is %g, want %g", scale, q, got, want)
			}
		}
		if whole.Count != 2001 || len(whole.Bins) > 1025 || math.IsInf(whole.Sum, 0) {
			t.Errorf("scale %g: %d numbers in %d bins, sum %g", scale, whole.Count, len(whole.Bins), whole.Sum)
		}
		b, err := json.Marshal(whole)
		var read Histogram
		if err != nil || json.Unmarshal(b, &read) != nil || !reflect.DeepEqual(read, whole) {
			t.Errorf("scale %g: written as %s, %v", scale, b, err)
		}
	}
	var h Histogram
	for _, v := range []float64{0.001, 0.002, 0.5, 3} {
		h.Add(v, 2)
	}
	if got := h.Cumulative([]float64{0.0015, 0.01, 1}); !slices.Equal(got, []uint64{2, 4, 6}) || h.Mean() != 0.87575 {
		t.Errorf("cumulative %v, mean %g", got, h.Mean())
	}
}

// numbers is a distribution of n numbers.
func numbers(n int, missing int64, of func(i int) float64) *Distribution {
	d := &Distribution{Missing: missing}
	for i := range n {
		d.Numbers.Add(of(i), 1)
	}
	return d
}

func TestPSI(t *testing.T) {
	uniform := func(i int) float64 { return float64(i%1000) / 100 }
	base := numbers(10_000, 0, uniform)
	classes := func(a, b int64) *Distribution { return &Distribution{Classes: map[string]int64{"a": a, "b": b}} }
	for name, c := range map[string]struct {
		base, now *Distribution
		low, high float64
	}{
		"the same":          {base, base, 0, 0},
		"more of the same":  {base, numbers(50_000, 0, uniform), 0, 1e-6},
		"a little":          {base, numbers(10_000, 0, func(i int) float64 { return uniform(i) + 0.3 }), 0.001, 0.1},
		"shifted by half":   {base, numbers(10_000, 0, func(i int) float64 { return uniform(i) + 5 }), 0.25, 20},
		"below all":         {base, numbers(10_000, 0, func(int) float64 { return -3 }), 0.25, 20},
		"missing":           {base, numbers(5000, 5000, uniform), 0.25, 20},
		"nothing yet":       {base, &Distribution{}, 0, 0},
		"one value":         {numbers(100, 0, func(int) float64 { return 7 }), numbers(100, 0, func(int) float64 { return 7 }), 0, 0},
		"half is one value": {numbers(100, 0, func(i int) float64 { return max(0, float64(i-50)) }), numbers(100, 0, func(int) float64 { return 60 }), 0.25, 20},
		"classes":           {classes(50, 50), classes(500, 500), 0, 0},
		// (0.8 - 0.5) * ln(0.8 / 0.5) + (0.2 - 0.5) * ln(0.2 / 0.5)
		"other shares": {classes(50, 50), classes(800, 200), 0.4158, 0.4159},
		"a new class":  {classes(50, 50), &Distribution{Classes: map[string]int64{"a": 40, "b": 40, "c": 20}}, 0.25, 20},
	} {
		if got := PSI(c.base, c.now); !(got >= c.low && got <= c.high) {
			t.Errorf("%s: %g, want %g to %g", name, got, c.low, c.high)
		}
	}
	if b, a := deciles(&base.Numbers, &base.Numbers); len(b) != driftGroups || !slices.Equal(a, b) || slices.Max(b) > 2500 {
		t.Errorf("the baseline is cut into %v", b)
	}
}

// TestCountedOnce: what is scored counts when it is committed, whether it was scored once or, after aborts, three times.
func TestCountedOnce(t *testing.T) {
	w := newWorld()
	w.add(3, false)
	v, quiet := w.View(w.applied, w.now).Count(), w.View(w.applied, w.now)
	f, c := follow(t, v, keyed)
	other, otherVersion := follow(t, quiet, keyed)
	id := VersionID{"M", 3}
	for range 3 {
		score(t, f, c, batch(100))
		v.Drop()
		v.Commit(w.applied)
	}
	if got := w.stats.Of(id); got.Rows != 0 {
		t.Errorf("%d rows count that were never committed", got.Rows)
	}
	for range 2 {
		score(t, f, c, batch(100))
		score(t, other, otherVersion, batch(100))
		v.Commit(w.applied)
		quiet.Commit(w.applied)
	}
	got := w.stats.Of(id)
	if got.Rows != 200 || got.Batches != 2 || got.Inputs[0].Count() != 200 || got.CallSeconds.Count != 2 || got.RowSeconds.Count != 200 {
		t.Errorf("counted %+v", got)
	}
	if in := got.Inputs[0].Numbers; in.Min != 0 || in.Max < 90 || got.Outputs[0].Numbers.Mean() != 3 {
		t.Errorf("inputs %+v, outputs %+v", in, got.Outputs[0])
	}
	if w.stats.Forget("M"); w.stats.Of(id).Rows != 0 {
		t.Error("forgotten rows count")
	}
}

// TestScorerThatPanics: the query has an error that names the version, and the shadow's panic is nobody's.
func TestScorerThatPanics(t *testing.T) {
	w := newWorld()
	w.cat = w.cat.WithModelVersion(&catalog.ModelVersion{Name: "M", Version: 1, SHA256: "mad"}, 0)
	w.applied = 1
	told := 0
	w.Panicked = func(id VersionID, value any, stack []byte) {
		if id == (VersionID{"M", 1}) && value == "mad model" && strings.Contains(string(stack), "constant.Score") {
			told++
		}
	}
	v := w.View(w.applied, w.now).Count()
	f, _ := follow(t, v, keyed)
	b, out := batch(1), vector.New(types.Double)
	err := f.Score(Rows{Batch: b, N: 1}, b.Cols[1:], []int32{0}, out, nil)
	if err == nil || err.Error() != "version 1 of model M: the scorer panicked: mad model" || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
	if got := w.stats.Of(VersionID{"M", 1}); got.Errors != 1 || got.Rows != 0 {
		t.Errorf("counted %+v", got)
	}
}

// TestDrift: the first rows are the baseline, and only those of late are compared with it.
func TestDrift(t *testing.T) {
	var d Drift
	send := func(rows int, shift float64) {
		for from := 0; from < rows; from += 500 {
			d.add(&Tally{Sampled: 500, Inputs: []Distribution{*numbers(500, 0, func(i int) float64 { return float64(i)/100 + shift })}})
		}
	}
	send(1000, 0)
	if in, _ := d.Measure(); in != nil {
		t.Error("a baseline alone has drifted")
	}
	send(9000, 0)
	if in, _ := d.Measure(); len(in) != 1 || in[0] != 0 {
		t.Errorf("nothing has changed, and the drift is %v", in)
	}
	send(10_000, 4)
	if in, _ := d.Measure(); len(in) != 1 || in[0] < 1 {
		t.Errorf("all has changed, and the drift is %v", in)
	}
	send(10_000, 0)
	if in, _ := d.Measure(); in[0] != 0 {
		t.Errorf("all is as it was, and the drift is %v", in)
	}
}

// TestStatisticsOfServersAddUp: what two servers count, sent as text and added up, is what one server counts that has all the rows.
func TestStatisticsOfServersAddUp(t *testing.T) {
	id := VersionID{"M", 1}
	var whole Statistics
	var servers [2]Statistics
	for i := range 40 {
		n := 250
		tally := Tally{
			Rows: int64(n), Batches: 1, Sampled: int64(n), Compared: 10, Agreed: int64(i % 10), Difference: float64(i),
			Inputs:  []Distribution{*numbers(n, int64(i), func(k int) float64 { return float64(k%100 + i/10) })},
			Outputs: []Distribution{{Classes: map[string]int64{"yes": int64(n - i), "no": int64(i)}}},
		}
		tally.CallSeconds.Add(float64(i), 1)
		whole.add(id, &tally)
		servers[i%2].add(id, &tally)
	}
	whole.failed(id)
	servers[1].failed(id)
	var sum Snapshot
	for i := range servers {
		s := servers[i].Of(id)
		b, err := json.Marshal(s)
		var read Snapshot
		if err != nil || json.Unmarshal(b, &read) != nil || !reflect.DeepEqual(read, s) {
			t.Fatalf("written as %s, %v", b, err)
		}
		sum.Merge(&read)
	}
	want := whole.Of(id)
	if !reflect.DeepEqual(sum.Tally, want.Tally) {
		t.Errorf("together\n%+v, want\n%+v", sum.Tally, want.Tally)
	}
	if sum.Drift.Baseline.Sampled != 2*baselineRows {
		t.Errorf("the baselines have %d rows", sum.Drift.Baseline.Sampled)
	}
	in, out := sum.Drift.Measure()
	if len(in) != 1 || in[0] <= 0 || len(out) != 1 || out[0] <= 0 {
		t.Errorf("the drift is %v and %v", in, out)
	}
}

// TestCompare: labels agree where they are equal, numbers where they are close.
func TestCompare(t *testing.T) {
	labelled := types.StructOf(types.Field{Name: "LABEL", Type: types.Bigint}, types.Field{Name: "P", Type: types.MapOf(types.String, types.Double)})
	row := func(label int64, p float64) any {
		return []any{label, types.Map{{Key: "0", Value: 1 - p}, {Key: "1", Value: p}}}
	}
	for name, c := range map[string]struct {
		t          *types.Type
		a, b       any
		agreed     int64
		difference float64
	}{
		"equal":          {types.Double, 2.0, 2.0, 1, 0},
		"close":          {types.Double, 2.0, 2.01, 1, 0.01},
		"apart":          {types.Double, 2.0, 3.0, 0, 1},
		"one is missing": {types.Double, 2.0, nil, 0, 0},
		"both are":       {types.Double, nil, nil, 1, 0},
		"not a number":   {types.Double, math.NaN(), 1.0, 0, 0},
		"labels":         {types.String, "a", "b", 0, 0},
		"one label":      {labelled, row(1, 0.75), row(1, 0.5), 1, 0.25},
		"other label":    {labelled, row(1, 0.5), row(0, 0.5), 0, 0},
		"arrays":         {types.ArrayOf(types.Double), []any{1.0, 2.0}, []any{1.0, 4.0}, 0, 2},
	} {
		var tally Tally
		tally.compare(vec(c.t, c.a), vec(c.t, c.b), []int32{0})
		if tally.Compared != 1 || tally.Agreed != c.agreed || math.Abs(tally.Difference-c.difference) > 1e-9 {
			t.Errorf("%s: %d of %d agree, difference %g", name, tally.Agreed, tally.Compared, tally.Difference)
		}
	}
}

// TestTallyIsBounded: whatever values come, a tally stays small.
func TestTallyIsBounded(t *testing.T) {
	text, wide := Tensor{Name: "s", Type: String, Shape: []int64{-1, 1}}, Tensor{Name: "X", Type: Float32, Shape: []int64{-1, 500}}
	s := same(text, wide)
	b, err := Bind("M", s, append(repeat(types.String, 1), repeat(types.Double, 500)...))
	if err != nil {
		t.Fatal(err)
	}
	var tally Tally
	for i := range 100 {
		args := []*vector.Vector{vec(types.String, strings.Repeat("x", i)+"\xff")}
		for range 500 {
			args = append(args, vec(types.Double, float64(i)))
		}
		if err := b.score(t.Context(), args, 1, nil, vector.New(b.Result), watcher{tally: &tally}); err != nil {
			t.Fatal(err)
		}
	}
	if len(tally.Inputs) != maxWatched || len(tally.Inputs[0].Classes) != maxClasses || tally.Inputs[0].Count() != 100 {
		t.Errorf("%d inputs, %d classes of %d rows", len(tally.Inputs), len(tally.Inputs[0].Classes), tally.Inputs[0].Count())
	}
	if _, err := json.Marshal(tally); err != nil {
		t.Error(err)
	}
}
