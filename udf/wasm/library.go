package wasm

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"weak"

	"github.com/tetratelabs/wazero"

	"github.com/millrace/millrace/sql/catalog"
)

// Library holds the modules that this server has compiled: those of the functions as they are now, and older versions as long as a task
// uses them. All methods are safe for concurrent use. Fetch is set before the first call.
type Library struct {
	// Fetch returns the bytes of a file by their sha256.
	Fetch func(ctx context.Context, sha256 string) ([]byte, error)

	mu      sync.Mutex
	shelves map[string]*shelf
	cache   wazero.CompilationCache // functions of one file share its code
}

// shelf is the place of one module. Its own lock lets others be used while this one is compiled.
type shelf struct {
	mu   sync.Mutex
	kept *Module // nil: it may go
	weak weak.Pointer[Module]
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

func (l *Library) shelf(def *catalog.FunctionVersion) *shelf {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shelves == nil {
		l.shelves, l.cache = map[string]*shelf{}, wazero.NewCompilationCache()
	}
	k := key(def)
	s := l.shelves[k]
	if s == nil {
		s = &shelf{}
		l.shelves[k] = s
	}
	return s
}

// Module returns a version ready to be called. Whoever calls it holds it meanwhile: it is closed when nobody does.
func (l *Library) Module(ctx context.Context, def *catalog.FunctionVersion) (*Module, error) {
	s := l.shelf(def)
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.take(ctx, s, def)
}

// Add compiles a version whose bytes are at hand. It stays as long as the caller holds it, or longer if it is kept.
func (l *Library) Add(ctx context.Context, def *catalog.FunctionVersion, file []byte) (*Module, error) {
	s := l.shelf(def)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.weak.Value(); m != nil {
		return m, nil
	}
	return l.place(ctx, s, def, file)
}

// take returns the module of a shelf, whose lock is held.
func (l *Library) take(ctx context.Context, s *shelf, def *catalog.FunctionVersion) (*Module, error) {
	if m := s.weak.Value(); m != nil {
		return m, nil
	}
	b, err := l.Fetch(ctx, def.SHA256)
	if err == nil {
		var m *Module
		if m, err = l.place(ctx, s, def, b); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("function %s: %w", def.Name, err)
}

func (l *Library) place(ctx context.Context, s *shelf, def *catalog.FunctionVersion, file []byte) (*Module, error) {
	m, err := load(context.WithoutCancel(ctx), l.cache, def, file)
	if err != nil {
		return nil, err
	}
	runtime.AddCleanup(m, code.close, m.code)
	s.weak = weak.Make(m)
	return m, nil
}

// Keep compiles the functions as they are now, and lets go all others. A function that cannot be compiled is an error here and in
// the queries that need it; the others are kept all the same.
func (l *Library) Keep(ctx context.Context, functions []*catalog.Function) error {
	var failed error
	wanted := map[string]bool{}
	for _, f := range functions {
		def := f.Last()
		wanted[key(def)] = true
		s := l.shelf(def)
		s.mu.Lock()
		m, err := l.take(ctx, s, def)
		if s.kept = m; err != nil && failed == nil {
			failed = err
		}
		s.mu.Unlock()
	}
	l.sweep(wanted)
	return failed
}

// sweep lets go what is not wanted, and forgets what nobody holds. A shelf whose lock is taken is being used.
func (l *Library) sweep(wanted map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, s := range l.shelves {
		if wanted[k] || !s.mu.TryLock() {
			continue
		}
		s.kept = nil
		if s.weak.Value() == nil {
			delete(l.shelves, k)
		}
		s.mu.Unlock()
	}
}

// loaded counts the modules that are compiled.
func (l *Library) loaded() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.shelves {
		if s.weak.Value() != nil {
			n++
		}
	}
	return n
}
