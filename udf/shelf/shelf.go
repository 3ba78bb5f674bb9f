// Package shelf keeps what is costly to load, such as models and compiled functions: once for all who use it, and no longer than somebody does.
//
// What is kept stays loaded. What is not goes when nobody holds it any more: its users hold it by its pointer, and whoever loads it sees
// to its end with [runtime.AddCleanup].
package shelf

import (
	"maps"
	"sync"
	"weak"
)

// Shelf holds values by key. The zero value is empty and ready. All methods are safe for concurrent use.
type Shelf[K comparable, V any] struct {
	mu     sync.Mutex
	places map[K]*place[V]
	kept   map[K]*V
}

// place is that of one value. Its own lock lets others be used while this one is loaded.
type place[V any] struct {
	mu    sync.Mutex
	value weak.Pointer[V]
}

func (s *Shelf[K, V]) place(k K) *place[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places, s.kept = map[K]*place[V]{}, map[K]*V{}
	}
	p := s.places[k]
	if p == nil {
		p = &place[V]{}
		s.places[k] = p
	}
	return p
}

// Get returns a value, loading it if it is not there. The caller holds it as long as it has the pointer.
func (s *Shelf[K, V]) Get(k K, load func() (*V, error)) (*V, error) {
	p := s.place(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.value.Value(); v != nil {
		return v, nil
	}
	v, err := load()
	if err != nil {
		return nil, err
	}
	p.value = weak.Make(v)
	return v, nil
}

// Keep has a value stay, loading it if it is not there. One that cannot be loaded is not kept.
func (s *Shelf[K, V]) Keep(k K, load func() (*V, error)) error {
	v, err := s.Get(k, load)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.kept, k)
		return err
	}
	s.kept[k] = v
	return nil
}

// Release lets go the values whose keys match, and forgets those that nobody holds.
func (s *Shelf[K, V]) Release(match func(K) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.kept, func(k K, _ *V) bool { return match(k) })
	maps.DeleteFunc(s.places, func(_ K, p *place[V]) bool {
		if !p.mu.TryLock() {
			return false // it is being used
		}
		defer p.mu.Unlock()
		return p.value.Value() == nil
	})
}

// Len counts the values that are loaded.
func (s *Shelf[K, V]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.places {
		if p.value.Value() != nil {
			n++
		}
	}
	return n
}
