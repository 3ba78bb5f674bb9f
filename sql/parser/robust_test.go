package parser_test

import (
	"errors"
	"math/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// seeds are the texts of testdata/script.
func seeds(t testing.TB) []string {
	entries, err := os.ReadDir("testdata/script")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		raw, err := os.ReadFile("testdata/script/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(raw), "\n\n") {
			if body, _, ok := strings.Cut(part, "\n----"); ok {
				_, input, _ := strings.Cut(body, "\n")
				out = append(out, input)
			}
		}
	}
	if len(out) < 50 {
		t.Fatalf("only %d seeds", len(out))
	}
	return out
}

// checkParse parses any text: no panic, errors of the one kind with a span inside the text, trees that print and parse
// to themselves.
func checkParse(t *testing.T, text string) {
	t.Helper()
	statements, err := parser.Parse(text)
	if err != nil {
		var e *ast.Error
		if !errors.As(err, &e) {
			t.Fatalf("not an *ast.Error: %v\n%s", err, text)
		}
		if e.Code == "" || e.Message == "" || e.Span.Start < 0 || e.Span.Start > e.Span.End || e.Span.End > len(text) {
			t.Fatalf("bad error %+v\n%s", e, text)
		}
		if strings.Contains(e.Message, "construct") || strings.Contains(e.Message, "cannot be parsed") {
			t.Fatalf("error without a place: %s\n%s", ast.Render(err, text), text)
		}
		ast.Render(err, text)
	}
	for _, s := range statements {
		checkRoundTrip(t, s)
		ast.Inspect(s, func(n ast.Node) bool {
			if at := n.Span(); at.Start < 0 || at.Start >= at.End || at.End > len(text) {
				t.Fatalf("%T %s spans %v of %d bytes\n%s", n, n, at, len(text), text)
			}
			return true
		})
	}
}

var junk = strings.Fields("( ) [ ] , . -> => := || < > = 'x' 1 1.5 AS SELECT FROM WHERE WINDOW TUMBLING EMIT CHANGES " +
	"PARTITION BY CASE WHEN END CAST ARRAY MAP STRUCT IS NOT DISTINCT LIKE ESCAPE IN BETWEEN AND OVER FILTER ; WITHIN JOIN " +
	"ON FULL * - ` \" ' $ # /* -- INTERVAL EXISTS WITH UNION ORDER LIMIT ${x} ->* f( a.b `q` NULL TRUE <> 5e3")

// TestMutants parses statements with words dropped, put in, exchanged or cut off.
func TestMutants(t *testing.T) {
	texts := seeds(t)
	if corpusDir() != "" {
		for _, c := range readCorpus(t) {
			texts = append(texts, c.Statements...)
		}
	}
	r := rand.New(rand.NewSource(1))
	n := 30_000
	if testing.Short() {
		n = 3_000
	}
	for range n {
		words := strings.SplitAfter(texts[r.Intn(len(texts))], " ")
		i := r.Intn(len(words))
		switch r.Intn(5) {
		case 0:
			words[i] = ""
		case 1:
			words[i] += " " + junk[r.Intn(len(junk))] + " "
		case 2:
			words[i] = words[r.Intn(len(words))]
		case 3:
			words = words[:i]
		case 4:
			words[i] = junk[r.Intn(len(junk))] + words[i]
		}
		checkParse(t, strings.Join(words, ""))
	}
}

// TestLimits gives what is too deep or too long: an error, and no exhausted stack.
func TestLimits(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for name, text := range map[string]string{
		"brackets":   "SELECT " + many("(", 100_000) + "1" + many(")", 100_000) + " FROM s",
		"subscripts": "SELECT a" + many("[1]", 10_000) + " FROM s",
		"nested":     "SELECT " + many("a[", 10_000) + "1" + many("]", 10_000) + " FROM s",
		"fields":     "SELECT a" + many("->b", 20_000) + " FROM s",
		"cases":      "SELECT " + many("CASE WHEN ", 20_000) + " FROM s",
		"signs":      "SELECT " + many("- ", 50_000) + "a FROM s",
		"nots":       "SELECT " + many("NOT ", 50_000) + "a FROM s",
		"chain":      "SELECT a" + many(" + a", 40_000) + " FROM s",
		"queries":    many("SELECT a FROM (", 5_000) + "SELECT a FROM s" + many(")", 5_000),
		"unions":     "SELECT a FROM s" + many(" UNION SELECT a FROM s", 18_000),
		"joins":      "SELECT a FROM s" + many(" JOIN s ON a = b", 14_000),
		"types":      "CREATE STREAM s (a " + many("ARRAY<", 50_000) + "INT" + many(">", 50_000) + ")",
		"arrays":     "CREATE STREAM s (a INT" + many(" ARRAY", 50_000) + ")",
		"likes":      "SELECT a" + many(" LIKE a", 40_000) + " FROM s",
		"explains":   many("EXPLAIN ", 50_000) + "SELECT a FROM s",
		"words":      "SELECT a" + many(", a", 60_000) + " FROM s",
		"bytes":      "SELECT '" + many("x", parser.MaxStatement) + "' FROM s",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parser.Parse(text)
			var e *ast.Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if len(e.Message) > 300 {
				t.Errorf("message of %d bytes", len(e.Message))
			}
		})
	}
	for name, text := range map[string]string{
		"chain":    "SELECT a" + many(" + a", 2_000) + " FROM s",
		"columns":  "SELECT a" + many(", a", 20_000) + " FROM s",
		"brackets": "SELECT " + many("(", 200) + "1" + many(")", 200) + " FROM s",
	} {
		t.Run("allowed "+name, func(t *testing.T) { checkParse(t, text) })
	}
}

// TestConcurrent parses from several goroutines at once; make race gives it its meaning.
func TestConcurrent(t *testing.T) {
	texts := seeds(t)
	want := make([]string, len(texts))
	for i, text := range texts {
		want[i] = outcome(text)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range texts {
				if got := outcome(text); got != want[i] {
					t.Errorf("%s\ngot  %s\nwant %s", text, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func outcome(text string) string {
	statements, err := parser.Parse(text)
	var b strings.Builder
	for _, s := range statements {
		b.WriteString(s.String())
	}
	if err != nil {
		b.WriteString(ast.Render(err, text))
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(checkParse)
}

// FuzzLex takes any bytes through what reads text without parsing it: pieces lie in order where they say, and the
// pieces parse as the whole does.
func FuzzLex(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces, _ := parser.Split(text)
		end, count := 0, 0
		for _, p := range pieces {
			if p.Start < end || p.Start+len(p.Text) > len(text) || text[p.Start:p.Start+len(p.Text)] != p.Text {
				t.Fatalf("piece %+v is not where it says\n%s", p, text)
			}
			end = p.Start + len(p.Text)
			if s, err := parser.Parse(p.Text); err == nil {
				count += len(s)
			}
		}
		if all, err := parser.Parse(text); err == nil && len(all) != count {
			t.Fatalf("the script has %d statements, its pieces %d\n%s", len(all), count, text)
		}
		if _, err := parser.Substitute(text, map[string]string{"x": "y"}); err != nil {
			t.Fatalf("substitution of a name: %v\n%s", err, text)
		}
	})
}
