// Package memory implements the stores of package state in the simplest way that can be right: sorted slices and an undo
// list. It is the oracle of the other implementations' tests and serves where a task lives and dies in one process, as in
// the test driver. Looking up by key alone is linear here.
package memory

import (
	"math"
	"slices"

	"github.com/millrace/millrace/state"
)

// Task holds the stores of one task. It implements [state.Stores]. It belongs to one goroutine.
type Task struct {
	stores map[string]store
}

type store interface {
	kind() state.Kind
	commit()
	abort()
}

// New makes empty stores.
func New(specs []state.Spec) *Task {
	t := &Task{stores: map[string]store{}}
	for _, s := range specs {
		switch s.Kind {
		case state.KeyValue:
			t.stores[s.ID] = newKeyValue()
		case state.Window:
			t.stores[s.ID] = newWindow(s.Retention)
		case state.Session:
			t.stores[s.ID] = newSession(s.Retention)
		case state.Join:
			t.stores[s.ID] = newJoin(s.Retention)
		}
	}
	return t
}

// Commit makes all writes since the last Commit or Abort permanent.
func (t *Task) Commit() {
	for _, s := range t.stores {
		s.commit()
	}
}

// Abort takes all writes since the last Commit or Abort back.
func (t *Task) Abort() {
	for _, s := range t.stores {
		s.abort()
	}
}

// KeyValue implements [state.Stores].
func (t *Task) KeyValue(id string) (state.KeyValueStore, error) {
	return find[*keyValue](t, id, state.KeyValue)
}

// Window implements [state.Stores].
func (t *Task) Window(id string) (state.WindowStore, error) {
	return find[*window](t, id, state.Window)
}

// Session implements [state.Stores].
func (t *Task) Session(id string) (state.SessionStore, error) {
	return find[*session](t, id, state.Session)
}

// Join implements [state.Stores].
func (t *Task) Join(id string) (state.JoinStore, error) {
	return find[*join](t, id, state.Join)
}

func find[S store](t *Task, id string, want state.Kind) (S, error) {
	s := t.stores[id]
	typed, ok := s.(S)
	if !ok {
		e := &state.KindError{ID: id, Want: want}
		if s != nil {
			e.Have = s.kind()
		}
		return typed, e
	}
	return typed, nil
}

// clock is the stream time of a store, which an abort sets back.
type clock struct {
	state.Retention
	now, committed int64
}

func newClock(r state.Retention) clock {
	return clock{Retention: r, now: math.MinInt64, committed: math.MinInt64}
}

// advance moves stream time and says whether the time can still be put.
func (c *clock) advance(time int64) bool {
	c.now = max(c.now, time)
	return time >= c.MinLive(c.now)
}

func (c *clock) visible(time int64) bool { return time >= c.MinVisible(c.now) && c.live(time) }
func (c *clock) live(time int64) bool    { return time >= c.MinLive(c.now) }

// Keep has nothing to do: what is past retention is hidden, and never removed.
func (c *clock) Keep(int64) {}

// StreamTime is the largest time put.
func (c *clock) StreamTime() int64 { return c.now }

type entry[K any] struct {
	key   K
	value []byte
}

// sorted is an ordered map with one level of undo.
type sorted[K any] struct {
	compare func(a, b K) int
	list    []entry[K]
	undo    []entry[K] // what was there before, oldest first; value nil: nothing
}

func (s *sorted[K]) find(key K) (int, bool) {
	return slices.BinarySearchFunc(s.list, key, func(e entry[K], k K) int { return s.compare(e.key, k) })
}

func (s *sorted[K]) get(key K) []byte {
	if i, ok := s.find(key); ok {
		return s.list[i].value
	}
	return nil
}

// set puts a value, or deletes where it is nil.
func (s *sorted[K]) set(key K, value []byte) {
	s.undo = append(s.undo, entry[K]{key, s.get(key)})
	s.apply(key, value)
}

func (s *sorted[K]) apply(key K, value []byte) {
	i, ok := s.find(key)
	switch {
	case ok && value == nil:
		s.list = slices.Delete(s.list, i, i+1)
	case ok:
		s.list[i].value = value
	case value != nil:
		s.list = slices.Insert(s.list, i, entry[K]{key, value})
	}
}

func (s *sorted[K]) commit() { s.undo = nil }

func (s *sorted[K]) abort() {
	for _, e := range slices.Backward(s.undo) {
		s.apply(e.key, e.value)
	}
	s.undo = nil
}

// from yields the entries at and behind key.
func (s *sorted[K]) from(key K, yield func(K, []byte) bool) {
	i, _ := s.find(key)
	for ; i < len(s.list); i++ {
		if !yield(s.list[i].key, s.list[i].value) {
			return
		}
	}
}

// clone copies a value so that it is never nil.
func clone(value []byte) []byte { return append([]byte{}, value...) }
