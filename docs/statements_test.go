package docs

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/parser"
)

// statementPages names the pages of folder sql that explain each kind of statement.
var statementPages = map[string]string{
	"AlterModel": "alter-model", "AlterSource": "alter", "AlterSystem": "alter-system", "AssertSchema": "assert", "AssertTopic": "assert",
	"CreateAs": "create-stream-as-select create-table-as-select create-or-replace", "CreateConnector": "create-connector",
	"CreateFunction": "create-function", "CreateModel": "create-model", "CreateSource": "create-stream create-table create-or-replace", "CreateType": "create-type",
	"Define": "define", "DescribeConnector": "describe-connector", "DescribeFunction": "describe-function", "DescribeModel": "describe-model",
	"DescribeSource": "describe", "DescribeStreams": "describe", "DescribeTables": "describe", "DropConnector": "create-connector",
	"DropFunction": "create-function", "DropModel": "create-model", "DropSource": "drop", "DropType": "create-type", "Explain": "explain", "InsertSelect": "insert-into",
	"InsertValues": "insert-values", "Pause": "pause", "Print": "print", "QueryStmt": "select-push-query select-pull-query",
	"Resume": "resume", "RunScript": "run-script", "Set": "set", "ShowConnectorPlugins": "show-connectors", "ShowConnectors": "show-connectors",
	"ShowFunctions": "show-functions", "ShowModelStatistics": "show-model-statistics", "ShowModelVersions": "show-model-versions", "ShowModels": "show-models", "ShowProperties": "show-properties", "ShowQueries": "show-queries",
	"ShowStreams": "show-streams", "ShowTables": "show-tables", "ShowTopics": "show-topics", "ShowTypes": "show-types",
	"ShowVariables": "show-variables", "Terminate": "terminate", "Undefine": "define", "Unset": "set",
}

// undocumented are kinds of statements without a page, and why.
var undocumented = map[string]string{
	"AssertSource": "for the test runner alone", "AssertTombstone": "for the test runner alone", "AssertValues": "for the test runner alone",
}

var statementKind = regexp.MustCompile(`func \(\*(\w+)\) stmt\(\)`)

// TestStatementPages checks that every kind of statement that the parser knows has a page with an example of it.
func TestStatementPages(t *testing.T) {
	files, err := filepath.Glob("../sql/ast/*.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, f := range files {
		for _, m := range statementKind.FindAllStringSubmatch(read(t, f), -1) {
			kinds[m[1]] = true
		}
	}
	if len(kinds) < 40 {
		t.Errorf("only %d kinds of statements found: the search is broken", len(kinds))
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if statementPages[kind] == "" && undocumented[kind] == "" {
			t.Errorf("no page is named for %s", kind)
		}
		for name := range strings.FieldsSeq(statementPages[kind]) {
			if !exampleKinds(t, "sql/"+name+".md")[kind] {
				t.Errorf("sql/%s.md has no example of a %s", name, kind)
			}
		}
	}
	for kind := range statementPages {
		if !kinds[kind] {
			t.Errorf("%s is no kind of statement", kind)
		}
	}
}

// exampleKinds are the kinds of the statements that a page shows.
func exampleKinds(t *testing.T, path string) map[string]bool {
	out := map[string]bool{}
	for _, x := range readPage(t, path).examples {
		pieces, _ := parser.Split(x.sql)
		for _, piece := range pieces {
			if s, err := parser.ParseWith(piece.Text, parser.Options{Test: true}); err == nil && len(s) == 1 {
				out[strings.TrimPrefix(fmt.Sprintf("%T", s[0]), "*ast.")] = true
			}
		}
	}
	return out
}

// TestIndex checks that the index leads to every page of folder sql, and that each page begins with its title and what it is for.
func TestIndex(t *testing.T) {
	index := read(t, "sql/README.md")
	for _, path := range pages(t) {
		dir, file := filepath.Split(path)
		if dir != "sql/" || file == "README.md" {
			continue
		}
		if n := strings.Count(index, "("+file+")"); n != 1 {
			t.Errorf("the index leads to %s %d times", path, n)
		}
		if text := read(t, path); !strings.HasPrefix(text, "# ") || len(text) < 300 {
			t.Errorf("%s has no title, or says nothing", path)
		}
	}
}

var propertyRule = regexp.MustCompile(`"([A-Z_]+)":\s+\{(?:text|int|flag)Property`)

// TestWithProperties checks that every property of WITH is explained.
func TestWithProperties(t *testing.T) {
	page, found := read(t, "sql/properties.md"), propertyRule.FindAllStringSubmatch(read(t, "../sql/analyzer/with.go"), -1)
	if len(found) < 20 {
		t.Errorf("only %d properties found: the search is broken", len(found))
	}
	for _, m := range found {
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("sql/properties.md does not name %s", m[1])
		}
	}
}
