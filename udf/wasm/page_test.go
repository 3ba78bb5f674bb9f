package wasm

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

// fence is a piece of code on a page: its language and its text.
var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// compile is how the page says that each of its programs is built, in a folder where the program is source: a line for the shell without the
// names of files.
var compile = map[string]struct{ source, command, files string }{
	"c":    {"f.c", "clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry", "-o f.wasm f.c"},
	"go":   {"f.go", "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared", "-o f.wasm f.go"},
	"rust": {"f.rs", "rustc --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib -O", "-o f.wasm f.rs"},
	"ts":   {"f.ts", "asc -O3 --runtime minimal", "-o f.wasm f.ts"},
}

// TestProgramsOfThePage: what docs/wasm.md shows compiles as it stands, does what it is there for, and the same as it is and rewritten. What has
// no compiler here is skipped.
func TestProgramsOfThePage(t *testing.T) {
	if os.Getenv("MILLRACE_LONG") == "" {
		t.Skip("it compiles programs, which takes long: set MILLRACE_LONG=1")
	}
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "wasm.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, seen := string(b), 0
	for _, m := range fence.FindAllStringSubmatch(page, -1) {
		language, program := m[1], m[2]
		seen++
		t.Run(language, func(t *testing.T) {
			how, known := compile[language]
			if !known || !strings.Contains(page, "`"+how.command+"`") {
				t.Fatalf("the page does not say that %s is built with %s", language, how.command)
			}
			module := built(t, program, how.source, how.command+" "+how.files)
			check(t, language, module)
			m := newTwins(t, 1000).start(t, module)
			m.callAll(t)
			m.end(t)
		})
	}
	if seen != len(compile) {
		t.Errorf("the page has %d programs, want %d", seen, len(compile))
	}
}

// built compiles a program, and skips the test where the compiler, or its part for WebAssembly, is missing.
func built(t *testing.T, program, source, command string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, source), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	tools, err := filepath.Abs(filepath.Join("..", "..", ".cache", "wasm", "node_modules", ".bin"))
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("sh", "-c", command)
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "PATH="+os.Getenv("PATH")+string(os.PathListSeparator)+tools)
	text, err := build.CombinedOutput()
	for _, missing := range []string{"not found", "target may not be installed", "unable to create target", "wasm-ld"} {
		if err != nil && strings.Contains(string(text), missing) {
			t.Skipf("there is no compiler: %s", text)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, text)
	}
	b, err := os.ReadFile(filepath.Join(dir, "f.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check calls the functions of a program of the page.
func check(t *testing.T, language string, module []byte) {
	t.Helper()
	call := func(d *catalog.FunctionVersion, rows ...[]any) []string {
		t.Helper()
		d.Memory = DefaultMemory
		m, err := load(context.Background(), tests, d, module)
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		return results(t, m, rows...)
	}
	text := func(export string) *catalog.FunctionVersion { return def(export, types.String, types.String) }
	long := strings.Repeat("long ", 2000) // more than what is asked for at first
	switch language {
	case "c":
		same(t, call(text("mask"), []any{"4111111111111111"}, []any{""}), "************1111", "")
	case "go":
		same(t, call(text("upper"), []any{"grüße"}, []any{""}, []any{long}), "GRÜßE", "", strings.ToUpper(long))
	case "rust":
		same(t, call(text("reverse"), []any{"grüße"}, []any{""}, []any{long}), "eßürg", "", " "+strings.TrimSuffix(strings.Repeat("gnol ", 2000), " "))
		same(t, call(def("add", types.Bigint, types.Bigint, types.Int), []any{int64(40), int32(2)}), "42")
	case "ts":
		same(t, call(text("shout"), []any{"grüße"}, []any{""}, []any{long}), "GRÜSSE!", "!", strings.ToUpper(long)+"!")
	}
}
