package optimizer_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/optimizer"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// functions knows COUNT, SUM, RANDOM and LEN.
type functions struct{}

func (functions) Kind(name string) analyzer.FunctionKind {
	switch name {
	case "COUNT", "SUM":
		return analyzer.AggregateFunction
	case "RANDOM", "LEN":
		return analyzer.ScalarFunction
	case "EXPLODE":
		return analyzer.TableFunction
	}
	return analyzer.NoFunction
}

func (functions) Names() []string { return nil }

func (functions) Resolve(name string, args []analyzer.Arg) (analyzer.Match, error) {
	m := analyzer.Match{Returns: types.Int, Undo: true, State: types.Int}
	for _, a := range args {
		m.Params = append(m.Params, a.Type)
	}
	if name == "RANDOM" {
		m.Returns = types.Double
	}
	return m, nil
}

// fold evaluates the casts and sums that the scripts hold.
func fold(e plan.Expr) (any, bool) {
	switch x := e.(type) {
	case *plan.Cast:
		l, ok := x.Expr.(*plan.Literal)
		if !ok {
			return nil, false
		}
		v, err := types.Cast(l.Value, l.T, x.T)
		return v, err == nil
	case *plan.Arithmetic:
		l, lok := x.Left.(*plan.Literal)
		r, rok := x.Right.(*plan.Literal)
		if !lok || !rok || x.T.Kind != types.KindInt || x.Op != "+" {
			return nil, false
		}
		return l.Value.(int32) + r.Value.(int32), true
	}
	return nil, false
}

// TestScripts runs testdata: `define` sets the catalog, `optimize` shows the plan of a statement before and after.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		cat := &catalog.Catalog{}
		a := analyzer.New(functions{}, nil, analyzer.Options{DefaultPartitions: 4})
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			for _, text := range strings.SplitAfter(d.Input, ";\n") {
				stmt, err := parser.ParseOne(text)
				if err != nil {
					t.Fatalf("%s: %v", d.Pos, err)
				}
				r, err := a.Analyze(stmt, cat, text, nil)
				if err != nil {
					t.Fatalf("%s: %v", d.Pos, err)
				}
				switch x := r.(type) {
				case *analyzer.CreateSource:
					cat = cat.WithSource(x.Source)
				case *analyzer.CreateAs:
					b.WriteString(optimize(t, x.Plan))
				case *analyzer.PushQuery:
					b.WriteString(optimize(t, x.Plan))
				}
			}
			return b.String()
		})
	})
}

func optimize(t *testing.T, n plan.Node) string {
	t.Helper()
	before := plan.Explain(n)
	if same := optimizer.Optimize(n, optimizer.Options{Off: true, Fold: fold}); same != n {
		t.Errorf("switched off, it still changed the plan")
	}
	out := optimizer.Optimize(n, optimizer.Options{Fold: fold})
	if err := plan.Check(out); err != nil {
		t.Errorf("broken plan: %v\n%s", err, plan.Explain(out))
	}
	if plan.Explain(n) != before {
		t.Errorf("the plan that came in was changed")
	}
	if got, want := plan.FormatColumns(out.Columns()), plan.FormatColumns(n.Columns()); got != want {
		t.Errorf("columns changed from %s to %s", want, got)
	}
	return plan.Explain(out)
}
