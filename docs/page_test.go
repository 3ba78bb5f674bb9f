package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/parser"
)

// example is one statement of a page, or a session of the shell, and what the page says comes of it.
type example struct {
	line    int    // of its block
	sql     string // with the comment lines before it
	shell   bool   // it is what a person types into the shell
	refused string // rule code of its refusal, or ""
	want    []string
	checked bool  // want was written
	result  fence // where want stands
}

// page is a document with examples.
type page struct {
	path     string
	lines    []string
	examples []*example
	files    map[string]string // that the page shows for its scripts, by name
}

// refusal marks a statement that is refused: -- [rule.code] what is wrong with it.
var refusal = regexp.MustCompile(`(?m)^-- \[([a-z.-]+)\]`)

// readPage takes the examples from a page. A block of SQL is fenced as sql, or indented and beginning with CREATE; one for the shell is
// fenced as millrace. A block fenced as text behind it is the result of its last statement: a line of column names, then the rows in
// any order; for the shell, what it prints. A block fenced as sql with a file name is such a file.
func readPage(t *testing.T, path string) *page {
	t.Helper()
	text := read(t, path)
	p := &page{path: path, lines: strings.Split(text, "\n"), files: map[string]string{}}
	last := ""
	for _, f := range fences(text) {
		lang, file, _ := strings.Cut(f.lang, " ")
		switch {
		case file != "":
			p.files[file] = f.text
		case lang == "sql":
			p.statements(t, f)
		case lang == "millrace":
			p.examples = append(p.examples, &example{line: f.line, sql: f.text, shell: true})
		case lang == "text" && (last == "sql" || last == "millrace"):
			x := p.examples[len(p.examples)-1]
			x.want, x.checked, x.result = strings.Split(strings.Trim(f.text, "\n"), "\n"), true, f
		}
		last = f.lang
	}
	return p
}

// statements takes the examples from a block of SQL.
func (p *page) statements(t *testing.T, f fence) {
	pieces, complete := parser.Split(f.text)
	if !complete || len(pieces) == 0 {
		t.Errorf("%s:%d: the block does not end with a whole statement", p.path, f.line)
	}
	for _, piece := range pieces {
		x := &example{line: f.line, sql: piece.Text + ";"}
		if m := refusal.FindStringSubmatch(piece.Text); m != nil {
			x.refused = m[1]
		}
		p.examples = append(p.examples, x)
	}
}

// rewrite puts the results that were found in the place of those that the page shows.
func (p *page) rewrite(t *testing.T, found map[*example][]string) {
	t.Helper()
	for _, x := range slices.Backward(p.examples) {
		if rows, ok := found[x]; ok {
			p.lines = slices.Replace(p.lines, x.result.line, x.result.end, rows...)
		}
	}
	if err := os.WriteFile(p.path, []byte(strings.Join(p.lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fence is a code block. Its text stands in the lines from line+1 to end, counted from 1.
type fence struct {
	line, end  int
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
			open.end = i
			out, open = append(out, *open), nil
		case marked:
			open, indented = &fence{line: i + 1, lang: lang}, false
		case open == nil && indent && strings.HasPrefix(text, "CREATE "):
			open, indented = &fence{line: i + 1, lang: "sql", text: text + "\n"}, true
		case open != nil && indented && !indent:
			open.end = i
			out, open = append(out, *open), nil
		case open != nil && indented:
			open.text += text + "\n"
		case open != nil:
			open.text += line + "\n"
		}
	}
	return out
}

// pages are the documents, by their paths from this folder.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{filepath.Join(root, "README.md")}
	for _, pattern := range []string{"*.md", "sql/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: no pages: %v", pattern, err)
		}
		list = append(list, found...)
	}
	return list
}

func TestFences(t *testing.T) {
	got := fences("a\n```sql\nSELECT 1;\n```\n```text\nx\n```\n\n    CREATE x;\n    SELECT 2;\n\n    make\n")
	want := []fence{{2, 3, "sql", "SELECT 1;\n"}, {5, 6, "text", "x\n"}, {9, 10, "sql", "CREATE x;\nSELECT 2;\n"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
