package state

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// TaskConfig says which stores a task has and where they are kept.
type TaskConfig struct {
	Specs []Spec
	// Incarnation is the prefix of the stores' durable names: the query's incarnation and sub-topology.
	Incarnation string
	Partition   int32
	// Durable is nil where state lives as long as the process, as for a client's query.
	Durable Durable
}

// StoreName is the name of a store in the durable store.
func (c TaskConfig) StoreName(spec Spec) string { return c.Incarnation + "/" + spec.ID }

// Task is the state of one task: its stores in three layers (see the package comment). It implements [Stores].
//
// All methods but View belong to the task's goroutine.
type Task struct {
	config TaskConfig
	stores []*store
	byID   map[string]*store

	// mu is held while a view opens its snapshot, and taken by BeginFlush: a view whose committed layers were
	// published before a flush began must not see what the flush writes.
	mu        sync.RWMutex
	published atomic.Pointer[version]

	flushing *Flush
	dirty    time.Time // when the oldest committed change that is not durable was committed
	stamped  time.Time // the oldest wall time of the durable positions
}

// store is one store of a task.
type store struct {
	table
	clock    clock
	saved    clock // as of the last Commit
	position int64 // of the changelog, as of the last Commit
	api      any
	expirer  expirer
}

// expirer removes what is past retention.
type expirer interface {
	expire(limit int) (more bool, err error)
}

// version is what readers see: all stores of the task as of one commit.
type version struct {
	stores []storeVersion
}

type storeVersion struct {
	committed stack
	clock     clock
	empty     bool
}

// OpenTask opens the stores. What the durable store holds must be exactly what the task's changelogs hold: restore first.
func OpenTask(c TaskConfig) (*Task, error) {
	t := &Task{config: c, byID: make(map[string]*store, len(c.Specs))}
	for _, spec := range c.Specs {
		s, err := t.open(spec)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open store %s: %w", c.StoreName(spec), err), t.Close())
		}
		t.stores = append(t.stores, s)
		t.byID[spec.ID] = s
	}
	t.publish()
	return t, nil
}

// readPosition takes over what the last flush, or the restore, has written.
func (t *Task) readPosition(s *store) error {
	p, ok, err := s.partition.Position()
	if err != nil || !ok {
		return err
	}
	s.position = p.Offset
	if t.stamped.IsZero() || p.Time.Before(t.stamped) {
		t.stamped = p.Time
	}
	return nil
}

func (t *Task) open(spec Spec) (*store, error) {
	s := &store{clock: newClock(spec.Retention)}
	s.spec, s.open, s.empty = spec, newLayer(0, 0), t.config.Durable == nil
	if !s.empty {
		p, err := t.config.Durable.Partition(t.config.StoreName(spec), t.config.Partition)
		if err != nil {
			return nil, err
		}
		s.partition = p
		if s.empty, err = isEmpty(p); err != nil {
			return nil, err
		}
		if err := t.readPosition(s); err != nil {
			return nil, err
		}
	}
	switch spec.Kind {
	case KeyValue:
		s.api = &keyValueStore{keyValueReader{&s.reader}, &s.table}
		return s, nil
	case Window:
		w := &windowStore{windowReader{reader: &s.reader, clock: &s.clock}, &s.table, math.MaxInt64}
		s.api, s.expirer = w, w
	case Session:
		w := &sessionStore{sessionReader{reader: &s.reader, clock: &s.clock}, &s.table, math.MaxInt64}
		s.api, s.expirer = w, w
	case Join:
		w := &joinStore{table: &s.table, clock: &s.clock}
		s.api, s.expirer = w, w
	default:
		return nil, fmt.Errorf("unknown kind %q", spec.Kind)
	}
	value, err := s.get(metaKey, false)
	if err == nil {
		err = s.clock.decode(value)
	}
	s.release()
	s.clock.flushed = s.clock.now
	s.saved = s.clock
	return s, err
}

// isEmpty spares a new store its fruitless reads.
func isEmpty(p Partition) (bool, error) {
	s := p.Snapshot()
	defer s.Close()
	it, more, err := s.Iterate(nil)
	if err != nil {
		return false, err
	}
	it.Close()
	return !more, nil
}

// Specs are the task's stores, in the order that Changes and Commit count them.
func (t *Task) Specs() []Spec { return t.config.Specs }

// KeyValue implements [Stores].
func (t *Task) KeyValue(id string) (KeyValueStore, error) {
	return openAs[KeyValueStore](t, id, KeyValue)
}

