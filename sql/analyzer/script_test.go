package analyzer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
)

// TestScripts runs testdata. Commands, each over the statements of its input:
//
//	define    a new catalog from CREATE statements
//	analyze   what each statement would do: its result, and its plan
//	apply     the same, and then it is done
//	refuse    a statement and its refusal, on a line each: rule code, and the text that it is about
//
// A session property is an argument: `analyze ksql.some.property=value`. `go test -rewrite` writes the results anew.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := &world{t: t}
		datadriven.RunTest(t, path, w.run)
	})
}

// world is a catalog with its topics.
type world struct {
	t       *testing.T
	cat     *catalog.Catalog
	queries int
}

// Lookup implements analyzer.Topics: topics are named for their partitions ("four").
func (w *world) Lookup(topic string) (partitions int32, replicas int16, ok bool, err error) {
	n, ok := map[string]int32{"one": 1, "four": 4}[topic]
	return n, 1, ok, nil
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	props := map[string]string{}
	for _, a := range d.CmdArgs {
		props[a.Key] = strings.Join(a.Vals, ",")
	}
	if d.Cmd == "define" {
		w.cat = (&catalog.Catalog{}).WithModelVersion(&catalog.ModelVersion{Name: "FRAUD", Version: 1}, 0)
	}
	var b strings.Builder
	for _, text := range statements(d.Input) {
		r, err := w.analyze(text, props)
		switch {
		case d.Cmd == "refuse":
			fmt.Fprintf(&b, "%s\n", refusal(t, d.Pos, err, text))
		case err != nil:
			fmt.Fprintf(&b, "[%s] %s\n", code(err), ast.Render(err, text))
		default:
			if d.Cmd != "analyze" {
				w.apply(r)
			}
			if d.Cmd != "define" {
				show(&b, r)
			}
		}
	}
	return b.String()
}

func statements(script string) []string {
	var out []string
	for _, s := range strings.SplitAfter(script, ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (w *world) analyze(text string, props map[string]string) (analyzer.Result, error) {
	stmt, err := parser.ParseOne(text)
	if err != nil {
		return nil, err
	}
	a := analyzer.New(testFunctions, models{}, analyzer.Options{Topics: w})
	return a.Analyze(stmt, w.cat, text, props)
}

func refusal(t *testing.T, pos string, err error, text string) string {
	if err == nil {
		t.Fatalf("%s: not refused: %s", pos, text)
	}
	e := err.(*ast.Error)
	line := fmt.Sprintf("%s: %s  [%s]", e.Code, e.Message, text[e.Span.Start:e.Span.End])
	if e.Hint != "" {
		line += "  hint: " + e.Hint
	}
	return line
}

func code(err error) string { return err.(*ast.Error).Code }

// apply carries a result out on the catalog.
func (w *world) apply(r analyzer.Result) {
	w.queries++
	switch x := r.(type) {
	case *analyzer.CreateSource:
		w.cat = w.cat.WithSource(x.Source)
	case *analyzer.CreateAs:
		x.Sink.Query = fmt.Sprintf("C%sAS_%s_%d", x.Sink.Kind[:1], x.Sink.Name, w.queries)
		w.cat = w.cat.WithSource(x.Sink).WithQuery(&catalog.Query{ID: x.Sink.Query, Sink: x.Sink.Name, Sources: x.Sources, Plan: x.Plan})
	case *analyzer.CreateType:
		w.cat = w.cat.WithType(x.Name, x.Type)
	case *analyzer.DropType:
		w.cat = w.cat.WithoutType(x.Name)
	case *analyzer.Alter:
		w.cat = w.cat.WithSource(x.Source)
	}
}

func show(b *strings.Builder, r analyzer.Result) {
	switch x := r.(type) {
	case *analyzer.CreateSource:
		fmt.Fprintf(b, "create %s %s (%s)\n%s", x.Source.Kind, x.Source.Name, x.Source.Schema, topic(x.Topic))
	case *analyzer.CreateAs:
		fmt.Fprintf(b, "create %s %s (%s)\n%s%s", x.Sink.Kind, x.Sink.Name, x.Sink.Schema, topic(x.Topic), plan.Explain(x.Plan))
		if x.Replaces != "" {
			fmt.Fprintf(b, "replaces %s\n", x.Replaces)
		}
	case *analyzer.InsertInto:
		fmt.Fprintf(b, "insert %s\n%s", x.QueryID, plan.Explain(x.Plan))
	case *analyzer.InsertValues:
		fmt.Fprintf(b, "insert into %s:", x.Target.Name)
		for _, v := range x.Values {
			fmt.Fprintf(b, " %s=%s", v.Column.Name, v.Expr)
		}
		if x.RowTime != nil {
			fmt.Fprintf(b, " at %s", x.RowTime)
		}
		b.WriteByte('\n')
	case *analyzer.PushQuery:
		b.WriteString(plan.Explain(x.Plan))
	case *analyzer.PullQuery:
		showPull(b, x)
	case *analyzer.Drop:
		fmt.Fprintf(b, "drop %s, query %q, delete topic %t\n", x.Source.Name, x.Query, x.DeleteTopic)
	case *analyzer.Alter:
		fmt.Fprintf(b, "alter %s (%s)\n", x.Source.Name, x.Source.Schema)
	case *analyzer.CreateType:
		fmt.Fprintf(b, "type %s is %s\n", x.Name, x.Type)
	case *analyzer.DropType:
		fmt.Fprintf(b, "drop type %s\n", x.Name)
	case *analyzer.Nothing:
		fmt.Fprintf(b, "nothing: %s\n", x.Message)
	}
}

func topic(t analyzer.Topic) string {
	return fmt.Sprintf("topic %s exists=%t partitions=%d cleanup=%s retention=%s\n", t.Name, t.Exists, t.Partitions, t.Cleanup, t.Retention)
}

func showPull(b *strings.Builder, x *analyzer.PullQuery) {
	fmt.Fprintf(b, "pull %s from %q:", x.Source.Name, x.Query)
	for _, it := range x.Items {
		fmt.Fprintf(b, " %s AS %s/%d", it.Expr, it.Name, it.Role)
	}
	b.WriteByte('\n')
	if x.Filter != nil {
		fmt.Fprintf(b, "  filter %s\n", x.Filter)
	}
	for _, l := range x.Lookups {
		fmt.Fprintf(b, "  lookup key=%v%s", l.Key, bounds(" range", l.Range))
		fmt.Fprintf(b, "%s%s\n", bounds(" start", l.Start), bounds(" end", l.End))
	}
	if x.Plan != nil {
		b.WriteString(plan.Explain(x.Plan))
	}
}

func bounds(name string, r analyzer.Range) string {
	if r.Empty() {
		return ""
	}
	open, end := "(", ")"
	if r.LowInclusive {
		open = "["
	}
	if r.HighInclusive {
		end = "]"
	}
	low, high := "", ""
	if r.Low != nil {
		low = r.Low.String()
	}
	if r.High != nil {
		high = r.High.String()
	}
	return name + open + low + ".." + high + end
}
