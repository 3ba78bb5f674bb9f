package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state/changelog"
)

// changelogs reads changelog topics for restores; it implements [changelog.Log]. It belongs to one goroutine.
type changelogs struct {
	broker Broker
	reader Reader
	buf    []changelog.Record
}

func newLog(b Broker) *changelogs { return &changelogs{broker: b, reader: b.NewReader()} }

func (l *changelogs) close() { l.reader.Close() }

// markers is how long the end of a transaction is waited for before it is looked for again.
const markers = 10 * time.Millisecond

// restore runs a restore. A task may begin again as soon as its transaction has ended, as when its query is restarted, and that is before the
// broker has told the partitions so: until then the changelog seems to end before what was committed, and nothing is lost.
func (l *changelogs) restore(ctx context.Context, r *changelog.Restore) (at int64, err error) {
	for {
		at, err = r.Run(ctx)
		var lost *changelog.LostError
		if !errors.As(err, &lost) {
			return at, err
		}
		last, offsetErr := l.broker.Offset(ctx, r.Topic, r.Partition, kafka.Latest)
		if offsetErr != nil {
			return at, offsetErr
		}
		if last < lost.Committed {
			return at, err
		}
		select {
		case <-time.After(markers):
		case <-ctx.Done():
			return at, context.Cause(ctx)
		}
	}
}

// Bounds implements [changelog.Log].
func (l *changelogs) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	return l.reader.Bounds(ctx, topic, partition)
}

// Read implements [changelog.Log].
func (l *changelogs) Read(
	ctx context.Context, topic string, partition int32, from, end int64, yield func([]changelog.Record, int64) error,
) error {
	for b, err := range l.reader.Range(ctx, topic, partition, from, end) {
		if err != nil {
			return err
		}
		l.buf = l.buf[:0]
		for i := range b.Records {
			l.buf = append(l.buf, changelog.Record{Key: b.Records[i].Key, Value: b.Records[i].Value})
		}
		if err := yield(l.buf, b.Next); err != nil {
			return err
		}
	}
	return nil
}
