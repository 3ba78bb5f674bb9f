// Package docs holds Millrace's documentation and the tests that keep it true.
package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/millrace/millrace/"
	root   = ".."
)

// rooms maps a top-level folder to the folders it may import: imports point one way only.
var rooms = map[string]string{
	"sql":    "sql",
	"udf":    "udf sql",
	"state":  "state sql",
	"engine": "engine sql udf state",
	"shell":  "shell engine sql udf state",
	"docs":   "sql udf state engine shell docs",
}

// engineFree are packages of shell that talk to a server by HTTP alone.
var engineFree = []string{"shell", "shell/client"}

// onlyIn names the one package (tests included) that may import a client library of a foreign system.
var onlyIn = map[string]string{
	"github.com/IBM/sarama":                   "engine/kafka",
	"github.com/twmb/franz-go/pkg/kfake":      "engine/kafka/embedded",
	"github.com/dgraph-io/badger/v4":          "state/badger",
	"github.com/pingcap/tidb/pkg/parser":      "sql/parser",
	"github.com/owulveryck/onnx-go":           "udf/model/onnx",
	"github.com/tetratelabs/wazero":           "udf/wasm",
	"github.com/chzyer/readline":              "shell",
	"github.com/prometheus/client_golang/":    "engine/server",
	"github.com/twmb/franz-go/pkg/kfake/kmsg": "engine/kafka/embedded",
}

type importLine struct{ file, pkg, imports string }

// goImports parses the files itself rather than asking go list: the test cache notices files that the test opens, not those
// a child process does.
func goImports(t *testing.T) []importLine {
	t.Helper()
	var out []importLine
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		for _, imp := range file.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			out = append(out, importLine{rel, filepath.ToSlash(filepath.Dir(rel)), name})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d imports found: the walk is broken", len(out))
	}
	return out
}

func TestImportsPointOneWay(t *testing.T) {
	for _, l := range goImports(t) {
		tail, ours := strings.CutPrefix(l.imports, module)
		if !ours {
			continue
		}
		from, _, _ := strings.Cut(l.pkg, "/")
		to, _, _ := strings.Cut(tail, "/")
		if !slices.Contains(strings.Fields(rooms[from]), to) {
			t.Errorf("%s imports %s: %s may import only %s", l.file, l.imports, from, rooms[from])
		}
		if slices.Contains(engineFree, l.pkg) && to == "engine" && !strings.HasSuffix(l.file, "_test.go") {
			t.Errorf("%s imports %s: the shell and its client speak HTTP only", l.file, l.imports)
		}
	}
}

func TestForeignClientsStayInTheirRoom(t *testing.T) {
	for _, l := range goImports(t) {
		for lib, room := range onlyIn {
			if strings.HasPrefix(l.imports, lib) && l.pkg != room && !strings.HasPrefix(l.pkg, room+"/") {
				t.Errorf("%s imports %s: only %s may", l.file, l.imports, room)
			}
		}
	}
}

func TestNoOtherTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && rooms[e.Name()] == "" && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" && e.Name() != "data" {
			t.Errorf("top-level folder %s is not part of the layout", e.Name())
		}
	}
}

var packageRow = regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)/?` \\|")

func TestArchitectureListsEveryPackage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range packageRow.FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
	}
	have := map[string]bool{}
	for _, l := range goImports(t) {
		if l.pkg != "docs" && !strings.Contains(l.pkg, "testdata") {
			have[l.pkg] = true
		}
	}
	for p := range have {
		if !listed[p] {
			t.Errorf("package %s is missing from ARCHITECTURE.md", p)
		}
	}
	for p := range listed {
		if _, err := os.Stat(filepath.Join(root, p)); err != nil {
			t.Errorf("ARCHITECTURE.md lists %s, which is not there", p)
		}
	}
}
