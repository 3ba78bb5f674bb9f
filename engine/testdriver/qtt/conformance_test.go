package qtt

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// floor is how many cases pass at least.
const floor = 1

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
	out := io.Discard
	if os.Getenv("QTT_OUT") != "" {
		f, err := os.Create(os.Getenv("QTT_OUT"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out = f
	}
	res, err := Run([]string{cases(t)}, Options{}, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d passed, %d failed, %d skipped", res.Passed, res.Failed, res.Skipped)
	if res.Passed < floor {
		t.Errorf("%d cases pass, want at least %d", res.Passed, floor)
	}
}
