package changelog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/state"
)

// NoPosition is the committed position of a task that has none: it never committed.
const NoPosition = -1

// The chunks in which a changelog is written to the durable store take at least minChunk and by default maxChunk of memory.
const minChunk, maxChunk = 1 << 20, 8 << 20

// Restore brings one partition of a store to the end of its changelog.
type Restore struct {
	Log     Log
	Durable state.Durable
	Spec    state.Spec
	Store   string // name in the durable store
	Topic   string
	// Partition of the topic and of the store.
	Partition int32
	// Committed is the changelog position that was committed with the input offsets, or NoPosition. A log that ends
	// before it has lost data; one that has records without it belongs to something else.
	Committed int64
	// DeleteRetention is the topic's delete.retention.ms. A position older than that cannot be trusted to see
	// all deletions.
	DeleteRetention time.Duration
	Now             func() time.Time
	// ChunkBytes is about the memory that may be used; 0: 8 MiB. Less than 1 MiB is not worth a sync.
	ChunkBytes int
	// Progress, if set, is called before the first record and after each batch, on the restoring goroutine. A restore that has
	// nothing to read does not call it.
	Progress func(Progress)
}

// Progress tells how far a restore is.
type Progress struct {
	Topic          string
	Partition      int32
	From, At, End  int64 // offsets
	Records, Bytes int64
	Rebuild        bool // from the start of the changelog
}

// Remaining is how many offsets are to be read.
func (p Progress) Remaining() int64 { return max(p.End-p.At, 0) }

// Done is the share of offsets that were read, 0 to 1.
func (p Progress) Done() float64 {
	if p.End <= p.From {
		return 1
	}
	return min(float64(p.At-p.From)/float64(p.End-p.From), 1)
}

// LostError says that a changelog ends before the position that was committed with the offsets. Going on would lose state.
type LostError struct {
	Topic          string
	Partition      int32
	End, Committed int64
}

func (e *LostError) Error() string {
	return fmt.Sprintf("changelog %s/%d ends at %d, but state was committed up to %d: the topic lost records or was made anew",
		e.Topic, e.Partition, e.End, e.Committed)
}

// ForeignError says that a changelog has records although the task never committed.
type ForeignError struct {
	Topic     string
	Partition int32
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("changelog %s/%d has records, but its task never committed: its slots record was lost, or the topic belongs to something else",
		e.Topic, e.Partition)
}

// Run restores and returns the position reached. The partition must not be in use. Whatever it is interrupted by, running it again is
// right: positions are written behind the chunks that they name.
func (r *Restore) Run(ctx context.Context) (int64, error) {
	position, err := r.run(ctx)
	if err != nil {
		return 0, fmt.Errorf("restore store %s from %s/%d: %w", r.Store, r.Topic, r.Partition, err)
	}
	return position, nil
}

func (r *Restore) run(ctx context.Context) (int64, error) {
	start, end, err := r.Log.Bounds(ctx, r.Topic, r.Partition)
	if err != nil {
		return 0, err
	}
	partition, err := r.Durable.Partition(r.Store, r.Partition)
	if err != nil {
		return 0, err
	}
	if r.Committed == NoPosition {
		if err := r.refuseRecords(ctx, start, end); err != nil {
			return 0, err
		}
	} else if end < r.Committed {
		return 0, &LostError{r.Topic, r.Partition, end, r.Committed}
	}
	c, err := OpenCopy(ctx, CopyConfig{
		Partition: partition, Spec: r.Spec, Start: start, End: end, DeleteRetention: r.DeleteRetention, Now: r.Now,
	})
	if err != nil {
		return 0, err
	}
	if c.At() == end {
		return end, nil // nothing to apply; of an empty changelog no position is worth a sync
	}
	err = r.follow(ctx, c, end)
	return c.At(), err
}

// follow applies the changelog up to end.
func (r *Restore) follow(ctx context.Context, c *Copy, end int64) error {
	limit := maxChunk
	if r.ChunkBytes > 0 {
		limit = max(r.ChunkBytes, minChunk)
	}
	progress := Progress{Topic: r.Topic, Partition: r.Partition, From: c.At(), End: end, Rebuild: c.Rebuilt}
	tell := func() {
		if progress.At = c.At(); r.Progress != nil {
			r.Progress(progress)
		}
	}
	tell()
	err := r.Log.Read(ctx, r.Topic, r.Partition, c.At(), end, func(records []Record, next int64) error {
		c.Add(records, next)
		for _, rec := range records {
			progress.Records++
			progress.Bytes += int64(len(rec.Key) + len(rec.Value))
		}
		tell()
		if c.Bytes() < limit {
			return nil
		}
		return Flush(ctx, r.Durable, c)
	})
	if err != nil {
		return err
	}
	c.Add(nil, max(c.At(), end))
	if !c.Waiting() {
		return nil // the ends of transactions alone are not worth a sync: the next start reads them again
	}
	return Flush(ctx, r.Durable, c)
}

var errRecord = errors.New("record")

// refuseRecords makes sure that a task which never committed has no changelog. Aborted transactions move its end all the same.
func (r *Restore) refuseRecords(ctx context.Context, start, end int64) error {
	if start == end {
		return nil
	}
	err := r.Log.Read(ctx, r.Topic, r.Partition, start, end, func(records []Record, _ int64) error {
		if len(records) > 0 {
			return errRecord
		}
		return nil
	})
	if errors.Is(err, errRecord) {
		return &ForeignError{r.Topic, r.Partition}
	}
	return err
}
