package builtin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

func parseType(t testing.TB, text string) *types.Type {
	t.Helper()
	p, err := types.ParseType(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// resolve finds an aggregate as the analyzer and then the engine do.
func resolve(t testing.TB, name string, params []*types.Type, init []plan.Literal, env *udf.Env) udf.Aggregate {
	t.Helper()
	var args []analyzer.Arg
	for _, p := range params {
		args = append(args, analyzer.Arg{Type: p})
	}
	for _, l := range init {
		args = append(args, analyzer.Arg{Type: l.T})
	}
	m, err := Registry().Resolve(name, args)
	if err != nil {
		t.Fatal(err)
	}
	if m.Init != len(init) {
		t.Fatalf("%s: %d constants, want %d", name, m.Init, len(init))
	}
	call := &plan.AggregateCall{Name: name, Params: m.Params, Args: make([]plan.Expr, len(params)), Init: init, T: m.Returns}
	agg, err := Registry().Aggregate(call, env)
	if err != nil {
		t.Fatal(err)
	}
	if !types.Equal(agg.Returns(), m.Returns) || agg.CanUndo() != m.Undo {
		t.Fatalf("%s resolves to %s, undo %v, but is %s, %v", name, m.Returns, m.Undo, agg.Returns(), agg.CanUndo())
	}
	return agg
}

// Rows of a fold block are values separated by |; a line that starts with "undo " takes the row back, "merge" starts a new
// session that is merged into the first at the end. One result a row.
func TestAggregateScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/aggregate.d", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var params []*types.Type
			var init []plan.Literal
			env := &udf.Env{Props: map[string]string{}}
			for _, a := range d.CmdArgs {
				switch v := strings.Join(a.Vals, ", "); a.Key {
				case "of":
					for _, p := range strings.Split(v, "; ") {
						params = append(params, parseType(t, p))
					}
				case "int":
					i, _ := types.Cast(v, types.String, types.Int)
					init = append(init, plan.Literal{Value: i, T: types.Int})
				case "bool":
					init = append(init, plan.Literal{Value: v == "true", T: types.Boolean})
				default:
					env.Props[a.Key] = v
				}
			}
			return foldScript(t, resolve(t, d.Cmd, params, init, env), params, d.Input)
		})
	})
}

func foldScript(t *testing.T, agg udf.Aggregate, params []*types.Type, input string) string {
	var out strings.Builder
	s := udf.NewState(agg.State())
	agg.Init(s)
	group, seq := int32(0), int64(0)
	for line := range strings.Lines(input) {
		line = strings.TrimSuffix(line, "\n")
		if line == "merge" {
			agg.Init(s)
			group = 1
			continue
		}
		text, undo := strings.CutPrefix(line, "undo ")
		f := &udf.Fold{Rows: []int32{0}, Group: []int32{group}, Undo: []bool{undo}, Seq: seq}
		seq++
		for i, v := range strings.Split(text, "|") {
			f.Args = append(f.Args, oneRow(t, v, params[i]))
		}
		res := vector.New(agg.Returns())
		if err := agg.Fold(s, f, res); err != nil {
			fmt.Fprintln(&out, "error:", err)
			continue
		}
		fmt.Fprintln(&out, types.Text(res.Value(0), agg.Returns()))
	}
	if group == 1 {
		if err := agg.Merge(s, 0, s, 1); err != nil {
			return out.String() + "error: " + err.Error() + "\n"
		}
		res := vector.New(agg.Returns())
		agg.Result(s, []int32{0}, res)
		fmt.Fprintln(&out, "merged:", types.Text(res.Value(0), agg.Returns()))
	}
	return out.String()
}

func oneRow(t testing.TB, text string, typ *types.Type) *vector.Vector {
	t.Helper()
	v := vector.New(typ)
	if text == "null" {
		v.AppendNull()
		return v
	}
	if typ.Kind == types.KindArray {
		var list []any
		for e := range strings.SplitSeq(text, " ") {
			list = append(list, oneRow(t, e, typ.Elem).Value(0))
		}
		v.Append(list)
		return v
	}
	value, err := types.Cast(text, types.String, typ)
	if err != nil {
		t.Fatal(err)
	}
	v.Append(value)
	return v
}

