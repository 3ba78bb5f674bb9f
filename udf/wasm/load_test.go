package wasm

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/wasm/meter"
)

// TestRefused: what cannot be run is refused with its reason before anything calls it.
func TestRefused(t *testing.T) {
	text := file(t, "text.wasm")
	small := func(d *catalog.FunctionVersion) *catalog.FunctionVersion { d.Memory = MinMemory; return d }
	for _, c := range []struct {
		name   string
		file   []byte
		def    *catalog.FunctionVersion
		reason string
	}{
		{"nothing", nil, def("f", types.Int), "it is no WebAssembly module"},
		{"text", []byte("not a module"), def("f", types.Int), "it is no WebAssembly module"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), def("f", types.Int), "components are not run"},
		{"truncated", text[:len(text)/2], def("mask", types.String, types.String), "it ends in the middle"},
		{"large", append(bytes.Clone(text), make([]byte, meter.MaxBytes)...), def("mask", types.String, types.String), "a module has 16777216 at most"},
		{"start", file(t, "start.wasm"), def("f", types.Int, types.Int), "it does not start: timeout"},
		{"import", file(t, "imports.wasm"), def("f", types.Int, types.Int), "it imports function launch_missiles of env"},
		{"program", file(t, "program.wasm"), def("f", types.Int, types.Int), "it is a program, since it exports _start"},
		{"memory", file(t, "memory.wasm"), def("f", types.Int, types.Int), "over limit of 64"},
		{"little", text, small(def("add", types.Bigint, types.Bigint, types.Int)), "over limit of 1"},
		{"allocator", file(t, "allocator.wasm"), def("f", types.Int, types.String), "" /* see below */},
		{"no memory", file(t, "calls.wasm"), def("calls", types.Int, types.String), "(i32) -> (i32), and SQL calls it as (i32, i32) -> (i32)"},
		{"export", text, def("nothing", types.Int), "it exports no function nothing: it exports add, alloc, binary"},
		{"signature", text, def("add", types.Bigint, types.Bigint), "its function add is (i64, i32) -> (i64), and SQL calls it as (i64) -> (i64)"},
		{"result", text, def("add", types.Int, types.Bigint, types.Int), "its function add is (i64, i32) -> (i64), and SQL calls it as (i64, i32) -> (i32)"},
	} {
		m, err := load(context.Background(), tests, c.def, c.file)
		switch {
		case c.reason == "" && err == nil:
			same(t, results(t, m, []any{"a"}), "function F: its allocator has no 1024 bytes for the arguments")
			m.close()
		case err == nil || !strings.Contains(err.Error(), c.reason):
			t.Errorf("%s: got %v, want %q", c.name, err, c.reason)
		}
	}
}

// TestGo builds a library with Go's own toolchain, whose runtime asks for most of WASI.
func TestGo(t *testing.T) {
	if os.Getenv("MILLRACE_LONG") == "" {
		t.Skip("it builds Go's runtime for WebAssembly, which takes long: set MILLRACE_LONG=1")
	}
	out := filepath.Join(t.TempDir(), "words.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, "main.go")
	build.Dir = filepath.Join("testdata", "src", "words")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	call := func(export string, returns *types.Type, params []*types.Type, rows ...[]any) []string {
		d := def(export, returns, params...)
		d.Memory = DefaultMemory
		m, err := load(context.Background(), tests, d, b)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.close) // until then its code is there for the next one
		return results(t, m, rows...)
	}
	same(t, call("words", types.String, []*types.Type{types.String}, []any{" the  quick fox"}, []any{""}), "the|quick|fox", "")
	same(t, call("world", types.String, nil, []any{}, []any{}), "2000-01-01T00:00:00Z 0 0 true true", "2000-01-01T00:00:00Z 0 0 true true")
	got := call("pick", types.Int, []*types.Type{types.String, types.Int}, []any{"abc", int32(1)}, []any{"abc", int32(7)}, []any{"abc", int32(0)})
	if got[0] != "98" || !strings.Contains(got[1], "index out of range") || got[2] != "97" {
		t.Errorf("got %q", got)
	}
	got = call("nap", types.Int, []*types.Type{types.Int}, []any{int32(0)}, []any{int32(60000)})
	if got[0] != "0" || got[1] != "function NAP: it took longer than 1s" {
		t.Errorf("got %q", got)
	}
}

// TestLibraryLetsGo: modules that no function needs are closed when nobody calls them.
func TestLibraryLetsGo(t *testing.T) {
	lib := &Library{Fetch: func(context.Context, string) ([]byte, error) { return file(t, "text.wasm"), nil }}
	old, young := def("add", types.Bigint, types.Bigint, types.Int), def("mask", types.String, types.String)
	keep := func(d *catalog.FunctionVersion) {
		if err := lib.Keep(context.Background(), []*catalog.Function{{Name: d.Name, Versions: []*catalog.FunctionVersion{d}}}); err != nil {
			t.Fatal(err)
		}
	}
	keep(old)
	func() {
		held, err := lib.Module(context.Background(), old)
		if err != nil {
			t.Fatal(err)
		}
		keep(young)
		runtime.GC()
		if n := lib.compiled.Len(); n != 2 {
			t.Errorf("%d modules are loaded, want the kept one and the held one", n)
		}
		same(t, results(t, held, []any{int64(1), int32(2)}), "3")
	}()
	for range 3 {
		runtime.GC()
	}
	if n := lib.compiled.Len(); n != 1 {
		t.Errorf("%d modules are loaded, want the kept one", n)
	}
}

// TestTwins: the modules of the tests do the same as they are and rewritten, but for what never comes to an end.
func TestTwins(t *testing.T) {
	for _, name := range []string{"text.wasm", "shout.wasm", "calls.wasm", "versions.wasm", "tables.wasm"} {
		m := newTwins(t, 20).start(t, file(t, name))
		m.callAll(t, "spin", "bomb")
		m.end(t)
	}
}

// FuzzLoad: whatever the file, loading ends with a module or an error, and rewriting makes no valid module of one that is not.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.wasm")
	if err != nil || len(files) < 5 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		if filepath.Base(name) != "start.wasm" { // it takes its time
			f.Add(file(f, filepath.Base(name)))
		}
	}
	d := def("f", types.Int, types.Int)
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := load(context.Background(), tests, d, b); err == nil {
			m.close()
		}
		rewritten, err := meter.Bound(b)
		if err != nil {
			return
		}
		r := wazero.NewRuntime(context.Background())
		defer func() { _ = r.Close(context.Background()) }()
		_, err = r.CompileModule(context.Background(), rewritten)
		if _, invalid := r.CompileModule(context.Background(), b); (invalid == nil) != (err == nil) && (invalid == nil || !strings.Contains(invalid.Error(), "section custom")) {
			t.Errorf("the file as it is: %v; rewritten: %v", invalid, err)
		}
	})
}
