package parser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// TestScripts runs testdata. Commands:
//
//	parse [test]        each statement of the script: its kind, and its SQL printed from the tree
//	spans               all nodes of the script, with the text that each one spans
//	expr, type, schema  what ParseExpr, ParseType and ParseSchema read
//	split               the pieces of a script, and whether it is complete
//	substitute a=b ...  the text with its variables replaced
//
// An error shows as ast.Render shows it, with its rule code before it. `go test -rewrite` writes the results anew.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/script", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			if err := runScript(t, &b, d); err != nil {
				e, ok := err.(*ast.Error)
				if !ok {
					t.Fatalf("%s: not an *ast.Error: %v", d.Pos, err)
				}
				fmt.Fprintf(&b, "[%s] %s\n", e.Code, ast.Render(err, d.Input))
			}
			return b.String()
		})
	})
}

func runScript(t *testing.T, b *strings.Builder, d *datadriven.TestData) error {
	switch d.Cmd {
	case "parse":
		statements, err := parser.ParseWith(d.Input, parser.Options{Test: d.HasArg("test")})
		for _, s := range statements {
			fmt.Fprintf(b, "%s: %s\n", strings.TrimPrefix(fmt.Sprintf("%T", s), "*ast."), s)
			checkRoundTrip(t, s)
		}
		return err
	case "spans":
		statements, err := parser.Parse(d.Input)
		for _, s := range statements {
			writeSpans(b, s, d.Input)
		}
		return err
	case "expr":
		e, err := parser.ParseExpr(d.Input)
		if err == nil {
			fmt.Fprintf(b, "%s: %s\n", strings.TrimPrefix(fmt.Sprintf("%T", e), "*ast."), e)
		}
		return err
	case "type":
		typ, err := parser.ParseType(d.Input)
		if err == nil {
			fmt.Fprintln(b, typ)
		}
		return err
	case "schema":
		elements, err := parser.ParseSchema(d.Input)
		for _, e := range elements {
			fmt.Fprintln(b, e)
		}
		return err
	case "split":
		pieces, complete := parser.Split(d.Input)
		for _, p := range pieces {
			fmt.Fprintf(b, "%d: %q\n", p.Start, p.Text)
		}
		fmt.Fprintln(b, "complete:", complete)
		return nil
	case "substitute":
		vars := map[string]string{}
		for _, a := range d.CmdArgs {
			vars[a.Key] = strings.Join(a.Vals, ",")
		}
		text, err := parser.Substitute(d.Input, vars)
		if err == nil {
			fmt.Fprintln(b, text)
		}
		return err
	}
	t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	return nil
}

func writeSpans(b *strings.Builder, root ast.Node, text string) {
	ast.Inspect(root, func(n ast.Node) bool {
		s := n.Span()
		fmt.Fprintf(b, "%s %q\n", strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."), text[s.Start:s.End])
		return true
	})
}
