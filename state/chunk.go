package state

import "iter"

// Chunk collects entries, the last value per key, and gives them back in order: what a flush or a restore writes at once.
// It belongs to one goroutine.
type Chunk struct{ l *layer }

// NewChunk makes an empty chunk.
func NewChunk() *Chunk { return &Chunk{newLayer(0, 0)} }

// Set adds an entry, copying it; a nil value deletes the key where the chunk is written to.
func (c *Chunk) Set(key, value []byte) { c.l.set(hashOf(key), key, value) }

// Len is the number of keys.
func (c *Chunk) Len() int { return c.l.len() }

// Bytes is the memory that the entries take.
func (c *Chunk) Bytes() int { return c.l.content() }

// Reset forgets the entries, whose memory is used again.
func (c *Chunk) Reset() {
	clear(c.l.slots)
	c.l = &layer{slots: c.l.slots, entries: c.l.entries[:0], arena: c.l.arena[:0]}
}

// Entries yields the entries by key. The chunk must not change any more.
func (c *Chunk) Entries() iter.Seq2[[]byte, []byte] { return stack{c.l}.entries() }
