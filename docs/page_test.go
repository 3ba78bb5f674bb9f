package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/parser"
)

// example is one statement of a page and what the page says comes of it.
type example struct {
	line    int    // of its block
	sql     string // with the comment lines before it
	refused string // rule code of its refusal, or ""
	want    []string
	checked bool // want was written
}

// refusal marks a statement that is refused: -- [rule.code] what is wrong with it.
var refusal = regexp.MustCompile(`(?m)^-- \[([a-z.-]+)\]`)

// readPage takes the examples from a page. A block of SQL is fenced as sql, or indented and beginning with CREATE; a block fenced as
// text behind it is the result of its last statement: a line of column names, then the rows in any order.
func readPage(t *testing.T, path string) []example {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	last := ""
	for _, f := range fences(string(b)) {
		switch {
		case f.lang == "sql":
			pieces, complete := parser.Split(f.text)
			if !complete || len(pieces) == 0 {
				t.Errorf("%s:%d: the block does not end with a whole statement", path, f.line)
			}
			for _, p := range pieces {
				x := example{line: f.line, sql: p.Text + ";"}
				if m := refusal.FindStringSubmatch(p.Text); m != nil {
					x.refused = m[1]
				}
				out = append(out, x)
			}
		case f.lang == "text" && last == "sql":
			x := &out[len(out)-1]
			x.want, x.checked = strings.Split(strings.TrimSpace(f.text), "\n"), true
		}
		last = f.lang
	}
	return out
}

type fence struct {
	line       int
	lang, text string
}

// fences lists the code blocks of a page.
func fences(page string) []fence {
	var out []fence
	var open *fence
	indented := false
	for i, line := range strings.Split(page, "\n") {
		lang, marked := strings.CutPrefix(line, "```")
		text, indent := strings.CutPrefix(line, "    ")
		switch {
		case marked && open != nil && !indented:
			out, open = append(out, *open), nil
		case marked:
			open, indented = &fence{line: i + 1, lang: lang}, false
		case open == nil && indent && strings.HasPrefix(text, "CREATE "):
			open, indented = &fence{line: i + 1, lang: "sql", text: text + "\n"}, true
		case open != nil && indented && !indent:
			out, open = append(out, *open), nil
		case open != nil && indented:
			open.text += text + "\n"
		case open != nil:
			open.text += line + "\n"
		}
	}
	return out
}

// pages are the documents with examples.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(list, filepath.Join(root, "README.md"))
}

func TestFences(t *testing.T) {
	got := fences("a\n```sql\nSELECT 1;\n```\n```text\nx\n```\n\n    CREATE x;\n    SELECT 2;\n\n    make\n")
	want := []fence{{2, "sql", "SELECT 1;\n"}, {5, "text", "x\n"}, {9, "sql", "CREATE x;\nSELECT 2;\n"}}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("block %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}
