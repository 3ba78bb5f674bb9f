package state

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// A layer is a hash table; ordered reads need more. An open layer keeps sorted runs of entry numbers: entries written since the
// last ordered read go into a small last run, and runs are merged geometrically. So a row that reads a range and writes an entry
// costs a few comparisons, and stores that never read ranges pay nothing.

// smallRun is the length up to which new entries are inserted one by one.
const smallRun = 64

func (l *layer) compare(a, b uint32) int {
	return bytes.Compare(l.key(&l.entries[a]), l.key(&l.entries[b]))
}

// index brings the runs of an open layer up to date.
func (l *layer) index() {
	fresh := len(l.entries) - l.indexed
	if fresh == 0 {
		return
	}
	n := len(l.runs)
	if n == 0 || len(l.runs[n-1])+fresh > smallRun {
		run := make([]uint32, fresh, max(fresh, smallRun))
		for i := range run {
			run[i] = uint32(l.indexed + i)
		}
		l.sortRun(run)
		l.runs = append(l.runs, run)
	} else {
		for i := l.indexed; i < len(l.entries); i++ {
			at, _ := slices.BinarySearchFunc(l.runs[n-1], uint32(i), l.compare)
			l.runs[n-1] = slices.Insert(l.runs[n-1], at, uint32(i))
		}
	}
	l.indexed = len(l.entries)
	for n := len(l.runs); n > 1 && 4*len(l.runs[n-1]) >= len(l.runs[n-2]); n = len(l.runs) {
		l.runs[n-2] = l.mergeRuns(l.runs[n-2], l.runs[n-1])
		l.runs = l.runs[:n-1]
	}
}

// sortRun sorts entry numbers by key. The first eight bytes of the keys, which decide most comparisons, are brought together first: the
// keys themselves lie all over memory.
func (l *layer) sortRun(run []uint32) {
	type item struct {
		prefix uint64
		n      uint32
	}
	items := make([]item, len(run))
	for i, n := range run {
		var first [8]byte
		copy(first[:], l.key(&l.entries[n]))
		items[i] = item{binary.BigEndian.Uint64(first[:]), n}
	}
	slices.SortFunc(items, func(a, b item) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		return l.compare(a.n, b.n)
	})
	for i := range items {
		run[i] = items[i].n
	}
}

func (l *layer) mergeRuns(a, b []uint32) []uint32 {
	out := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if l.compare(a[0], b[0]) < 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// order is the sorted form of a committed layer. Any goroutine may ask for it.
func (l *layer) order() []uint32 {
	l.once.Do(func() {
		l.index()
		for n := len(l.runs); n > 1; n = len(l.runs) {
			l.runs[n-2] = l.mergeRuns(l.runs[n-2], l.runs[n-1])
			l.runs = l.runs[:n-1]
		}
		if len(l.runs) == 1 {
			l.sorted = l.runs[0]
		}
		l.runs = nil
	})
	return l.sorted
}

// seek returns the part of a run at and behind a key.
func (l *layer) seek(run []uint32, from []byte) []uint32 {
	i := sort.Search(len(run), func(i int) bool { return bytes.Compare(l.key(&l.entries[run[i]]), from) >= 0 })
	return run[i:]
}

// cursor walks over a run of a layer.
type cursor struct {
	l   *layer
	run []uint32
}

// merged walks over layers and a durable iterator as over one sorted map. Earlier cursors win.
type merged struct {
	cursors []cursor
	durable Iterator
	more    bool // durable stands on an entry
	to      []byte
}

// next returns the smallest key with its newest value (nil: deleted), or ok false behind the end.
func (m *merged) next() (key, value []byte, ok bool, err error) {
	best := -1
	for i := range m.cursors {
		c := &m.cursors[i]
		if len(c.run) == 0 {
			continue
		}
		if k := c.l.key(&c.l.entries[c.run[0]]); best < 0 || bytes.Compare(k, key) < 0 {
			best, key = i, k
		}
	}
	if m.more && (best < 0 || bytes.Compare(m.durable.Key(), key) < 0) {
		return m.nextDurable()
	}
	if best < 0 || m.to != nil && bytes.Compare(key, m.to) >= 0 {
		return nil, nil, false, nil
	}
	c := &m.cursors[best]
	value = c.l.get(&c.l.entries[c.run[0]])
	return key, value, true, m.skip(key)
}

func (m *merged) nextDurable() (key, value []byte, ok bool, err error) {
	key = m.durable.Key()
	if m.to != nil && bytes.Compare(key, m.to) >= 0 {
		return nil, nil, false, nil
	}
	if value, err = m.durable.Value(); err != nil {
		return nil, nil, false, err
	}
	m.more, err = m.durable.Next()
	return key, value, true, err
}

// skip moves every source past a key.
func (m *merged) skip(key []byte) (err error) {
	for i := range m.cursors {
		c := &m.cursors[i]
		if len(c.run) > 0 && bytes.Equal(c.l.key(&c.l.entries[c.run[0]]), key) {
			c.run = c.run[1:]
		}
	}
	if m.more && bytes.Equal(m.durable.Key(), key) {
		m.more, err = m.durable.Next()
	}
	return err
}

func (m *merged) close() {
	if m.durable != nil {
		m.durable.Close()
	}
}
