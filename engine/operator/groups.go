package operator

import (
	"bytes"
	"hash/maphash"
)

// groups numbers the distinct (key bytes, window start) pairs that were looked up since it was cleared, in order of first
// sight: a hash table with open addressing over one arena of keys, so that finding a group allocates nothing.
type groups struct {
	slots  []int32 // group + 1, or 0
	hashes []uint64
	ends   []int // of each group's key in the arena
	starts []int64
	arena  []byte
}

// groupSeed makes the table's layout differ between processes; nothing that is seen depends on it.
var groupSeed = maphash.MakeSeed()

func (g *groups) len() int { return len(g.starts) }

// key is the key of a group. It aliases the arena.
func (g *groups) key(i int) []byte {
	from := 0
	if i > 0 {
		from = g.ends[i-1]
	}
	return g.arena[from:g.ends[i]:g.ends[i]]
}

// find returns the group's number and whether it is new. The key is copied.
func (g *groups) find(key []byte, start int64) (group int, fresh bool) {
	if 2*len(g.starts) >= len(g.slots) {
		g.grow()
	}
	h := maphash.Bytes(groupSeed, key) ^ uint64(start)*0x9e3779b97f4a7c15
	mask := uint64(len(g.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := g.slots[at]
		if n == 0 {
			g.slots[at] = int32(len(g.starts) + 1)
			g.arena = append(g.arena, key...)
			g.ends = append(g.ends, len(g.arena))
			g.starts = append(g.starts, start)
			g.hashes = append(g.hashes, h)
			return len(g.starts) - 1, true
		}
		i := int(n - 1)
		if g.hashes[i] == h && g.starts[i] == start && bytes.Equal(g.key(i), key) {
			return i, false
		}
	}
}

func (g *groups) grow() {
	g.slots = make([]int32, max(64, 2*len(g.slots)))
	mask := uint64(len(g.slots) - 1)
	for i, h := range g.hashes {
		at := h & mask
		for g.slots[at] != 0 {
			at = (at + 1) & mask
		}
		g.slots[at] = int32(i + 1)
	}
}

func (g *groups) clear() {
	clear(g.slots)
	g.hashes, g.ends, g.starts, g.arena = g.hashes[:0], g.ends[:0], g.starts[:0], g.arena[:0]
}