// Window implements [Stores].
func (t *Task) Window(id string) (WindowStore, error) { return openAs[WindowStore](t, id, Window) }

// Session implements [Stores].
func (t *Task) Session(id string) (SessionStore, error) { return openAs[SessionStore](t, id, Session) }

// Join implements [Stores].
func (t *Task) Join(id string) (JoinStore, error) { return openAs[JoinStore](t, id, Join) }

func openAs[S any](t *Task, id string, want Kind) (api S, err error) {
	s := t.byID[id]
	if s == nil {
		return api, &KindError{ID: id, Want: want}
	}
	if s.spec.Kind != want {
		return api, &KindError{ID: id, Want: want, Have: s.spec.Kind}
	}
	return s.api.(S), nil
}

// expireLimit bounds the removals that one commit does for one store; the next goes on.
const expireLimit = 10_000

// Prepare completes the open layer: it removes expired entries and notes stream times. Nothing may be written between it and the
// Commit or Abort that must follow.
func (t *Task) Prepare() error {
	for _, s := range t.stores {
		if s.expirer == nil {
			continue
		}
		if _, err := s.expirer.expire(expireLimit); err != nil {
			return fmt.Errorf("expire store %s: %w", t.config.StoreName(s.spec), err)
		}
		if s.clock.now != s.saved.now || s.clock.seq != s.saved.seq {
			s.put(metaKey, s.clock.encode())
		}
	}
	return nil
}

// Dirty says whether the open layer holds changes.
func (t *Task) Dirty() bool {
	for _, s := range t.stores {
		if s.open.len() > 0 {
			return true
		}
	}
	return false
}

// Changes yields what the running transaction changed in a store, the last value per key, in no order; nil deletes. Call
// it after Prepare. The bytes are valid until Commit or Abort.
func (t *Task) Changes(spec int, yield func(key, value []byte) bool) {
	s := t.stores[spec]
	for i := range s.open.entries {
		e := &s.open.entries[i]
		if key := s.open.key(e); !s.spec.derived(key) && !yield(key, s.open.get(e)) {
			return
		}
	}
}

// Commit makes the open layer a committed one and publishes it. positions are the changelog positions behind the
// transaction, one a spec; a position that did not move may be given again.
func (t *Task) Commit(positions []int64, now time.Time) {
	for i, s := range t.stores {
		s.position = positions[i]
		how := merging{bottom: t.config.Durable == nil, ordered: s.spec.Kind == Session || s.spec.Kind == Join}
		if t.flushing != nil {
			how.frozen = t.flushing.layers[i]
		}
		if n := s.open.len(); n > 0 {
			s.committed = s.committed.push(s.open, how)
			// The next transaction will be about as large as this one.
			s.open = newLayer(n, len(s.open.arena))
			if t.dirty.IsZero() {
				t.dirty = now
			}
		}
		s.saved = s.clock
		s.release()
	}
	t.publish()
}

// Abort drops the open layer: the stores are again what the last Commit left.
func (t *Task) Abort() {
	for _, s := range t.stores {
		s.open = newLayer(0, 0)
		flushed := s.clock.flushed
		s.clock = s.saved
		s.clock.flushed = flushed
		s.clock.oldest = noTime
		s.release()
	}
}

func (t *Task) publish() {
	v := &version{stores: make([]storeVersion, len(t.stores))}
	for i, s := range t.stores {
		v.stores[i] = storeVersion{committed: s.committed, clock: s.saved, empty: s.empty}
	}
	t.published.Store(v)
}

// Bytes is the memory that committed layers hold, which a flush frees.
func (t *Task) Bytes() int {
	n := 0
	for _, s := range t.stores {
		n += s.committed.bytes()
	}
	return n
}

// OpenBytes is the memory of what the running transaction has changed.
func (t *Task) OpenBytes() int {
	n := 0
	for _, s := range t.stores {
		n += s.open.content()
	}
	return n
}

// DirtySince is when the oldest change was committed that is not durable yet; zero if there is none.
func (t *Task) DirtySince() time.Time { return t.dirty }

// Stamped is the wall time that the durable positions have, the oldest of them; zero if there are none. A flush renews it, also
// where nothing has changed.
func (t *Task) Stamped() time.Time { return t.stamped }

// Close releases the snapshots. Views stay usable; what was not flushed is in the changelog.
func (t *Task) Close() error {
	for _, s := range t.stores {
		s.release()
	}
	return nil
}
