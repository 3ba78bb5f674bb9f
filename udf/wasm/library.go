package wasm

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/shelf"
)

// Library holds the modules that this server has compiled: those of the functions as they are now, and older versions as long as a task
// uses them. All methods are safe for concurrent use. Fetch is set before the first call.
type Library struct {
	// Fetch returns the bytes of a file by their sha256.
	Fetch func(ctx context.Context, sha256 string) ([]byte, error)

	compiled shelf.Shelf[string, Module]

	begin sync.Once
	cache wazero.CompilationCache // functions of one file share its code
}

// key tells modules apart: by all that a module is made from.
func key(def *catalog.FunctionVersion) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q %s %d", def.Name, def.SHA256, def.Export, def.Timeout, def.Memory)
	for _, p := range def.Params {
		b.WriteString(" " + p.Type.String())
	}
	return b.String() + " -> " + def.Returns.String()
}

// Module returns a version ready to be called. Whoever calls it holds it meanwhile: it is closed when nobody does.
func (l *Library) Module(ctx context.Context, def *catalog.FunctionVersion) (*Module, error) {
	return l.compiled.Get(key(def), l.fetcher(ctx, def))
}

// Add compiles a version whose bytes are at hand. It stays as long as the caller holds it, or longer if it is kept.
func (l *Library) Add(ctx context.Context, def *catalog.FunctionVersion, file []byte) (*Module, error) {
	return l.compiled.Get(key(def), func() (*Module, error) { return l.load(ctx, def, file) })
}

// Keep compiles the functions as they are now, and lets go all others. A function that cannot be compiled is an error here and in
// the queries that need it; the others are kept all the same.
func (l *Library) Keep(ctx context.Context, functions []*catalog.Function) error {
	var failed error
	wanted := map[string]bool{}
	for _, f := range functions {
		def := f.Last()
		wanted[key(def)] = true
		if err := l.compiled.Keep(key(def), l.fetcher(ctx, def)); err != nil && failed == nil {
			failed = err
		}
	}
	l.compiled.Release(func(k string) bool { return !wanted[k] })
	return failed
}

// fetcher compiles a version whose bytes are to be fetched.
func (l *Library) fetcher(ctx context.Context, def *catalog.FunctionVersion) func() (*Module, error) {
	return func() (*Module, error) {
		file, err := l.Fetch(ctx, def.SHA256)
		var m *Module
		if err == nil {
			m, err = l.load(ctx, def, file)
		}
		if err != nil {
			return nil, fmt.Errorf("function %s: %w", def.Name, err)
		}
		return m, nil
	}
}

func (l *Library) load(ctx context.Context, def *catalog.FunctionVersion, file []byte) (*Module, error) {
	l.begin.Do(func() { l.cache = wazero.NewCompilationCache() })
	m, err := load(context.WithoutCancel(ctx), l.cache, def, file)
	if err != nil {
		return nil, err
	}
	runtime.AddCleanup(m, code.close, m.code)
	return m, nil
}
