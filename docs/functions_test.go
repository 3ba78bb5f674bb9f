package docs

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

var update = flag.Bool("update", false, "write the generated pages instead of comparing them")

// TestFunctionsPage makes functions.md of its template, functions.tmpl, and the registry of built-in functions.
func TestFunctionsPage(t *testing.T) {
	families := map[string][]*udf.Function{}
	for _, name := range builtin.Registry().Names() {
		f, _ := builtin.Registry().Function(name)
		families[f.Category] = append(families[f.Category], f)
	}
	shown := map[string]bool{}
	page, err := template.New("functions.tmpl").Funcs(template.FuncMap{
		"family": func(category string) (string, error) {
			if families[category] == nil || shown[category] {
				return "", fmt.Errorf("no family %s, or not for the first time", category)
			}
			shown[category] = true
			return familyTable(families[category])
		},
		"count": func() int { return len(builtin.Registry().Names()) },
	}).ParseFiles("functions.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := page.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range slices.Sorted(maps.Keys(families)) {
		if !shown[c] {
			t.Errorf("functions.tmpl has no family %q", c)
		}
	}
	generated(t, "functions.md", out.String())
}

// generated compares a page with what its generator gives, or writes it.
func generated(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not what its generator gives: run make docs (%v)", path, err)
	}
}

// familyTable is a table of functions, sorted by name, each with its signatures on lines of their own.
func familyTable(fs []*udf.Function) (string, error) {
	aggregates := fs[0].Kind == analyzer.AggregateFunction
	var b strings.Builder
	if aggregates {
		b.WriteString("| function | gives | on tables | what it is |\n|---|---|---|---|\n")
	} else {
		b.WriteString("| function | gives | NULL argument | what it is |\n|---|---|---|---|\n")
	}
	for _, f := range fs {
		if f.Description == "" {
			return "", fmt.Errorf("%s has no description", f.Name)
		}
		var calls, results, rules []string
		volatile := false
		for i := range f.Overloads {
			o := &f.Overloads[i]
			r, err := result(f, o)
			if err != nil {
				return "", err
			}
			calls, results = append(calls, "`"+call(f, o)+"`"), append(results, r)
			rules = append(rules, rule(f, o))
			volatile = volatile || o.Volatile
		}
		what := strings.ReplaceAll(f.Description, "|", `\|`)
		if volatile {
			what += " Differs from call to call."
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
			strings.Join(calls, "<br>"), lines(results), lines(rules), what)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// lines gives one line an overload, or a single one where all are the same.
func lines(cells []string) string {
	if len(slices.Compact(slices.Clone(cells))) == 1 {
		return cells[0]
	}
	return strings.Join(cells, "<br>")
}

// call shows how an overload is called.
func call(f *udf.Function, o *udf.Overload) string {
	s := o.Parsed()
	params := make([]string, len(s.Params))
	for i, p := range s.Params {
		params[i] = p.Name + " " + p.Type.String()
		if i == s.Variadic {
			params[i] += "..."
		}
		if p.Init {
			params[i] += " constant"
		}
	}
	return f.Name + "(" + strings.Join(params, ", ") + ")"
}

// rule says what a NULL argument does to a call, or, of an aggregate, whether it may stand in a query over a table.
func rule(f *udf.Function, o *udf.Overload) string {
	switch {
	case f.Kind == analyzer.AggregateFunction && o.Undo:
		return "yes"
	case f.Kind == analyzer.AggregateFunction:
		return "no"
	case len(o.Parsed().Params) == 0:
		return "-"
	case o.Nulls:
		return "see right"
	case f.Kind == analyzer.TableFunction:
		return "gives no rows"
	}
	return "gives NULL"
}

// result is the result's type in words. Where the implementation computes it from the arguments, it is asked about samples.
func result(f *udf.Function, o *udf.Overload) (string, error) {
	s := o.Parsed()
	if s.Returns != nil && o.Returns == nil {
		return "`" + s.Returns.String() + "`", nil
	}
	args, names, depends := make([]analyzer.Arg, len(s.Params)), make([]string, len(s.Params)), false
	for i, p := range s.Params {
		args[i].Type = sample(p.Type)
		names[i] = typeText(args[i].Type)
		depends = depends || p.Type.Any || p.Type.Kind == types.KindDecimal
	}
	m, err := builtin.Registry().Resolve(f.Name, args)
	if err != nil {
		return "", fmt.Errorf("result of %s: %w", call(f, o), err)
	}
	if !depends {
		return "`" + typeText(m.Returns) + "`", nil
	}
	return fmt.Sprintf("by the arguments: `(%s)` gives `%s`", strings.Join(names, ", "), typeText(m.Returns)), nil
}

// typeText is a type as signatures write it, and so that it may stand in backquotes.
func typeText(t *types.Type) string {
	return strings.NewReplacer("`", "", "INTEGER", "INT").Replace(t.String())
}

// sample is a type that a parameter accepts.
func sample(p *udf.Pattern) *types.Type {
	switch {
	case p.Any || p.Var != "":
		return types.String
	case p.Kind == types.KindArray:
		return types.ArrayOf(sample(p.Elem))
	case p.Kind == types.KindMap:
		return types.MapOf(sample(p.Key), sample(p.Elem))
	case p.Kind == types.KindDecimal:
		return types.DecimalOf(6, 2)
	}
	return &types.Type{Kind: p.Kind}
}
