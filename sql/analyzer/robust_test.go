package analyzer_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// TestMutated analyses statements of the scripts with words changed, dropped and repeated: each gives a plan that holds
// together and survives its encoding, or a refusal with a code and a place in the text; nothing panics.
func TestMutated(t *testing.T) {
	base, all := scripts(t)
	w := &world{t: t, cat: (&catalog.Catalog{}).WithModelVersion(&catalog.ModelVersion{Name: "FRAUD", Version: 1}, 0)}
	for _, text := range base {
		r, err := w.analyze(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(r)
	}
	r := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 6000 {
		text := mutate(r, all)
		res, err := w.analyze(text, nil)
		if err != nil {
			checkRefusal(t, err, text)
			continue
		}
		accepted++
		checkPlan(t, res, text)
	}
	if accepted < 100 {
		t.Errorf("only %d of the mutated statements were accepted: the test sees little", accepted)
	}
}

// scripts collects the definitions and the statements of testdata.
func scripts(t *testing.T) (base, all []string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			cmd, rest, _ := strings.Cut(block, "\n")
			input, _, _ := strings.Cut(rest, "\n----")
			if cmd == "define" {
				base = statements(input)
			} else {
				all = append(all, statements(input)...)
			}
		}
	}
	return base, append(all, base...)
}

func mutate(r *rand.Rand, all []string) string {
	words := strings.Fields(all[r.IntN(len(all))])
	for range r.IntN(3) {
		i := r.IntN(len(words))
		other := strings.Fields(all[r.IntN(len(all))])
		switch r.IntN(4) {
		case 0:
			words[i] = other[r.IntN(len(other))]
		case 1:
			words = append(words[:i:i], words[min(i+1, len(words)-1):]...)
		case 2:
			words = append(words[:i:i], append([]string{words[r.IntN(len(words))]}, words[i:]...)...)
		case 3:
			j := r.IntN(len(words))
			words[i], words[j] = words[j], words[i]
		}
	}
	return strings.Join(words, " ")
}

func checkRefusal(t *testing.T, err error, text string) {
	t.Helper()
	e, ok := err.(*ast.Error)
	if !ok {
		t.Errorf("not an *ast.Error: %v\n%s", err, text)
		return
	}
	if e.Code == "" || e.Message == "" || e.Span.Start < 0 || e.Span.End > len(text) || e.Span.Start > e.Span.End {
		t.Errorf("refusal %+v\n%s", e, text)
	}
}

func checkPlan(t *testing.T, r analyzer.Result, text string) {
	t.Helper()
	var n plan.Node
	switch x := r.(type) {
	case *analyzer.CreateAs:
		n = x.Plan
	case *analyzer.InsertInto:
		n = x.Plan
	case *analyzer.PushQuery:
		n = x.Plan
	default:
		return
	}
	data, err := plan.Marshal(n)
	if err == nil {
		_, err = plan.Unmarshal(data)
	}
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, text, plan.Explain(n))
	}
}
