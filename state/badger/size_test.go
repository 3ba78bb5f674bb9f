package badger

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/state"
)

// TestDiskBytes: what is in a file counts for the stores that are in it, all of it and once.
func TestDiskBytes(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	of := []state.StorePartition{{Store: "large", Partition: 1}, {Store: "unknown"}, {Store: "small", Partition: 0}, {Store: "large", Partition: 0}, {Store: "empty"}}
	for _, s := range []struct {
		of      state.StorePartition
		entries int
	}{{of[0], 2000}, {of[2], 3}, {of[3], 2000}} {
		p, err := d.Partition(s.of.Store, s.of.Partition)
		if err != nil {
			t.Fatal(err)
		}
		item := state.FlushItem{Partition: p, Entries: func(yield func(key, value []byte) bool) {
			for i := range s.entries {
				if !yield(fmt.Appendf(nil, "key%06d", i), make([]byte, 100)) {
					return
				}
			}
		}}
		if err := d.Flush(t.Context(), []state.FlushItem{item}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil { // which makes a file of what is in memory
		t.Fatal(err)
	}
	d = open(t, dir)
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	sizes, files := d.DiskBytes(of), int64(0)
	for _, f := range d.db.Tables() {
		files += int64(f.OnDiskSize)
	}
	if sizes[0] == 0 || sizes[2] == 0 || sizes[3] == 0 || sizes[1] != 0 || sizes[4] != 0 {
		t.Errorf("the sizes are %d", sizes)
	}
	if sum := sizes[0] + sizes[2] + sizes[3]; sum > files || sum < files-3 {
		t.Errorf("the sizes %d are together %d, and the files have %d bytes", sizes, sum, files)
	}
}
