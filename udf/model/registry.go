package model

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/millrace/millrace/sql/types"
)

// Version is one artifact of a model, loaded. It is immutable.
type Version struct {
	Number   int // from 1, within the model
	Artifact Artifact
	Backend  string // the name of the backend that scores it
	Scorer   Scorer
}

// Model is a name with its versions, ascending by number. It is immutable: a new version makes a new Model.
type Model struct {
	Name     string
	Versions []*Version
	Active   int // the number that the bare name stands for
}

// Version finds a version by number; nil if there is none.
func (m *Model) Version(number int) *Version {
	for _, v := range m.Versions {
		if v.Number == number {
			return v
		}
	}
	return nil
}

// Snapshot is the registry at one moment. It is immutable and may be kept.
type Snapshot struct {
	models []*Model // ascending by name
}

func (s *Snapshot) search(name string) (int, bool) {
	return slices.BinarySearchFunc(s.models, name, func(m *Model, n string) int { return strings.Compare(m.Name, n) })
}

// Models lists all models by name.
func (s *Snapshot) Models() []*Model { return slices.Clone(s.models) }

// Model finds a model by its exact name; nil if there is none.
func (s *Snapshot) Model(name string) *Model {
	if i, ok := s.search(name); ok {
		return s.models[i]
	}
	return nil
}

// Resolve finds a version of a model; 0 is the active one.
func (s *Snapshot) Resolve(name string, version int) (*Version, error) {
	m := s.Model(name)
	if m == nil {
		return nil, fmt.Errorf("model %s does not exist", name)
	}
	if version == 0 {
		version = m.Active
	}
	if v := m.Version(version); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("model %s has no version %d", name, version)
}

// Bind binds PREDICT(name, args...) to the version it resolves to, which it returns too.
func (s *Snapshot) Bind(name string, version int, args []*types.Type) (*Binding, *Version, error) {
	v, err := s.Resolve(name, version)
	if err != nil {
		return nil, nil, err
	}
	b, err := Bind(name, v.Scorer, args)
	return b, v, err
}

// ResolvePredict gives the type of PREDICT(name, args...). The analyzer resolves calls by it.
func (s *Snapshot) ResolvePredict(name string, version int, args []*types.Type) (*types.Type, error) {
	b, _, err := s.Bind(name, version, args)
	if err != nil {
		return nil, err
	}
	return b.Result, nil
}

// Registry holds the models of a service. Reads take a snapshot and never wait; changes are serial. The zero value is
// empty and ready.
type Registry struct {
	mu      sync.Mutex // serialises changes
	current atomic.Pointer[Snapshot]
}

// Snapshot returns the current state.
func (r *Registry) Snapshot() *Snapshot {
	if s := r.current.Load(); s != nil {
		return s
	}
	return &Snapshot{}
}

// Create adds a model whose first version is v, which the model takes over and numbers.
func (r *Registry) Create(name string, v *Version) (*Model, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.Snapshot()
	i, exists := s.search(name)
	if exists {
		return nil, fmt.Errorf("create model: %s exists", name)
	}
	first := *v
	first.Number = 1
	m := &Model{Name: name, Versions: []*Version{&first}, Active: 1}
	r.current.Store(&Snapshot{models: slices.Insert(slices.Clone(s.models), i, m)})
	return m, nil
}

// Drop removes a model and returns it. Its scorers are not closed: queries that hold a version may still be scoring.
func (r *Registry) Drop(name string) (*Model, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.Snapshot()
	i, exists := s.search(name)
	if !exists {
		return nil, fmt.Errorf("drop model: %s does not exist", name)
	}
	m := s.models[i]
	r.current.Store(&Snapshot{models: slices.Delete(slices.Clone(s.models), i, i+1)})
	return m, nil
}

// ResolvePredict is Snapshot's, over the current state.
func (r *Registry) ResolvePredict(name string, version int, args []*types.Type) (*types.Type, error) {
	return r.Snapshot().ResolvePredict(name, version, args)
}
