package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// speakers are the packages that refuse statements with a rule code.
var speakers = []string{
	"sql/parser", "sql/analyzer", "udf", "engine", "engine/command", "engine/query", "engine/pull", "engine/topology",
}

// TestErrorCodes compares the codes in the source with those in errors.md, both ways.
func TestErrorCodes(t *testing.T) {
	written := map[string]bool{}
	var prefixes []string
	for _, dir := range speakers {
		for code := range sourceCodes(t, filepath.Join(root, dir)) {
			if strings.HasSuffix(code, ".") {
				prefixes = append(prefixes, code)
			} else {
				written[code] = true
			}
		}
	}
	documented := documentedCodes(t)
	for _, code := range slices.Sorted(maps.Keys(written)) {
		if !documented[code] {
			t.Errorf("errors.md does not explain %s", code)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(documented)) {
		made := slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
		if !written[code] && !made {
			t.Errorf("errors.md explains %s, which nothing returns", code)
		}
	}
	for _, p := range prefixes {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(documented)), func(c string) bool { return strings.HasPrefix(c, p) }) {
			t.Errorf("errors.md does not explain %s...", p)
		}
	}
	if len(written) < 150 {
		t.Errorf("only %d codes found in the source: the search is broken", len(written))
	}
}

// listed is a code that is explained without an example: - `code`: meaning.
var listed = regexp.MustCompile("(?m)^- `([a-z.-]+)`:")

func documentedCodes(t *testing.T) map[string]bool {
	b, err := os.ReadFile("errors.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, re := range []*regexp.Regexp{refusal, listed} {
		for _, m := range re.FindAllStringSubmatch(string(b), -1) {
			codes[m[1]] = true
		}
	}
	return codes
}

// sourceCodes finds the rule codes that a package can give: fail("code", ...) and at(err, "code", ...) of the analyzer, constants called
// code..., fields Code and Rule (assigned too), and methods Rule. A code that is made from a prefix is given as the prefix, with its dot.
func sourceCodes(t *testing.T, dir string) map[string]bool {
	codes := map[string]bool{}
	add := func(e ast.Expr) {
		if b, ok := e.(*ast.BinaryExpr); ok {
			e = b.X
		}
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil && s != "" {
				codes[s] = true
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no source: %v", dir, err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			codesOf(n, add)
			return true
		})
	}
	return codes
}

func codesOf(n ast.Node, add func(ast.Expr)) {
	switch x := n.(type) {
	case *ast.CallExpr:
		switch f, _ := x.Fun.(*ast.Ident); {
		case f == nil:
		case f.Name == "fail" && len(x.Args) > 0:
			add(x.Args[0])
		case f.Name == "at" && len(x.Args) == 3:
			add(x.Args[1])
		}
	case *ast.KeyValueExpr:
		if key, ok := x.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "Rule") {
			add(x.Value)
		}
	case *ast.AssignStmt:
		if s, ok := x.Lhs[0].(*ast.SelectorExpr); ok && s.Sel.Name == "Rule" {
			add(x.Rhs[0])
		}
	case *ast.FuncDecl:
		if x.Name.Name == "Rule" && x.Body != nil {
			for _, s := range x.Body.List {
				if r, ok := s.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					add(r.Results[0])
				}
			}
		}
	case *ast.ValueSpec:
		for i, name := range x.Names {
			if strings.HasPrefix(name.Name, "code") && i < len(x.Values) {
				add(x.Values[i])
			}
		}
	}
}
