package wasm

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// TestSpecification has the tests of WebAssembly's specification, which the runtime brings, do the same as they are and rewritten: every
// instruction, blocks of every type, every way in which a module is invalid. Whether that is right is the runtime's own test.
func TestSpecification(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	names, err := filepath.Glob(filepath.Join(dir, "v2", "testdata", "*.json"))
	if err != nil || len(names) < 100 {
		t.Fatalf("there are %d files of tests in %s: %v", len(names), dir, err)
	}
	world, err := os.ReadFile(filepath.Join(dir, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			w := newTwins(t, 50)
			for _, r := range []wazero.Runtime{w.plain, w.metered} {
				if _, err := r.InstantiateWithConfig(context.Background(), world, wazero.NewModuleConfig().WithName("spectest")); err != nil {
					t.Fatal(err)
				}
			}
			calls += specification(t, w, name)
		})
	}
	if calls < 10_000 {
		t.Errorf("%d calls were compared", calls)
	}
}

// command is what a test of the specification does.
type command struct {
	Type, Name, Filename string
	Action               struct {
		Type, Module, Field string
		Args                []struct {
			Type  string
			Lane  string `json:"lane_type"`
			Value any
		}
	}
}

// specification runs the tests of a file, and returns how many calls were compared. Modules that import others of the same file are none here.
func specification(t *testing.T, w *twins, name string) (calls int) {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var script struct{ Commands []command }
	if err := json.Unmarshal(b, &script); err != nil {
		t.Fatal(err)
	}
	var last *twin
	all := map[string]*twin{}
	for _, c := range script.Commands {
		switch {
		case strings.HasSuffix(c.Filename, ".wasm"):
			file, err := os.ReadFile(filepath.Join(filepath.Dir(name), c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			m := w.start(t, file)
			if m != nil {
				defer m.end(t)
			}
			if c.Type == "module" {
				last, all[c.Name] = m, m
			}
		case c.Type == "assert_exhaustion": // it takes seconds until the stack is full
		case c.Action.Type == "invoke":
			m := last
			if c.Action.Module != "" {
				m = all[c.Action.Module]
			}
			var args []uint64
			for _, a := range c.Action.Args {
				args = append(args, operand(t, a.Lane, a.Value)...)
			}
			if m != nil {
				_, _ = m.call(t, c.Action.Field, args...)
				calls++
			}
		}
	}
	return calls
}

// operand is a value as the specification's tests write it: a number's bits in decimal, a vector's lanes.
func operand(t *testing.T, lane string, value any) []uint64 {
	t.Helper()
	lanes, ok := value.([]any)
	if !ok {
		return []uint64{bits(value)}
	}
	width := map[string]int{"i8": 1, "i16": 2, "i32": 4, "f32": 4, "i64": 8, "f64": 8}[lane]
	var vector []byte
	for _, v := range lanes {
		vector = append(vector, binary.LittleEndian.AppendUint64(nil, bits(v))[:width]...)
	}
	return []uint64{binary.LittleEndian.Uint64(vector), binary.LittleEndian.Uint64(vector[8:])}
}

func bits(value any) uint64 {
	n, err := strconv.ParseUint(value.(string), 10, 64)
	if err != nil { // null, or a NaN without bits
		return 0
	}
	return n
}
