// Package badger is the durable layer of package state: one Badger database per server, shared by all tasks.
//
// Badger never leads: it holds what Kafka has committed, as of some earlier moment that the stored changelog positions
// name. Losing it costs a rebuild and nothing else. So writes are not synced one by one, corruption is an error to be
// answered with [Destroy], and a full disk, which would kill the process (Badger writes through mapped memory), is kept away by a
// [Guard].
//
// # Keys
//
//	0x00                                the format version
//	0x01 name                           the number of a store, 4 bytes
//	0x02 number                         the store was dropped; Sweep deletes its data bit by bit
//	0x03 number partition               changelog position: offset, wall clock in ms
//	0x04 number partition key           data
//
// Numbers and partitions are big endian, so that a partition is one run of keys.
package badger

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/millrace/millrace/state"
)

// formatVersion is the version of everything in this package and of the layers' keys.
const formatVersion = 1

const (
	prefixFormat byte = iota
	prefixName
	prefixDropped
	prefixPosition
	prefixData
)

// DB implements [state.Durable]. It is safe for concurrent use.
type DB struct {
	// use is held for reading by whoever uses db, by a snapshot until it is closed; Reset replaces db.
	use sync.RWMutex
	db  *badger.DB
	dir string
	log *slog.Logger
	mem int

	mu      sync.Mutex // guards the numbering of stores
	numbers map[string]uint32
	last    uint32
}

// Options change how a database runs.
type Options struct {
	Logger *slog.Logger // default slog.Default()
	// Memory is for the tables that flushes fill: 64 MiB. Compactions take about as much besides, while they run; files are read through
	// mapped memory, which the system takes back at need.
	Memory int
}

// Open opens or makes the database in a folder. The errors that a caller can act on are [LockedError], [ReadOnlyError], and
// [FormatError] and [CorruptError], which matches [state.ErrCorrupt] and which [Destroy] heals.
func Open(dir string, opts Options) (*DB, error) {
	log := opts.Logger
	if log == nil {
		log = slog.Default()
	}
	d := &DB{dir: dir, log: log, mem: cmp.Or(opts.Memory, 64<<20)}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *DB) open() error {
	if err := probe(d.dir); err != nil {
		return err
	}
	o, err := settings(d.dir, d.mem, d.log)
	if err != nil {
		return err
	}
	if err := verify(d.dir, o); err != nil {
		return err
	}
	b, err := badger.Open(o)
	if err != nil {
		return openError(d.dir, err)
	}
	d.db, d.numbers, d.last = b, map[string]uint32{}, 0
	if err := d.load(); err != nil {
		return errors.Join(err, b.Close())
	}
	return nil
}

// Reset empties the database, for a rebuild from the changelogs: whatever is wrong with it, it is new afterwards. It waits until all
// snapshots are closed; partitions that were opened before must not be used any more. If it fails it is to be called again: until
// it succeeds nothing can be read or written.
func (d *DB) Reset() error {
	d.use.Lock()
	defer d.use.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.db.IsClosed() {
		if err := d.db.Close(); err != nil { // what it could not write is not wanted
			d.log.Warn("the broken store could not be closed in good order", "directory", d.dir, "error", err)
		}
	}
	if err := Destroy(d.dir); err != nil {
		return err
	}
	return d.open()
}

// pendingBatches is how many transactions of a flush may wait to be written. Each takes about half of a table's memory.
const pendingBatches = 2

// settings are small and steady, measured for flushes of sorted batches (tables of 16 MB, two at a time, which take a third more than that).
// Checksums are not verified again: verify has done it.
func settings(dir string, memory int, log *slog.Logger) (badger.Options, error) {
	table := min(max(int64(memory)/4, 4<<20), 64<<20)
	left, err := largestLog(dir)
	if err != nil {
		return badger.Options{}, err
	}
	table = max(table, left/2) // Badger makes logs twice as long
	return badger.DefaultOptions(dir).
		WithLogger(logger{log}).
		WithMemTableSize(table).
		WithNumMemtables(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(8).
		WithNumCompactors(2).
		WithBlockCacheSize(0).
		WithCompression(options.None).
		WithValueLogFileSize(16 << 20).
		WithBaseTableSize(table / 8).
		WithValueThreshold(min(table/8, 1<<20)). // Badger opens nothing where one value may be larger than a batch, which is 15 % of a table
		WithBaseLevelSize(4 * table).            // as much as is compacted into it at once
		WithNumVersionsToKeep(1).
		WithDetectConflicts(false).
		WithSyncWrites(false).
		WithMetricsEnabled(false).
		WithVerifyValueChecksum(true).
		WithChecksumVerificationMode(options.NoVerification).
		WithNumGoroutines(2), nil
}

// largestLog is the length of the longest log of a table in memory that a server left when it died. Badger reads it into such a table, and ends
// the process if that is smaller than the one that the log was written for.
func largestLog(dir string) (size int64, err error) {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return 0, fmt.Errorf("open store in %s: %w", dir, err)
	}
	for _, name := range logs {
		info, err := os.Stat(name)
		if err != nil {
			return 0, fmt.Errorf("open store in %s: %w", dir, err)
		}
		size = max(size, info.Size())
	}
	return size, nil
}

