package changelog

import (
	"context"
	"time"

	"github.com/millrace/millrace/state"
)

// CopyConfig says what a copy is of. Start and End are the bounds of the changelog, see [Log].
type CopyConfig struct {
	Partition  state.Partition
	Spec       state.Spec
	Start, End int64
	// DeleteRetention is the topic's delete.retention.ms. A position older than that cannot be trusted to see
	// all deletions.
	DeleteRetention time.Duration
	Now             func() time.Time
}

// Copy brings what a changelog says into one partition of a durable store, chunk by chunk: a restore does so up to an end, a standby for as
// long as the store is another server's. It belongs to one goroutine, and nobody else writes to the partition.
type Copy struct {
	// Rebuilt says that what the store held could not be used: the copy begins at the start of the changelog.
	Rebuilt bool

	c       CopyConfig
	chunk   *state.Chunk
	at      int64 // the next offset to add
	flushed int64 // the position on disk, if there is one
	stamped time.Time
	opened  time.Time
	seen    time.Time // when it last had all that there was, or began anew
}

// OpenCopy finds where the store stands in its changelog, and empties it if it must be rebuilt.
func OpenCopy(ctx context.Context, cfg CopyConfig) (*Copy, error) {
	have, ok, err := cfg.Partition.Position()
	if err != nil {
		return nil, err
	}
	c := &Copy{c: cfg, chunk: state.NewChunk(), at: have.Offset, flushed: have.Offset, stamped: have.Time, opened: cfg.Now(), seen: have.Time}
	if !ok || c.distrust(have) {
		if err := cfg.Partition.Clear(ctx); err != nil {
			return nil, err
		}
		c.at, c.flushed, c.stamped, c.seen, c.Rebuilt = cfg.Start, cfg.Start, time.Time{}, c.opened, true
	}
	c.Add(nil, c.at)
	return c, nil
}

// distrust says whether the store must be rebuilt: its position lies outside the log, or deletions behind it may be gone.
func (c *Copy) distrust(have state.Position) bool {
	switch {
	case have.Offset < c.c.Start, have.Offset > c.c.End:
		return true
	case have.Offset == c.c.End:
		return false // nothing happened since, however long ago
	}
	return c.opened.Sub(have.Time) > c.c.DeleteRetention
}

// Add takes records and the position behind them, which a flush will write.
func (c *Copy) Add(records []Record, next int64) {
	for _, rec := range records {
		c.chunk.Set(rec.Key, rec.Value)
		if derived := c.c.Spec.Derive(rec.Key); derived != nil {
			var mark []byte
			if rec.Value != nil {
				mark = []byte{}
			}
			c.chunk.Set(derived, mark)
		}
	}
	if c.at = next; c.at >= c.c.End && c.seen.Before(c.opened) {
		c.seen = c.opened
	}
}

// Current says that nothing follows At by now.
func (c *Copy) Current() { c.seen = c.c.Now() }

// Seen is when the copy last had all that there was, or began anew. That is the time of its position on disk, and not the one when it was written:
// a deletion that the copy has yet to read may be as old, however far it has come since.
func (c *Copy) Seen() time.Time { return c.seen }

// Expired says that the copy must be opened again, which rebuilds it: deletions that it has yet to read may be gone.
func (c *Copy) Expired() bool { return c.c.Now().Sub(c.seen) > c.c.DeleteRetention }

// At is the next offset to add.
func (c *Copy) At() int64 { return c.at }

// Bytes is the memory of what was added and not flushed.
func (c *Copy) Bytes() int { return c.chunk.Bytes() }

// Waiting says that records were added which are not on disk.
func (c *Copy) Waiting() bool { return c.chunk.Len() > 0 }

// Moved says that a flush would move the position on disk.
func (c *Copy) Moved() bool { return c.at != c.flushed }

// Stamped is the wall time of the position on disk; zero if there is none.
func (c *Copy) Stamped() time.Time { return c.stamped }

// Flush writes what was added to copies, and their positions, with one sync. After an error it may be called again.
func Flush(ctx context.Context, to state.Durable, copies ...*Copy) error {
	items := make([]state.FlushItem, 0, len(copies))
	for _, c := range copies {
		items = append(items, state.FlushItem{
			Partition: c.c.Partition, Entries: c.chunk.Entries(), Position: state.Position{Offset: c.at, Time: c.seen},
		})
	}
	if err := to.Flush(ctx, items); err != nil {
		return err
	}
	for i, c := range copies {
		c.chunk.Reset()
		c.flushed, c.stamped = c.at, items[i].Position.Time
	}
	return nil
}
