package model

import (
	"context"
	"fmt"
	"runtime"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/shelf"
)

// Library holds the versions that this server has loaded. What the catalog defines is loaded when it is first needed; what a
// rollout names now stays loaded, and the rest goes when no query holds it any more, since a model that a topic feeds gets a new
// version every hour. All methods are safe for concurrent use. The fields are set before the first call.
type Library struct {
	Backends []Backend
	// Fetch returns the bytes of an artifact by their sha256.
	Fetch func(ctx context.Context, sha256 string) ([]byte, error)
	// Statistics, where it is not nil, counts what views score that are to be counted.
	Statistics *Statistics
	// Panicked, where it is not nil, is told of a scorer that panicked. The query that called it gets an error in any case.
	Panicked func(id VersionID, value any, stack []byte)

	loaded shelf.Shelf[versionKey, Version]
}

// versionKey tells versions apart. The digest is part of it since a dropped model's numbers come again.
type versionKey struct {
	name    string
	version int
	sha256  string
}

func keyOf(def *catalog.ModelVersion) versionKey {
	return versionKey{def.Name, def.Version, def.SHA256}
}

// Version returns a version, loading it if it is not there. Whoever uses its scorer holds the version meanwhile: it is closed
// when nobody does.
func (l *Library) Version(ctx context.Context, def *catalog.ModelVersion) (*Version, error) {
	return l.loaded.Get(keyOf(def), l.loader(ctx, def))
}

// loader loads a version.
func (l *Library) loader(ctx context.Context, def *catalog.ModelVersion) func() (*Version, error) {
	return func() (*Version, error) {
		b, err := l.Fetch(ctx, def.SHA256)
		if err != nil {
			return nil, fmt.Errorf("model %s, version %d: %w", def.Name, def.Version, err)
		}
		v, err := Load(ctx, l.Backends, NewArtifact(def.URI, b), Options{Backend: def.Backend, OnError: def.Props[OnErrorProperty]})
		if err != nil {
			return nil, fmt.Errorf("model %s, version %d: %w", def.Name, def.Version, err)
		}
		v.Artifact.Bytes = nil                                            // what the scorer needs of them it has
		runtime.AddCleanup(v, func(s Scorer) { _ = s.Close() }, v.Scorer) // nobody is left to be told
		return v, nil
	}
}

// Keep loads the versions that a model's rollout names, and lets the model's other versions go. A version that cannot be loaded is an
// error here and in the queries that need it; the others are kept all the same.
func (l *Library) Keep(ctx context.Context, m *catalog.Model) error {
	r, wanted := m.Rollout(), map[versionKey]bool{}
	var failed error
	for _, def := range m.Versions {
		if !r.Uses(def.Version) {
			continue
		}
		wanted[keyOf(def)] = true
		if err := l.loaded.Keep(keyOf(def), l.loader(ctx, def)); err != nil && failed == nil {
			failed = err
		}
	}
	l.loaded.Release(func(k versionKey) bool { return k.name == m.Name && !wanted[k] })
	return failed
}

// Forget lets all versions of a dropped model go.
func (l *Library) Forget(m *catalog.Model) {
	l.loaded.Release(func(k versionKey) bool { return k.name == m.Name })
}

// Resolve gives the type of PREDICT(model, args...). With version 0 every version that the rollout names must agree on it.
func (l *Library) Resolve(ctx context.Context, m *catalog.Model, version int, args []*types.Type) (*types.Type, error) {
	numbers := []int{version}
	if version == 0 {
		numbers = m.Rollout().Versions()
	}
	var result *types.Type
	for _, n := range numbers {
		def := m.Version(n)
		if def == nil {
			return nil, fmt.Errorf("model %s has no version %d", m.Name, n)
		}
		t, err := l.resultOf(ctx, def, args)
		if err != nil {
			return nil, err
		}
		if result != nil && result.String() != t.String() {
			return nil, fmt.Errorf("model %s returns %s by version %d and %s by version %d: name one", m.Name, result, numbers[0], t, n)
		}
		result = t
	}
	return result, nil
}

func (l *Library) resultOf(ctx context.Context, def *catalog.ModelVersion, args []*types.Type) (*types.Type, error) {
	v, err := l.Version(ctx, def)
	if err != nil {
		return nil, err
	}
	b, err := Bind(def.Name, v.Scorer, args)
	if err != nil {
		return nil, err
	}
	return b.Result, nil
}
