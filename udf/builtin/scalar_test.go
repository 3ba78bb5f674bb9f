package builtin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

var testEnv = &udf.Env{
	Now:    func() time.Time { return time.UnixMilli(1526075913042) },
	Random: func() float64 { return 0.25 },
}

// Each line of a call block is a function and its arguments, TYPE value, split by |. Lists are written a,b and maps k=v,l=w; null is
// NULL, and the type NULL the bare literal. The answer is the result with its type.
func TestScalarScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scalar", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				fmt.Fprintln(&out, runCall(t, strings.TrimSuffix(line, "\n")))
			}
			return out.String()
		})
	})
}

func runCall(t *testing.T, line string) string {
	name, rest, _ := strings.Cut(line, " | ")
	var args []analyzer.Arg
	var values []any
	if rest != "" {
		for part := range strings.SplitSeq(rest, " | ") {
			typ, text, _ := strings.Cut(part, " ")
			if typ == "NULL" {
				args, values = append(args, analyzer.Arg{Type: types.Null}), append(values, nil)
				continue
			}
			p := parseType(t, strings.ReplaceAll(typ, ",", ", "))
			args, values = append(args, analyzer.Arg{Type: p}), append(values, parseValue(t, text, p))
		}
	}
	m, err := Registry().Resolve(name, args)
	if err != nil {
		return "refused: " + err.Error()
	}
	for i, v := range values {
		if values[i], err = types.Cast(v, args[i].Type, m.Params[i]); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if Registry().Kind(name) == analyzer.TableFunction {
		f, err := Registry().Table(&plan.TableCall{Name: name, Params: m.Params, T: m.Returns}, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.Eval(values)
		if err != nil {
			return "error: " + err.Error()
		}
		return types.Text(rows, types.ArrayOf(m.Returns)) + " " + m.Returns.String()
	}
	f, err := Registry().Scalar(&plan.Call{Name: name, Params: m.Params, T: m.Returns}, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if v == nil && !f.Nulls {
			return "null " + m.Returns.String()
		}
	}
	v, err := f.Eval(values)
	if err != nil {
		return "error: " + err.Error()
	}
	return types.Text(v, m.Returns) + " " + m.Returns.String()
}

func parseValue(t *testing.T, text string, typ *types.Type) any {
	t.Helper()
	switch {
	case text == "null":
		return nil
	case typ.Kind == types.KindArray:
		list := []any{}
		for e := range strings.SplitSeq(text, ",") {
			if text != "" {
				list = append(list, parseValue(t, e, typ.Elem))
			}
		}
		return list
	case typ.Kind == types.KindMap:
		m := types.Map{}
		for e := range strings.SplitSeq(text, ",") {
			k, v, _ := strings.Cut(e, "=")
			m = append(m, types.MapEntry{Key: k, Value: parseValue(t, v, typ.Elem)})
		}
		return m
	case typ.Kind == types.KindIntervalUnit:
		return text
	}
	v, err := types.Cast(text, types.String, typ)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every function says what it does, and every overload what its arguments are called.
func TestDocumented(t *testing.T) {
	for _, name := range Registry().Names() {
		f, _ := Registry().Function(name)
		if f.Description == "" || !strings.HasSuffix(f.Description, ".") || f.Category == "" || f.Kind == analyzer.NoFunction {
			t.Errorf("%s: %q in %q", name, f.Description, f.Category)
		}
	}
}

func TestLambdas(t *testing.T) {
	list := []any{int32(1), nil, int32(3)}
	m := types.Map{{Key: "a", Value: int32(1)}, {Key: "b", Value: int32(2)}}
	plus := func(a ...any) (any, error) {
		sum := int32(0)
		for _, v := range a {
			if n, ok := v.(int32); ok {
				sum += n
			}
		}
		return sum, nil
	}
	odd := func(a ...any) (any, error) {
		n, ok := a[len(a)-1].(int32)
		return ok && n%2 == 1, nil
	}
	lambda := func(n int, returns *types.Type) analyzer.Arg {
		return analyzer.Arg{Lambda: n, Body: func(params []*types.Type) (*types.Type, error) {
			if len(params) != n {
				return nil, fmt.Errorf("%d types for %d parameters", len(params), n)
			}
			return returns, nil
		}}
	}
	for _, c := range []struct {
		name   string
		args   []analyzer.Arg
		values []any
		want   string
	}{
		{"TRANSFORM", []analyzer.Arg{{Type: types.ArrayOf(types.Int)}, lambda(1, types.Int)}, []any{list, udf.Lambda(plus)}, "[1, 0, 3] ARRAY<INTEGER>"},
		{"FILTER", []analyzer.Arg{{Type: types.ArrayOf(types.Int)}, lambda(1, types.Boolean)}, []any{list, udf.Lambda(odd)}, "[1, 3] ARRAY<INTEGER>"},
		{"FILTER", []analyzer.Arg{{Type: types.MapOf(types.String, types.Int)}, lambda(2, types.Boolean)}, []any{m, udf.Lambda(odd)}, "{a=1} MAP<STRING, INTEGER>"},
		{"REDUCE", []analyzer.Arg{{Type: types.ArrayOf(types.Int)}, {Type: types.Int}, lambda(2, types.Int)}, []any{list, int32(5), udf.Lambda(plus)}, "9 INTEGER"},
		{"REDUCE", []analyzer.Arg{{Type: types.MapOf(types.String, types.Int)}, {Type: types.Int}, lambda(3, types.Int)}, []any{m, int32(5), udf.Lambda(plus)}, "8 INTEGER"},
		{"REDUCE", []analyzer.Arg{{Type: types.ArrayOf(types.Int)}, {Type: types.Int}, lambda(2, types.Int)}, []any{nil, int32(5), udf.Lambda(plus)}, "5 INTEGER"},
	} {
		match, err := Registry().Resolve(c.name, c.args)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Registry().Scalar(&plan.Call{Name: c.name, Params: match.Params, T: match.Returns}, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		v, err := f.Eval(c.values)
		if err != nil {
			t.Fatal(err)
		}
		got := types.Text(v, match.Returns) + " " + match.Returns.String()
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	_, err := Registry().Resolve("TRANSFORM", []analyzer.Arg{{Type: types.ArrayOf(types.Int)}, lambda(2, types.Int)})
	if err == nil {
		t.Error("a lambda of two parameters is accepted for a list")
	}
}

// The orders are those of a Java HashMap made for as many entries.
func TestVisitOrder(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"yes, thanks;nope;sure, yeah", "yes, thanks;sure, yeah;nope"},
		{"b;a", "a;b"},
		{"one;two;three;four;five;six;seven", "six;four;one;seven;two;three;five"},
		{"Aa;BB", "Aa;BB"}, // one hash
		{"", ""},
	} {
		var m types.Map
		for k := range strings.SplitSeq(c.in, ";") {
			m = append(m, types.MapEntry{Key: k})
		}
		var got []string
		for _, e := range visitOrder(m) {
			got = append(got, e.Key.(string))
		}
		if s := strings.Join(got, ";"); s != c.want {
			t.Errorf("%s is visited as %s, want %s", c.in, s, c.want)
		}
	}
}
