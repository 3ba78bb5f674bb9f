package engine

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/sql/types"
)

// A query is ahead of its client by so many batches and about so many bytes at most, or by one batch if that is larger. Then it waits, and so does
// its fetching; nobody else does, since what it fetches and holds is its own.
const (
	backlogBatches = 16
	backlogBytes   = 1 << 20
)

// pushPatience is how long a push query waits for its client to take a batch. It is shorter than the server waits for a write, so that a
// client which comes back in between reads why its query has ended.
const pushPatience = 20 * time.Second

// backlog is what a query has made and its client has not taken. One goroutine puts, one takes.
type backlog struct {
	batches  chan pending
	bytes    atomic.Int64  // of all that wait
	freed    chan struct{} // capacity 1: something was taken
	patience time.Duration // of put; 0: without end
}

// pending is a batch that waits.
type pending struct {
	rows []ResultRow
	size int64
}

func newBacklog() *backlog {
	return &backlog{batches: make(chan pending, backlogBatches), freed: make(chan struct{}, 1)}
}

// put waits until there is room.
func (b *backlog) put(ctx context.Context, rows []ResultRow) error {
	p := pending{rows, int64(sizeOfRows(rows))}
	var late <-chan time.Time
	if b.patience > 0 {
		t := time.NewTimer(b.patience)
		defer t.Stop()
		late = t.C
	}
	for n := b.bytes.Load(); n > 0 && n+p.size > backlogBytes; n = b.bytes.Load() {
		select {
		case <-b.freed:
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return b.slow()
		}
	}
	b.bytes.Add(p.size)
	select {
	case b.batches <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return b.slow()
	}
}

func (b *backlog) slow() error {
	return &StatementError{Code: CodeSlowClient, Message: fmt.Sprintf(
		"the client reads too slowly: it has taken nothing for %s while %d bytes of results wait, so its query was ended", b.patience, b.bytes.Load())}
}

// take waits for rows; io.EOF says that there are none any more.
func (b *backlog) take(ctx context.Context) ([]ResultRow, error) {
	select {
	case p, ok := <-b.batches:
		if !ok {
			return nil, io.EOF
		}
		b.bytes.Add(-p.size)
		select {
		case b.freed <- struct{}{}:
		default:
		}
		return p.rows, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// valueBytes is about what a value takes beside its text.
const valueBytes = 24

func sizeOfRows(rows []ResultRow) int {
	n := 0
	for i := range rows {
		n += valueBytes
		for _, v := range rows[i].Values {
			n += sizeOfValue(v)
		}
	}
	return n
}

// sizeOfValue is about the memory of a boxed value.
func sizeOfValue(v any) int {
	n := valueBytes
	switch v := v.(type) {
	case string:
		n += len(v)
	case []byte:
		n += len(v)
	case []any:
		for _, e := range v {
			n += sizeOfValue(e)
		}
	case types.Map:
		for _, e := range v {
			n += sizeOfValue(e.Key) + sizeOfValue(e.Value)
		}
	}
	return n
}