// load checks the format version and reads the stores' numbers.
func (d *DB) load() error {
	err := d.db.Update(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte{prefixFormat})
		if errors.Is(err, badger.ErrKeyNotFound) {
			return txn.Set([]byte{prefixFormat}, []byte{formatVersion})
		}
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error {
			switch {
			case len(v) != 1:
				return fmt.Errorf("the format version has %d bytes", len(v))
			case v[0] > formatVersion:
				return &FormatError{Dir: d.dir, Found: v[0], Want: formatVersion}
			case v[0] < formatVersion:
				return fmt.Errorf("an earlier release wrote it: format version %d, this release reads %d", v[0], formatVersion)
			}
			return nil
		})
	})
	var format *FormatError
	switch {
	case errors.As(err, &format):
		return format
	case err != nil:
		return &CorruptError{Dir: d.dir, Err: err}
	}
	err = d.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixName}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			v, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			if len(v) != 4 {
				return fmt.Errorf("number of store %q has %d bytes", it.Item().Key()[1:], len(v))
			}
			n := binary.BigEndian.Uint32(v)
			d.numbers[string(it.Item().Key()[1:])] = n
			d.last = max(d.last, n)
		}
		return d.lastDropped(txn)
	})
	if err != nil {
		return &CorruptError{Dir: d.dir, Err: err}
	}
	return nil
}

// lastDropped keeps the numbers of dropped stores from being given again before their data is gone.
func (d *DB) lastDropped(txn *badger.Txn) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{prefixDropped}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if k := it.Item().Key(); len(k) == 5 {
			d.last = max(d.last, binary.BigEndian.Uint32(k[1:]))
		}
	}
	return nil
}

// Close syncs and closes the database. Snapshots and views must be closed before.
func (d *DB) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("close store in %s: %w", d.dir, err)
	}
	return nil
}

// Partition implements [state.Durable].
func (d *DB) Partition(store string, partition int32) (state.Partition, error) {
	d.use.RLock()
	defer d.use.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.numbers[store]
	if !ok {
		n = d.last + 1
		err := d.db.Update(func(txn *badger.Txn) error {
			return txn.Set(append([]byte{prefixName}, store...), number(nil, n))
		})
		if err != nil {
			return nil, fmt.Errorf("number store %s: %w", store, err)
		}
		d.numbers[store], d.last = n, n
	}
	return &Partition{db: d, data: prefixOf(prefixData, n, partition), position: prefixOf(prefixPosition, n, partition)}, nil
}

// prefixBytes is the length of what prefixOf makes.
const prefixBytes = 1 + 4 + 4

// prefixOf begins all keys of a kind of one partition of a store.
func prefixOf(kind byte, store uint32, partition int32) []byte {
	return number(number([]byte{kind}, store), uint32(partition))
}

func number(dst []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(dst, n) }

// Flush implements [state.Durable].
func (d *DB) Flush(ctx context.Context, items []state.FlushItem) error {
	d.use.RLock()
	defer d.use.RUnlock()
	if err := d.write(ctx, items); err != nil {
		return fmt.Errorf("flush to store in %s: %w", d.dir, err)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("sync store in %s: %w", d.dir, err)
	}
	err := d.db.Update(func(txn *badger.Txn) error {
		for _, item := range items {
			if err := txn.Set(item.Partition.(*Partition).position, encodePosition(item.Position)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write positions to store in %s: %w", d.dir, err)
	}
	return nil
}

// sync brings to the disk what was written. Badger's own Sync knows only the memory table that is written to: those that a large
// flush has filled before, and that wait to become sorted files, are in the page cache alone.
func (d *DB) sync() error {
	list, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, entry := range list {
		if filepath.Ext(entry.Name()) != ".mem" {
			continue
		}
		f, err := os.OpenFile(filepath.Join(d.dir, entry.Name()), os.O_RDWR, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has become a file, which is synced before its log goes
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return d.db.Sync()
}

func (d *DB) write(ctx context.Context, items []state.FlushItem) error {
	b := d.db.NewWriteBatch()
	b.SetMaxPendingTxns(pendingBatches)
	defer b.Cancel()
	var keys []byte // Badger keeps keys and values until Flush; keys come from blocks, values belong to immutable layers
	n := 0
	for _, item := range items {
		p := item.Partition.(*Partition)
		for key, value := range item.Entries {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if size := len(p.data) + len(key); cap(keys)-len(keys) < size {
				keys = make([]byte, 0, max(64<<10, size))
			}
			start := len(keys)
			keys = append(append(keys, p.data...), key...)
			k := keys[start:len(keys):len(keys)]
			var err error
			if value == nil {
				err = b.Delete(k)
			} else {
				err = b.Set(k, value)
			}
			if err != nil {
				return err
			}
		}
	}
	return b.Flush()
}

func encodePosition(p state.Position) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(p.Offset)), uint64(p.Time.UnixMilli()))
}

func decodePosition(v []byte) (state.Position, error) {
	if len(v) != 16 {
		return state.Position{}, fmt.Errorf("changelog position of %d bytes, want 16", len(v))
	}
	return state.Position{Offset: int64(binary.BigEndian.Uint64(v)), Time: time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:])))}, nil
}