// Folding in batches of any size, with results after every row or only at the end, and merging groups that were folded apart, give
// what folding row by row gives.
func TestFoldsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, params := range map[string][]*types.Type{
		"COUNT": {types.String}, "SUM": {types.Bigint}, "AVG": {types.Int}, "MIN": {types.String}, "MAX": {types.Double},
		"LATEST_BY_OFFSET": {types.String}, "EARLIEST_BY_OFFSET": {types.Int}, "COLLECT_LIST": {types.Int},
		"COLLECT_SET": {types.Int}, "HISTOGRAM": {types.String}, "ATTR": {types.Bigint},
	} {
		agg := resolve(t, name, params, nil, nil)
		const rows, groups = 300, 7
		arg := vector.New(params[0])
		f := &udf.Fold{Args: []*vector.Vector{arg}}
		for i := range rows {
			if r.IntN(5) == 0 {
				arg.AppendNull()
			} else {
				v, _ := types.Cast(int32(r.IntN(20)), types.Int, params[0])
				arg.Append(v)
			}
			f.Rows = append(f.Rows, int32(i))
			f.Group = append(f.Group, int32(r.IntN(groups)))
		}
		want := foldIn(t, agg, f, groups, 1, true)
		for _, size := range []int{3, 64, rows} {
			for _, exact := range []bool{false, true} {
				if got := foldIn(t, agg, f, groups, size, exact); got != want {
					t.Errorf("%s in batches of %d, exact %v:\n%s\nwant\n%s", name, size, exact, got, want)
				}
			}
		}
	}
}

func foldIn(t *testing.T, agg udf.Aggregate, f *udf.Fold, groups, size int, exact bool) string {
	t.Helper()
	s := udf.NewState(agg.State())
	var all []int32
	for g := range groups {
		agg.Init(s)
		all = append(all, int32(g))
	}
	for at := 0; at < len(f.Rows); at += size {
		end := min(at+size, len(f.Rows))
		part := &udf.Fold{Rows: f.Rows[at:end], Group: f.Group[at:end], Args: f.Args, Seq: int64(at)}
		var out *vector.Vector
		if exact {
			out = vector.New(agg.Returns())
		}
		if err := agg.Fold(s, part, out); err != nil {
			t.Fatal(err)
		}
		if exact {
			last := vector.New(agg.Returns())
			agg.Result(s, []int32{part.Group[len(part.Group)-1]}, last)
			if out.Len() != end-at || !types.EqualValues(out.Value(end-at-1), last.Value(0), agg.Returns()) {
				t.Fatalf("%d results of %d rows, or a last one that differs from Result", out.Len(), end-at)
			}
		}
	}
	res := vector.New(agg.Returns())
	agg.Result(s, all, res)
	var b strings.Builder
	for g := range groups {
		fmt.Fprintln(&b, types.Text(res.Value(g), agg.Returns()))
	}
	return b.String()
}

// Taking rows back leaves what would be there had they never come.
func TestUndo(t *testing.T) {
	for name, params := range map[string][]*types.Type{
		"COUNT": {types.Int}, "SUM": {types.DecimalOf(9, 2)}, "AVG": {types.Bigint}, "HISTOGRAM": {types.String},
		"ATTR": {types.Int}, "STDDEV_SAMP": {types.Int}, "CORRELATION": {types.Int, types.Int},
	} {
		agg := resolve(t, name, params, nil, nil)
		var args []*vector.Vector
		for i, p := range params {
			v := vector.New(p)
			for _, n := range []int{1 + i, 4, 9, 5} {
				x, _ := types.Cast(int32(n), types.Int, p)
				v.Append(x)
			}
			v.AppendNull()
			args = append(args, v)
		}
		s := udf.NewState(agg.State())
		agg.Init(s)
		agg.Init(s)
		f := &udf.Fold{
			Args: args, Rows: []int32{0, 1, 4, 2, 3, 1, 4, 0, 3, 2}, Group: []int32{0, 0, 0, 0, 0, 0, 0, 1, 1, 1},
			Undo: []bool{false, false, false, false, false, true, true, false, false, false},
		}
		if err := agg.Fold(s, f, nil); err != nil {
			t.Fatal(err)
		}
		res := vector.New(agg.Returns())
		agg.Result(s, []int32{0, 1}, res)
		got, want := res.Value(0), res.Value(1)
		if x, ok := got.(float64); ok && math.Abs(x-want.(float64)) < 1e-9 {
			continue // sums of floats depend on their order
		}
		if !types.EqualValues(got, want, agg.Returns()) {
			t.Errorf("%s: %s, want %s", name, types.Text(got, agg.Returns()), types.Text(want, agg.Returns()))
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for _, name := range []string{"COUNT", "SUM", "AVG", "MAX", "LATEST_BY_OFFSET"} {
		for _, exact := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/exact=%v", name, exact), func(b *testing.B) {
				agg := resolve(b, name, []*types.Type{types.Bigint}, nil, nil)
				arg := vector.New(types.Bigint)
				f := &udf.Fold{Args: []*vector.Vector{arg}}
				for i := range 256 {
					arg.I64 = append(arg.I64, int64(i))
					f.Rows = append(f.Rows, int32(i))
					f.Group = append(f.Group, int32(i%16))
				}
				s := udf.NewState(agg.State())
				for range 16 {
					agg.Init(s)
				}
				res := vector.New(agg.Returns())
				b.ReportAllocs()
				for b.Loop() {
					var out *vector.Vector
					if exact {
						res.Reset()
						out = res
					}
					if err := agg.Fold(s, f, out); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*256), "ns/row")
			})
		}
	}
}
