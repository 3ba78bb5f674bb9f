package qtt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// floor is how many cases pass at least.
const floor = 1700

// cases is the folder of the peer's cases: MILLRACE_QTT, or where the Makefile looks.
func cases(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MILLRACE_QTT")
	if dir == "" {
		dir = "../../../../shared/qtt"
	}
	dir = filepath.Join(dir, "query-validation-tests")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the conformance cases are not there: %v", err)
	}
	return dir
}

func TestConformance(t *testing.T) {
	dir := cases(t)
	var report strings.Builder
	first, err := Run([]string{dir}, Options{}, &report)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d passed, %d failed, %d skipped", first.Passed, first.Failed, first.Skipped)
	if first.Passed < floor {
		t.Errorf("%d cases pass, want at least %d", first.Passed, floor)
	}
	// Neither the size of batches nor where transactions end, fail or tasks move may show.
	for _, o := range []Options{
		{BatchSize: 3}, {BatchSize: 256}, {Commit: 1}, {BatchSize: 3, Commit: 2}, {NoOptimizer: true},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			var report strings.Builder
			res, err := Run([]string{dir}, o, &report)
			if err != nil {
				t.Fatal(err)
			}
			for name, f := range res.Failures {
				// A foreign-key join's halves talk to each other: what they say in between depends on batches.
				if first.Failures[name] == nil && (o.BatchSize <= 1 || !strings.HasPrefix(name, "fk-")) {
					t.Errorf("%s fails only here: %v", name, f)
				}
			}
		})
	}
}
