package qtt

import (
	"fmt"
	"io"
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

// TestConformance runs all cases, and a part of them once more with batches of other sizes, with transactions that end, fail and move
// in between, and without the optimizer: all must write the same records. With MILLRACE_LONG set that part is all of them.
func TestConformance(t *testing.T) {
	dir := cases(t)
	run := func(t *testing.T, o Options) Result {
		t.Helper()
		o.Keep = true
		res, err := Run([]string{dir}, o, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := run(t, Options{})
	t.Logf("%d passed, %d failed, %d skipped", first.Passed, first.Failed, first.Skipped)
	if first.Passed < floor {
		t.Errorf("%d cases pass, want at least %d", first.Passed, floor)
	}
	sample := 4
	if os.Getenv("MILLRACE_LONG") != "" {
		sample = 1
	}
	for _, o := range []Options{
		{BatchSize: 3}, {BatchSize: 256}, {Commit: 1}, {BatchSize: 3, Commit: 2}, {NoOptimizer: true},
	} {
		t.Run(fmt.Sprintf("batch size %d, commit every %d, no optimizer %t", o.BatchSize, o.Commit, o.NoOptimizer), func(t *testing.T) {
			o.Sample = sample
			res := run(t, o)
			records := 0
			for name, got := range res.Outputs {
				records += strings.Count(got, "\n")
				if want := first.Outputs[name]; got != want {
					t.Errorf("%s\nwrites:\n%sinstead of:\n%s", name, got, want)
				}
			}
			t.Logf("%d cases compared, which write %d records", len(res.Outputs), records)
			if records < len(res.Outputs) {
				t.Errorf("%d cases write %d records", len(res.Outputs), records)
			}
		})
	}
}
