package wasm

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

// TestReplacedCodeIsGivenBack: a function that is replaced again and again, while its callers come and go, leaves no compiled code behind. The
// code lies in memory that the collector knows nothing of.
func TestReplacedCodeIsGivenBack(t *testing.T) {
	const replacements = 50
	if runtime.GOOS != "linux" {
		t.Skip("it counts what the process has mapped, which Linux tells")
	}
	lib := &Library{Fetch: func(context.Context, string) ([]byte, error) { return file(t, "versions.wasm"), nil }}
	replace := func(n int) {
		d := def("v1", types.Int, types.Int)
		d.Timeout += time.Duration(n) // another version
		if err := lib.Keep(context.Background(), []*catalog.Function{{Name: d.Name, Versions: []*catalog.FunctionVersion{d}}}); err != nil {
			t.Fatal(err)
		}
		m, err := lib.Module(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		same(t, results(t, m, []any{int32(7)}), "1")
	}
	for range 5 { // what other tests have left goes
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	replace(0)
	one := executable(t)
	for n := range replacements {
		replace(n + 1)
	}
	// Some may have gone already. Cleanups run beside, after a collection.
	const little = 100 << 10 // ten versions or so: what they import is compiled for each
	for deadline := time.Now().Add(time.Minute); executable(t) > one+little && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
	}
	if n := executable(t); n > one+little {
		t.Errorf("after %d replacements there are %d bytes of code, and before there were %d", replacements, n, one)
	}
	if n := lib.compiled.Len(); n == 0 {
		t.Error("the last one is gone too")
	}
}

// executable is how much memory holds compiled code.
func executable(t *testing.T) (total uint64) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 5 || !strings.Contains(f[1], "x") { // what has a name is the program's
			continue
		}
		var from, to uint64
		if _, err := fmt.Sscanf(f[0], "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		total += to - from
	}
	return total
}
