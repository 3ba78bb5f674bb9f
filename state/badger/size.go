package badger

import (
	"bytes"
	"slices"

	"github.com/millrace/millrace/state"
)

// DiskBytes is about what each of some partitions takes of the database's sorted files. A file that holds several of them counts for
// each in equal parts; logs do not count, nor values so large that they are in files of their own.
func (d *DB) DiskBytes(of []state.StorePartition) []int64 {
	d.use.RLock()
	defer d.use.RUnlock()
	sizes := make([]int64, len(of))
	if d.db.IsClosed() {
		return sizes // a Reset failed, and will be called again
	}
	prefixes, at := d.prefixes(of)
	for _, t := range d.db.Tables() {
		from, _ := slices.BinarySearchFunc(prefixes, head(t.Left), bytes.Compare)
		to, there := slices.BinarySearchFunc(prefixes, head(t.Right), bytes.Compare)
		if there {
			to++
		}
		for i := from; i < to; i++ {
			sizes[at[i]] += int64(t.OnDiskSize) / int64(to-from)
		}
	}
	return sizes
}

// prefixes are the sorted prefixes of the partitions' data, and where each was in the list. Stores that were never written are left out.
func (d *DB) prefixes(of []state.StorePartition) (prefixes [][]byte, at []int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([][]byte, len(of))
	for i, p := range of {
		if n, ok := d.numbers[p.Store]; ok {
			all[i] = prefixOf(prefixData, n, p.Partition)
			at = append(at, i)
		}
	}
	slices.SortFunc(at, func(a, b int) int { return bytes.Compare(all[a], all[b]) })
	for _, i := range at {
		prefixes = append(prefixes, all[i])
	}
	return prefixes, at
}

// head is as much of a key as a partition's prefix has.
func head(key []byte) []byte { return key[:min(len(key), prefixBytes)] }
