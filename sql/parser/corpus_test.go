package parser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// corpusDir is where the conformance cases lie; "" if they are not there.
func corpusDir() string {
	dir := os.Getenv("MILLRACE_QTT")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "qtt")
	}
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// corpusCase is what this test reads of a case.
type corpusCase struct {
	file       string
	Name       string
	Format     []string
	Statements []string
	Exception  *struct{ Type, Message string } `json:"expectedException"`
	Error      *struct{ Type, Message string } `json:"expectedError"`
}

// expected is the text that a refusal of the case's last statement must hold, and whether one is expected.
func (c *corpusCase) expected() (message string, refused bool) {
	switch {
	case c.Exception != nil:
		return c.Exception.Message, true
	case c.Error != nil:
		return c.Error.Message, true
	}
	return "", false
}

func readCorpus(t testing.TB) []corpusCase {
	dir := corpusDir()
	if dir == "" {
		t.Skip("the conformance cases are not here; MILLRACE_QTT names their folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []corpusCase
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var suite struct{ Tests []corpusCase }
		if err := json.Unmarshal(blankComments(raw), &suite); err != nil {
			t.Fatalf("%s: %v", filepath.Base(file), err)
		}
		for _, c := range suite.Tests {
			c.file = filepath.Base(file)
			all = append(all, expand(c)...)
		}
	}
	return all
}

// expand makes one case of each format.
func expand(c corpusCase) []corpusCase {
	if len(c.Format) == 0 {
		return []corpusCase{c}
	}
	var out []corpusCase
	for _, format := range c.Format {
		d := c
		d.Statements = make([]string, len(c.Statements))
		for i, s := range c.Statements {
			d.Statements[i] = strings.ReplaceAll(s, "{FORMAT}", format)
		}
		out = append(out, d)
	}
	return out
}

// blankComments overwrites // and /* */ outside strings, which the cases' JSON may hold, by spaces.
func blankComments(b []byte) []byte {
	quoted := false
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			b[i] = ' '
		}
	}
	for i := 0; i < len(b); i++ {
		rest := string(b[i:min(i+2, len(b))])
		switch {
		case quoted && b[i] == '\\':
			i++
		case b[i] == '"':
			quoted = !quoted
		case quoted:
		case rest == "//":
			n := strings.IndexByte(string(b[i:])+"\n", '\n')
			blank(i, min(i+n, len(b)))
		case rest == "/*":
			n := strings.Index(string(b[i:]), "*/")
			if n < 0 {
				return b
			}
			blank(i, i+n+2)
		}
	}
	return b
}

// TestCorpus parses every statement of the conformance cases. One that a case does not expect to fail must parse, and
// print as SQL that parses to the same tree.
func TestCorpus(t *testing.T) {
	var parsed, refused, later, failed int
	for _, c := range readCorpus(t) {
		for i, text := range c.Statements {
			last := i == len(c.Statements)-1
			message, negative := c.expected()
			statements, err := parser.Parse(text)
			switch {
			case err != nil && negative && last:
				refused++
				continue
			case err != nil:
				failed++
				t.Errorf("%s: %s\n%s", c.file, c.Name, ast.Render(err, text))
				continue
			case negative && last && strings.Contains(message, "Syntax Error") && !ordered(statements):
				failed++
				t.Errorf("%s: %s: accepted what the grammar refuses\n%s", c.file, c.Name, text)
				continue
			case negative && last:
				later++
			}
			for _, s := range statements {
				parsed++
				checkRoundTrip(t, s)
			}
		}
	}
	t.Logf("%d statements parsed (%d of them to be refused later), %d refused as expected, %d wrong", parsed, later, refused, failed)
	if parsed < 4000 {
		t.Errorf("only %d statements: the corpus was not read", parsed)
	}
}

// ordered says whether a query of the statements has an ORDER BY, which is of our language: the analyzer says where.
func ordered(statements []ast.Statement) bool {
	found := false
	for _, s := range statements {
		ast.Inspect(s, func(n ast.Node) bool {
			q, ok := n.(*ast.Query)
			found = found || ok && len(q.OrderBy) > 0
			return true
		})
	}
	return found
}

// checkRoundTrip prints s, parses it again, and compares.
func checkRoundTrip(t *testing.T, s ast.Statement) {
	t.Helper()
	text := s.String()
	again, err := parser.ParseWith(text, parser.Options{Test: true})
	switch {
	case err != nil:
		t.Errorf("printed statement does not parse:\n%s", ast.Render(err, text))
	case len(again) != 1 || !ast.Equal(s, again[0]):
		t.Errorf("printed statement parses to another tree:\n%s\n%s", text, again)
	}
}
