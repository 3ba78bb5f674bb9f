package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
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
		{"large", append(bytes.Clone(text), make([]byte, MaxBytes)...), def("mask", types.String, types.String), "a module has 16777216 at most"},
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

// TestHugeDeclarations: numbers in a file that promise more than the file has.
func TestHugeDeclarations(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	section := func(id byte, body ...byte) []byte {
		return append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, id, byte(len(body))}, body...)
	}
	for name, b := range map[string][]byte{
		"section":   append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1}, huge...),
		"tables":    section(sectionTable, huge...),
		"table":     section(sectionTable, append([]byte{1, 0x70, 0}, huge...)...),
		"functions": section(sectionCode, huge...),
		"body":      section(sectionCode, append([]byte{1}, huge...)...),
		"locals":    section(sectionCode, append([]byte{1, 7, 1}, append(huge, 0)...)...),
		"exports":   section(sectionExport, huge...),
		"export":    section(sectionExport, append([]byte{1}, huge...)...),
		"types":     section(sectionType, huge...),
		"params":    section(sectionType, append([]byte{1, 0x60}, huge...)...),
		"results":   section(sectionType, append([]byte{1, 0x60, 0}, huge...)...),
		"record":    section(sectionType, 1, 0x5f, 0),
		"globals":   section(6, huge...),
		"declared":  section(3, huge...),
		"segments":  section(sectionElement, huge...),
		"elements":  section(sectionElement, append([]byte{1, 0, 0x41, 0, 0x0b}, huge...)...),
		"passive":   section(sectionElement, append([]byte{1, 5, 0x70}, huge...)...),
		"offset":    section(sectionElement, 1, 0, 0x41, 0),
		"data":      section(sectionData, huge...),
		"datum":     section(sectionData, append([]byte{1, 0, 0x41, 0, 0x0b}, huge...)...),
		"memory":    section(sectionData, append([]byte{1, 2, 0, 0x41, 0, 0x0b}, huge...)...),
	} {
		if _, err := bound(b); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	names := section(sectionCustom, append([]byte{4, 'n', 'a', 'm', 'e', 1}, huge...)...)
	if got, err := bound(names); err != nil || len(got) != 8 {
		t.Errorf("names are kept as %x, %v", got, err)
	}
}

// TestListsAreBounded: files may not be long lists of what the runtime keeps more of than the file has bytes.
func TestListsAreBounded(t *testing.T) {
	list := func(id byte, begin []byte, n uint64, each ...byte) []byte {
		body := append(binary.AppendUvarint(begin, n), bytes.Repeat(each, int(n))...)
		return append(binary.AppendUvarint([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, id}, uint64(len(body))), body...)
	}
	for name, of := range map[string]func(n uint64) []byte{
		"functions": func(n uint64) []byte { return list(3, nil, n, 0) },
		"exports":   func(n uint64) []byte { return list(sectionExport, nil, n, 1, 'f', 0, 0) },
		"elements":  func(n uint64) []byte { return list(sectionElement, []byte{1, 1, 0}, n, 0) },
		"segments":  func(n uint64) []byte { return list(sectionData, nil, n, 1, 0) },
	} {
		if _, err := bound(of(maxEntries)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := bound(of(maxEntries + 1)); err == nil || !strings.Contains(err.Error(), "131072") {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := list(sectionElement, []byte{2, 1, 0}, maxEntries, 0) // the second list is not there yet
	body := append(slices.Clone(two[12:]), 1, 0, 1, 0)
	two = append(binary.AppendUvarint([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, sectionElement}, uint64(len(body))), body...)
	if _, err := bound(two); err == nil || !strings.Contains(err.Error(), "more than 131072 elements") {
		t.Errorf("two lists of elements: %v", err)
	}
	locals := func(n uint64) []byte {
		code := append(binary.AppendUvarint([]byte{1}, n), 0x7f, 0x0b) // one group of them, the end
		return append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, sectionCode, byte(len(code) + 2), 1, byte(len(code))}, code...)
	}
	if _, err := bound(locals(maxLocals)); err != nil {
		t.Error(err)
	}
	if _, err := bound(locals(maxLocals + 1)); err == nil || !strings.Contains(err.Error(), "local variables") {
		t.Error(err)
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

// FuzzLoad: whatever the file, loading ends with a module or an error.
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
	})
}
