// Package operator holds the operators that a task runs: one file each, chained by pushing batches.
//
// An operator is built with the operator behind it and pushes what it makes there. Inside a task every row is passed on; only
// where rows leave the task, and in aggregates that nothing in the task looks into, updates of one key may be coalesced
// until the commit (see Env.Exact).
//
// # Tables
//
// The rows of a table are changes. An operator that was asked for old values (topology.WantsOld) tells a change as
//
//	Insert                     there was no row of the key
//	UpdateBefore, UpdateAfter  adjacent; the old row and the new one
//	Delete                     carries the old row; or only the key, and then its NullValue bit is set
//
// and without being asked an update may be an UpdateAfter alone. Readers that do not care for old values skip
// UpdateBefore. Both rows of an update have the timestamp of the change.
package operator

import (
	"log/slog"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Operator takes batches. The task's goroutine is the only caller; the same calls in the same order give the same
// results, since no operator has a clock, a goroutine or randomness.
type Operator interface {
	// Process takes the rows of a batch that are selected, in order. The batch belongs to the operator until it returns; it
	// may change Sel. An error fails the task: what is wrong with single rows goes to the Log instead.
	Process(b *vector.Batch) error
}

// Stateful is what an Operator is too that keeps something between batches. All calls come from the task's goroutine.
type Stateful interface {
	// Flush writes everything kept in memory to the stores and pushes the rows held back. The task calls it once per
	// commit, upstream operators first; when all have returned the transaction is complete.
	Flush() error
	// Reset forgets what is kept in memory, after the stores went back to an earlier commit.
	Reset()
	// Marks are the operator's times and counters (stream time first), which are committed beside the input positions; nil if
	// it has none. SetMarks, called before the first batch and after Reset, restores them.
	Marks() []int64
	SetMarks(marks []int64)
}

// Holder is what a Stateful is too that keeps in memory what its stores hold as well.
type Holder interface {
	// HeldBytes is about how much that is. The task's goroutine calls it once a turn.
	HeldBytes() int
	// Release writes what is changed, as Flush does, and forgets all of it: it is read back when it is needed.
	Release() error
}

// Kind tells what went wrong with a row, as the processing log names it.
type Kind string

// The kinds of error a row can have.
const (
	Deserialization  Kind = "deserialization"
	RecordProcessing Kind = "record processing"
	Serialization    Kind = "serialization"
)

// Entry is one entry of the processing log: a row that was left out, or a column that became NULL.
type Entry struct {
	Kind      Kind
	Node      string // id of the plan node
	Topic     string // where the row came from, as far as known
	Partition int32
	Offset    int64  // -1 if unknown
	Target    string // "key" or "value", of what could not be (de)serialised
	Message   string
	Err       error
	Payload   []byte // the bytes that could not be read; they live until Log returns

	// Batch and Row are the row that could not be processed, until Log returns; Batch is nil where there is none yet.
	Batch *vector.Batch
	Row   int
}

// Log takes the processing log's entries. It is called on the task's goroutine and must not block.
type Log interface{ Log(e Entry) }

// SlogLog writes entries to a logger at level Warn. It is what a task uses where there is no processing log.
type SlogLog struct{ Logger *slog.Logger }

// Log implements Log.
func (l SlogLog) Log(e Entry) {
	l.Logger.Warn(e.Message, "kind", string(e.Kind), "node", e.Node, "topic", e.Topic, "partition", e.Partition, "offset", e.Offset, "error", e.Err)
}

// Counters count what a task does, for metrics. Only the task's goroutine writes them.
type Counters struct {
	RowsIn, RowsOut int64
	BadRows         int64 // rows that the processing log was told of and that went no further
	DeadLetters     int64 // records written to a dead-letter topic
	LateRows        int64 // rows dropped since their window had closed
}

// positions returns the positions of the columns that have the role.
func positions(cols []plan.OutColumn, role plan.Role) []int {
	var at []int
	for i := range cols {
		if cols[i].Role == role {
			at = append(at, i)
		}
	}
	return at
}

// newVectors returns an empty vector for each column.
func newVectors(cols []plan.OutColumn) []*vector.Vector {
	vs := make([]*vector.Vector, len(cols))
	for i := range cols {
		vs[i] = vector.New(cols[i].Type)
	}
	return vs
}

// reset empties a batch that an operator fills, keeping its buffers. Bitmaps are cleared to their full length.
func reset(b *vector.Batch) {
	b.N, b.Sel, b.Ops = 0, nil, b.Ops[:0]
	b.Time, b.Offset = b.Time[:0], b.Offset[:0]
	clear(b.NullKey)
	clear(b.NullValue)
	b.Headers = nil
	for _, v := range b.Cols {
		v.Reset()
	}
}

// headersOf is the row's headers, or nil.
func headersOf(b *vector.Batch, row int) []vector.Header {
	if b.Headers == nil {
		return nil
	}
	return b.Headers[row]
}
