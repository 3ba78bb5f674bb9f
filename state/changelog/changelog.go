// Package changelog keeps a store's changelog topic and the durable store in step.
//
// A changelog holds absolute values: the last record of a key is its value, a null value deletes it. So a changelog may be
// compacted, may be replayed from any earlier position, and heals a store into which a flush was written half.
//
//   - [Collect] gives the records of a transaction, one per changed key.
//   - [Restore] brings the durable store to the changelog's end before a task starts.
//   - [Copy] is what a restore and a standby apply records with.
//
// The package knows no client library: engine/kafka implements [Log].
package changelog

import (
	"context"

	"github.com/millrace/millrace/state"
)

// Record is one record of a changelog. A nil value deletes the key.
type Record struct {
	Key, Value []byte
}

// Log reads changelog topics, read_committed.
type Log interface {
	// Bounds returns the first offset that exists and the end: all transactions below it are decided. Once
	// a slot was taken over, its former owner's are too, so that this is the true end.
	Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error)
	// Read yields the committed records with from <= offset < end, in order, in batches, each with the position behind it. The
	// last call's next is at least end, although there may be no record at end-1: offsets have gaps. The bytes are valid
	// until yield returns; an error of yield ends the reading and is returned as it is.
	Read(ctx context.Context, topic string, partition int32, from, end int64, yield func(records []Record, next int64) error) error
}

// Collect appends the records of the running transaction of one of a task's stores, after Prepare. Their bytes are valid until the
// task's Commit or Abort.
func Collect(dst []Record, task *state.Task, spec int) []Record {
	task.Changes(spec, func(key, value []byte) bool {
		dst = append(dst, Record{key, value})
		return true
	})
	return dst
}
