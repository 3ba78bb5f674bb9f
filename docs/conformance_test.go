package docs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/testdriver/qtt"
	"github.com/millrace/millrace/engine/testdriver/rqtt"
)

// suites are the folders of the peer's cases, with what each shows.
var suites = []struct{ folder, title, about string }{
	{
		"query-validation-tests", "Queries",
		"Statements, records in, and the records, sources and topics that must come out, or the refusal: through the engine's own operators, " +
			"without a broker.",
	},
	{
		"rest-query-validation-tests", "The server",
		"Statements and what the server answers: over HTTP, with the embedded broker.",
	},
}

// explained says in our words why cases do not pass, by file and by the kind of difference that the run finds. A case that is not
// explained fails the test that writes the page: it is a defect until somebody has understood it.
var explained = map[string]string{
	"delimited: other rule":   keyTypeRule,
	"group-by: other rule":    keyTypeRule,
	"key-schemas: other rule": keyTypeRule,
	"insert-values: not refused": "a refusal is expected where a key column and a column of the value get different values; " +
		"nothing in the statements ties the two together, and the row is written",
	"pull-queries-with-headers: rows": "the case expects the values of a row in another order than the columns " +
		"that it expects in the same answer; here they agree",
}

const keyTypeRule = "the statement is refused, and for the same reason, a key column's type that the key's format cannot hold; " +
	"the text of the peer's refusal stands for another rule of ours, about formats that hold one field, and nothing in the statement tells the two apart"

const conformanceHead = `# Conformance

ksqlDB's own functional test cases, run by ` + "`millrace test`" + `, file by file; ` + "`make conformance`" + ` writes this page. They are a part of its suite, and no
part of Millrace. What is compared is what a user sees: records with keys, windows and times, schemas, and which rule refuses a statement (its code,
not its words). The names of internal topics are an implementation's own and are not compared.

A case of several formats or configurations counts once for each. Skipped are cases that ksqlDB itself has switched off.
`

// tally is what became of a file's cases.
type tally struct {
	file                           string
	cases, passed, failed, skipped int
}

// TestConformancePage runs the cases and writes conformance.md, with -update. Without, it compares how many cases the page says there are,
// which is cheap; whether they pass is what the tests of qtt and rqtt say.
func TestConformancePage(t *testing.T) {
	dir := os.Getenv("MILLRACE_QTT")
	if dir == "" {
		dir = "../../shared/qtt"
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the conformance cases are not there: %v", err)
	}
	if !*update {
		compareCounts(t, dir)
		return
	}
	out := strings.Builder{}
	out.WriteString(conformanceHead)
	for _, s := range suites {
		cases := readCases(t, filepath.Join(dir, s.folder))
		res, err := qtt.Run([]string{filepath.Join(dir, s.folder)}, qtt.Options{Server: rqtt.Open}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		files, notes := tallies(t, cases, res)
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n", s.title, s.about)
		writeTallies(&out, files, res)
		if len(notes) > 0 {
			out.WriteString("\nWhat does not pass; a case is named by its place among those of its file:\n\n" + strings.Join(notes, "\n") + "\n")
		}
	}
	generated(t, "conformance.md", out.String())
}

func readCases(t *testing.T, dir string) []qtt.Case {
	t.Helper()
	cases, err := qtt.Read([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// fileOf is the file that a case comes from; its name begins with it.
func fileOf(c *qtt.Case) string {
	file, _, _ := strings.Cut(c.Name, " - ")
	return file
}

// tallies counts by file, and explains every case that failed.
func tallies(t *testing.T, cases []qtt.Case, res qtt.Result) (files []tally, notes []string) {
	t.Helper()
	failed := 0
	for i := range cases {
		c := &cases[i]
		if len(files) == 0 || files[len(files)-1].file != fileOf(c) {
			files = append(files, tally{file: fileOf(c)})
		}
		f := &files[len(files)-1]
		f.cases++
		switch why := res.Failures[c.Name]; {
		case !c.Enabled:
			f.skipped++
		case why == nil:
			f.passed++
		default:
			f.failed++
			failed++
			reason := explained[f.file+": "+why.Reason]
			if reason == "" {
				t.Errorf("case %d of %s is not explained: %v", f.cases, f.file, why)
			}
			notes = append(notes, fmt.Sprintf("- `%s`, case %d: %s.", f.file, f.cases, reason))
		}
	}
	if failed != res.Failed {
		t.Errorf("%d cases failed and %d are found by name: two have the same", res.Failed, failed)
	}
	return files, notes
}

func writeTallies(out *strings.Builder, files []tally, res qtt.Result) {
	out.WriteString("| file | cases | passed | failed | skipped |\n|---|---|---|---|---|\n")
	cases := 0
	for _, f := range files {
		cases += f.cases
		fmt.Fprintf(out, "| `%s` | %d | %d | %d | %d |\n", f.file, f.cases, f.passed, f.failed, f.skipped)
	}
	fmt.Fprintf(out, "| **all** | %d | %d | %d | %d |\n", cases, res.Passed, res.Failed, res.Skipped)
}

var tallyRow = regexp.MustCompile("(?m)^\\| `([a-z0-9._-]+)` \\| (\\d+) \\|")

// compareCounts compares the files and numbers of cases on the page with those in the folder.
func compareCounts(t *testing.T, dir string) {
	t.Helper()
	var want, got []string
	for _, s := range suites {
		files, _ := tallies(t, readCases(t, filepath.Join(dir, s.folder)), qtt.Result{})
		for _, f := range files {
			want = append(want, fmt.Sprintf("%s %d", f.file, f.cases))
		}
	}
	for _, m := range tallyRow.FindAllStringSubmatch(read(t, "conformance.md"), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	if !slices.Equal(got, want) {
		t.Errorf("conformance.md is of other cases: run make conformance\nit has %q\nthere are %q", got, want)
	}
}
