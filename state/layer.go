package state

import (
	"bytes"
	"hash/maphash"
	"sync"
	"unsafe"
)

// seed is the process's hash seed. Hashes never leave memory.
var seed = maphash.MakeSeed()

func hashOf(key []byte) uint32 { return uint32(maphash.Bytes(seed, key)) }

// deleted is the value length that marks a deletion.
const deleted = ^uint32(0)

// entry is a key with its latest value in a layer. Offsets point into the arena.
type entry struct {
	key, value int
	hash       uint32
	keyLen     uint32
	valueLen   uint32
	valueCap   uint32
}

// layer maps keys to values or deletions: an open hash table over entries whose bytes lie in one arena. Writing a row costs no
// allocation but the growth, now and then, of three slices. The open layer belongs to the task; once committed a layer is
// immutable and may be read by all.
type layer struct {
	slots   []uint32 // entry number + 1, linear probing; length a power of two
	entries []entry
	arena   []byte

	// runs hold the entry numbers [0, indexed) sorted by key; see order.go. They serve the open layer only.
	runs    [][]uint32
	indexed int

	// sorted is the order of a committed layer, made when first asked for.
	once   sync.Once
	sorted []uint32
}

// newLayer makes a layer that holds a number of entries and bytes before it grows.
func newLayer(entries, size int) *layer {
	slots := 16
	for slots*3 < entries*4 {
		slots *= 2
	}
	return &layer{slots: make([]uint32, slots), entries: make([]entry, 0, entries), arena: make([]byte, 0, size)}
}

func (l *layer) len() int { return len(l.entries) }

// An entry takes entryBytes, and orderBytes more in the order that the first ordered read or the flush makes.
const (
	entryBytes = int(unsafe.Sizeof(entry{}))
	orderBytes = 4
)

// bytes is what the layer keeps in memory, used or not.
func (l *layer) bytes() int {
	return cap(l.arena) + entryBytes*cap(l.entries) + 4*len(l.slots) + orderBytes*len(l.entries)
}

// content is what the layer's entries take, without the memory that waits for more. A slot is half used.
func (l *layer) content() int { return len(l.arena) + (entryBytes+2*4+orderBytes)*len(l.entries) }

func (l *layer) key(e *entry) []byte {
	return l.arena[e.key : e.key+int(e.keyLen) : e.key+int(e.keyLen)]
}

// get returns the value of an entry, nil for a deletion.
func (l *layer) get(e *entry) []byte {
	if e.valueLen == deleted {
		return nil
	}
	end := e.value + int(e.valueLen)
	return l.arena[e.value:end:end]
}

// find returns the entry of a key, or nil. It stays valid until the next set.
func (l *layer) find(hash uint32, key []byte) *entry {
	mask := uint32(len(l.slots) - 1)
	for i := hash & mask; l.slots[i] != 0; i = (i + 1) & mask {
		e := &l.entries[l.slots[i]-1]
		if e.hash == hash && bytes.Equal(l.key(e), key) {
			return e
		}
	}
	return nil
}

// set writes a value, or a deletion where value is nil.
func (l *layer) set(hash uint32, key, value []byte) {
	if e := l.find(hash, key); e != nil {
		l.overwrite(e, value)
		return
	}
	if len(l.entries)*4 >= len(l.slots)*3 {
		l.grow()
	}
	e := entry{key: len(l.arena), hash: hash, keyLen: uint32(len(key))}
	l.arena = append(l.arena, key...)
	l.overwrite(&e, value)
	l.entries = append(l.entries, e)
	l.place(hash, uint32(len(l.entries)))
}

// overwrite reuses the bytes of the former value where the new one fits: aggregates have values of one length.
func (l *layer) overwrite(e *entry, value []byte) {
	if value == nil {
		e.valueLen = deleted
		return
	}
	if n := uint32(len(value)); n > e.valueCap {
		e.value, e.valueCap = len(l.arena), n
		l.arena = append(l.arena, value...)
	} else {
		copy(l.arena[e.value:], value)
	}
	e.valueLen = uint32(len(value))
}

func (l *layer) place(hash, number uint32) {
	mask := uint32(len(l.slots) - 1)
	i := hash & mask
	for l.slots[i] != 0 {
		i = (i + 1) & mask
	}
	l.slots[i] = number
}

func (l *layer) grow() {
	l.slots = make([]uint32, 2*len(l.slots))
	for i := range l.entries {
		l.place(l.entries[i].hash, uint32(i+1))
	}
}

// merge makes one layer of two, where newer wins. bottom says that nothing lies below, so deletions can go.
func merge(older, newer *layer, bottom bool) *layer {
	m := newLayer(older.len()+newer.len(), len(older.arena)+len(newer.arena))
	for i := range newer.entries {
		m.copyEntry(newer, &newer.entries[i], bottom)
	}
	for i := range older.entries {
		e := &older.entries[i]
		if newer.find(e.hash, older.key(e)) == nil {
			m.copyEntry(older, e, bottom)
		}
	}
	return m
}

// copyEntry adds an entry whose key is known to be new.
func (l *layer) copyEntry(from *layer, e *entry, bottom bool) {
	if bottom && e.valueLen == deleted {
		return
	}
	c := entry{key: len(l.arena), hash: e.hash, keyLen: e.keyLen}
	l.arena = append(l.arena, from.key(e)...)
	l.overwrite(&c, from.get(e))
	l.entries = append(l.entries, c)
	l.place(c.hash, uint32(len(l.entries)))
}

// stack lists committed layers, oldest first. It is never changed in place, since readers hold it.
type stack []*layer

// merging says how a store's layers are merged.
type merging struct {
	frozen  int  // so many of the oldest belong to a running flush and stay as they are
	bottom  bool // nothing lies below the oldest
	ordered bool // the store reads ranges all the time: keep layers sorted
}

// push adds a layer and merges while a layer is not clearly smaller than the one below: n commits cost each entry log n
// copies.
func (s stack) push(l *layer, how merging) stack {
	out := append(make(stack, 0, len(s)+1), s...)
	for n := len(out); n > how.frozen && 2*l.len() >= out[n-1].len(); n = len(out) {
		bottom := how.bottom && n == 1
		if how.ordered {
			l = mergeOrdered(out[n-1], l, bottom)
		} else {
			l = merge(out[n-1], l, bottom)
		}
		out = out[:n-1]
	}
	return append(out, l)
}

// mergeOrdered is merge by walking over both in order, so that the result is sorted as it is.
func mergeOrdered(older, newer *layer, bottom bool) *layer {
	m := newLayer(older.len()+newer.len(), len(older.arena)+len(newer.arena))
	for key, value := range (stack{older, newer}).entries() {
		if value != nil || !bottom {
			m.set(hashOf(key), key, value)
		}
	}
	m.once.Do(func() {
		m.sorted = make([]uint32, m.len())
		for i := range m.sorted {
			m.sorted[i] = uint32(i)
		}
	})
	return m
}

func (s stack) bytes() int {
	n := 0
	for _, l := range s {
		n += l.bytes()
	}
	return n
}
