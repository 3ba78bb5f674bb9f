package state

import (
	"bytes"
	"slices"
)

// reader sees one store: an open layer (of the task only), committed layers, and the durable snapshot.
type reader struct {
	open      *layer // nil in a view
	committed stack
	partition Partition // nil: no durable store
	empty     bool      // nothing was ever flushed
	snapshot  Snapshot  // opened when first needed; in a view at once
	values    []byte    // bytes of values read from the snapshot
	cursors   []cursor  // room for those of the next scan, and
	bounds    []byte    // for its bounds
}

// durable returns the snapshot to read from, or nil if there is nothing to read.
func (r *reader) durable() Snapshot {
	if r.empty {
		return nil
	}
	if r.snapshot == nil {
		r.snapshot = r.partition.Snapshot()
	}
	return r.snapshot
}

func (r *reader) release() {
	if r.snapshot != nil {
		r.snapshot.Close()
		r.snapshot = nil
	}
	const keep = 1 << 20
	if cap(r.values) > keep {
		r.values = nil
	}
	r.values = r.values[:0]
}

// layers looks a key up in memory. known says that the answer is final.
func (r *reader) layers(hash uint32, key []byte) (value []byte, known bool) {
	if r.open != nil {
		if e := r.open.find(hash, key); e != nil {
			return r.open.get(e), true
		}
	}
	for _, l := range slices.Backward(r.committed) {
		if e := l.find(hash, key); e != nil {
			return l.get(e), true
		}
	}
	return nil, false
}

// get looks a key up; layersOnly says that the durable store cannot have it.
func (r *reader) get(key []byte, layersOnly bool) ([]byte, error) {
	value, known := r.layers(hashOf(key), key)
	if known || layersOnly {
		return value, nil
	}
	return r.read(key)
}

func (r *reader) read(key []byte) ([]byte, error) {
	s := r.durable()
	if s == nil {
		return nil, nil
	}
	out, ok, err := s.Get(key, r.values)
	if err != nil || !ok {
		return nil, err
	}
	value := out[len(r.values):len(out):len(out)]
	r.values = out
	if value == nil {
		value = []byte{}
	}
	return value, nil
}

// getMany is get for many keys; misses go to the durable store in key order.
func (r *reader) getMany(keys, values [][]byte) error {
	var misses []int
	for i, key := range keys {
		value, known := r.layers(hashOf(key), key)
		values[i] = value
		if !known && !r.empty {
			misses = append(misses, i)
		}
	}
	slices.SortFunc(misses, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	for _, i := range misses {
		value, err := r.read(keys[i])
		if err != nil {
			return err
		}
		values[i] = value
	}
	return nil
}

// takeBounds is room for the bounds of a scan; one inside yield has its own. Whoever took it puts it back.
func (r *reader) takeBounds() []byte {
	b := r.bounds
	r.bounds = nil
	return b[:0]
}

// scan yields live entries with from <= key < to in order.
func (r *reader) scan(from, to []byte, layersOnly bool, yield func(key, value []byte) bool) error {
	m := merged{to: to, cursors: r.cursors[:0]}
	r.cursors = nil
	defer func() {
		clear(m.cursors) // they hold layers
		r.cursors = m.cursors
		m.close()
	}()
	if r.open != nil {
		r.open.index()
		for _, run := range r.open.runs {
			m.cursors = append(m.cursors, cursor{r.open, r.open.seek(run, from)})
		}
	}
	for _, l := range slices.Backward(r.committed) {
		m.cursors = append(m.cursors, cursor{l, l.seek(l.order(), from)})
	}
	if s := r.durable(); s != nil && !layersOnly {
		var err error
		if m.durable, m.more, err = s.Iterate(from); err != nil {
			return err
		}
	}
	for {
		key, value, ok, err := m.next()
		if err != nil || !ok {
			return err
		}
		if value != nil && !yield(key, value) {
			return nil
		}
	}
}

// table is a reader with its open layer's writing half. All kinds of stores are made of it.
type table struct {
	reader
	spec Spec
}

func (t *table) put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	t.open.set(hashOf(key), key, value)
}

func (t *table) remove(key []byte) { t.open.set(hashOf(key), key, nil) }

// keyValueReader implements [KeyValueReader].
type keyValueReader struct{ *reader }

func (s keyValueReader) Get(key []byte) ([]byte, error)      { return s.get(key, false) }
func (s keyValueReader) GetMany(keys, values [][]byte) error { return s.getMany(keys, values) }

func (s keyValueReader) Range(from, to []byte, yield func(key, value []byte) bool) error {
	return s.scan(from, to, false, yield)
}

// keyValueStore implements [KeyValueStore].
type keyValueStore struct {
	keyValueReader
	t *table
}

func (s *keyValueStore) Put(key, value []byte) error {
	s.t.put(key, value)
	return nil
}

func (s *keyValueStore) Delete(key []byte) error {
	s.t.remove(key)
	return nil
}
