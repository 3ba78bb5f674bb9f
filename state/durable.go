package state

import (
	"context"
	"errors"
	"iter"
	"time"
)

// ErrCorrupt matches the errors of a durable store that cannot be trusted any more. It must be emptied, and rebuilt from the changelogs.
var ErrCorrupt = errors.New("the store must be rebuilt")

// Durable is the sorted store on disk below the layers; package badger implements it. One serves all tasks of a server. It is
// safe for concurrent use.
type Durable interface {
	// Partition opens one partition of a store. The name holds the query's incarnation, so it is never used again.
	Partition(store string, partition int32) (Partition, error)
	// Flush writes all entries of all items, syncs, and then writes their positions in one update. If it fails or tears, any part
	// of the entries may be there and no position.
	Flush(ctx context.Context, items []FlushItem) error
}

// StorePartition names one partition of a store.
type StorePartition struct {
	Store     string
	Partition int32
}

// Partition is one partition of a durable store.
type Partition interface {
	// Snapshot opens a view of what is there now.
	Snapshot() Snapshot
	// Position is the changelog position of the last complete flush; ok false if there was none.
	Position() (p Position, ok bool, err error)
	// Clear removes all entries and the position, in batches small enough not to hold up others.
	Clear(ctx context.Context) error
}

// Position is how far a changelog is contained in a store, and when that was written. Deletions may be missing from
// a changelog once they are older than its delete.retention.ms; then an old position is worth nothing.
type Position struct {
	Offset int64 // the next changelog offset to apply
	Time   time.Time
}

// FlushItem is the share of one partition in a flush.
type FlushItem struct {
	Partition Partition
	// Entries yields keys in ascending order with values; nil deletes.
	Entries  iter.Seq2[[]byte, []byte]
	Position Position
}

// Snapshot is an unchanging view of a partition. It belongs to one goroutine.
type Snapshot interface {
	// Get appends the value of key to dst; ok false if there is none.
	Get(key, dst []byte) (out []byte, ok bool, err error)
	// Iterate starts at the first key >= from. Close it before the snapshot and before another one is started.
	Iterate(from []byte) (it Iterator, more bool, err error)
	Close()
}

// Iterator stands on an entry, or behind the last one.
type Iterator interface {
	// Key and Value stay valid after the iterator has moved on.
	Key() []byte
	Value() ([]byte, error)
	// Next moves on and says whether there is an entry.
	Next() (more bool, err error)
	Close()
}
