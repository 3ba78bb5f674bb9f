package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOperationsNamesEverything compares flags, metrics and properties in the source with operations.md, both ways.
func TestOperationsNamesEverything(t *testing.T) {
	page := read(t, "operations.md")
	for _, c := range []struct {
		what, file string
		named      *regexp.Regexp // in the source
		form       string         // on the page, with % for the name
	}{
		{"flag", "../shell/cli/server.go", regexp.MustCompile(`Var\(&[a-zA-Z.]+, "([a-z-]+)"`), "`--%"},
		{"metric", "../engine/*.go", regexp.MustCompile(`\{"(millrace_[a-z_]+)"`), "`%"},
		{"metric", "../engine/*.go", regexp.MustCompile(`Name: "(millrace_[a-z_]+)"`), "`%"},
		{"metric", "../engine/server/metrics.go", regexp.MustCompile(`Name: "(millrace_[a-z_]+)"`), "`%"},
		{"property", "../engine/property.go", regexp.MustCompile(`(?m)^\t\{"([a-z._]+)"`), "`%`"},
		{"endpoint", "../engine/server/server.go", regexp.MustCompile(`handle\("[A-Z]+ (/[a-z_-]+)`), "%"},
	} {
		found := c.named.FindAllStringSubmatch(readAll(t, c.file), -1)
		if len(found) == 0 {
			t.Errorf("%s: nothing found by %s", c.file, c.named)
		}
		for _, m := range found {
			if !strings.Contains(page, strings.ReplaceAll(c.form, "%", m[1])) {
				t.Errorf("operations.md does not name the %s %s", c.what, m[1])
			}
		}
	}
	metrics := readAll(t, "../engine/*.go") + read(t, "../engine/server/metrics.go")
	for _, m := range regexp.MustCompile("`(millrace_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(metrics, `"`+m[1]+`"`) {
			t.Errorf("operations.md names the metric %s, which is not there", m[1])
		}
	}
	flags := read(t, "../shell/cli/server.go") + read(t, "../shell/cli/log.go")
	for _, m := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(flags, `"`+m[1]+`"`) {
			t.Errorf("operations.md names the flag --%s, which is not there", m[1])
		}
	}
}

// readAll reads the files that a pattern matches, one after the other.
func readAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	all := ""
	for _, f := range files {
		all += read(t, f)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
