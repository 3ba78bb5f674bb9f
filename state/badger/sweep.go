package badger

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// sweepBatch is how many entries are deleted at once. DropPrefix would stop all writers while it runs.
const sweepBatch = 1000

// Drop forgets a store in one small write. Its data goes as Sweep is called. No partition of it may be in use.
func (d *DB) Drop(store string) error {
	d.use.RLock()
	defer d.use.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.numbers[store]
	if !ok {
		return nil
	}
	err := d.db.Update(func(txn *badger.Txn) error {
		return errors.Join(txn.Delete(append([]byte{prefixName}, store...)), txn.Set(number([]byte{prefixDropped}, n), nil))
	})
	if err != nil {
		return fmt.Errorf("drop store %s: %w", store, err)
	}
	delete(d.numbers, store)
	return nil
}

// Stores lists the names of all stores that were not dropped.
func (d *DB) Stores() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.numbers))
	for name := range d.numbers {
		names = append(names, name)
	}
	return names
}

// Sweep deletes a batch of dropped data and says whether there is more. Call it now and then, from one goroutine.
func (d *DB) Sweep() (more bool, err error) {
	d.use.RLock()
	defer d.use.RUnlock()
	dropped, err := d.firstDropped()
	if err != nil || dropped == nil {
		return false, err
	}
	for _, prefix := range []byte{prefixPosition, prefixData} {
		more, err := d.deleteSome(append([]byte{prefix}, dropped...), sweepBatch)
		if err != nil || more {
			return more, err
		}
	}
	err = d.db.Update(func(txn *badger.Txn) error { return txn.Delete(append([]byte{prefixDropped}, dropped...)) })
	if err != nil {
		return false, fmt.Errorf("sweep store in %s: %w", d.dir, err)
	}
	return true, nil
}

// firstDropped returns the number of a dropped store, or nil.
func (d *DB) firstDropped() (n []byte, err error) {
	err = d.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixDropped}})
		defer it.Close()
		if it.Rewind(); it.Valid() {
			n = it.Item().KeyCopy(nil)[1:]
		}
		return nil
	})
	if err != nil {
		return nil, d.readError(err)
	}
	return n, nil
}

// deleteSome deletes up to limit entries below a prefix and says whether it stopped at the limit.
func (d *DB) deleteSome(prefix []byte, limit int) (more bool, err error) {
	var keys [][]byte
	err = d.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid() && len(keys) < limit; it.Next() {
			keys = append(keys, it.Item().KeyCopy(nil))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return false, err
	}
	b := d.db.NewWriteBatch()
	defer b.Cancel()
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return false, fmt.Errorf("delete from store in %s: %w", d.dir, err)
		}
	}
	if err := b.Flush(); err != nil {
		return false, fmt.Errorf("delete from store in %s: %w", d.dir, err)
	}
	return len(keys) == limit, nil
}
