package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Transport is the topic behind a Log; engine/kafka provides it.
type Transport interface {
	// Fence takes the writer's transactional id over: an older writer's open append is decided when it returns.
	Fence(ctx context.Context) error
	// Append writes one record in a transaction of its own, and returns its offset once it is committed; Read may find it a moment later. Fence came
	// before, in the same turn. An error that is kafka.ErrFenced and not kafka.ErrUnknownOutcome says that another writer came between, and that the
	// record will never be read.
	Append(ctx context.Context, value []byte) (offset int64, err error)
	// Read calls f for every committed record from the position on, up to the end as of the call, and returns the
	// position behind it; the end, where that is before the position.
	Read(ctx context.Context, from int64, f func(offset int64, value []byte) error) (next int64, err error)
}

// Applier takes commands in order: on start, from other servers, and its own after they were appended. It is called with
// the log's lock held, never from two goroutines. An error stops the log: see Log.CatchUp.
type Applier func(ctx context.Context, offset int64, c *Command) error

// Log reads and writes the command log of one server. Safe for concurrent use; one statement at a time is in its turn.
type Log struct {
	mu     sync.Mutex // held for a whole turn
	t      Transport
	apply  Applier
	next   int64
	failed error

	reached atomic.Int64 // everything below was applied; any goroutine may ask
	stopped atomic.Bool
	hurry   chan struct{} // capacity 1
}

// NewLog returns a log that has read nothing yet.
func NewLog(t Transport, apply Applier) *Log {
	return &Log{t: t, apply: apply, hurry: make(chan struct{}, 1)}
}

// CatchUp applies all that was committed since the last call. After a command that could not be read or applied the log
// stays at it and returns the same error always: going on would give this server other definitions than the rest.
func (l *Log) CatchUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.catchUp(ctx)
	return err
}

// catchUp returns where what is committed ends for those who read.
func (l *Log) catchUp(ctx context.Context) (end int64, err error) {
	if l.failed != nil {
		return 0, l.failed
	}
	end, err = l.t.Read(ctx, l.next, func(offset int64, value []byte) error { return l.take(ctx, offset, value) })
	if err != nil {
		return 0, fmt.Errorf("read command log: %w", err)
	}
	l.next = max(l.next, end)
	l.reached.Store(l.next)
	return end, nil
}

// take applies the next command.
func (l *Log) take(ctx context.Context, offset int64, value []byte) error {
	c, err := Unmarshal(value)
	if err == nil {
		// Whoever asked may go away; the command was made all the same, and half applied it would stop the log for good.
		err = l.apply(context.WithoutCancel(ctx), offset, c)
	}
	if err != nil {
		l.failed = fmt.Errorf("%w at offset %d: %w", ErrStopped, offset, err)
		l.stopped.Store(true)
		return l.failed
	}
	l.next = offset + 1
	l.reached.Store(l.next)
	return nil
}

// ErrStopped is what a log returns for good after a command that it could not read or apply.
var ErrStopped = errors.New("command log stopped")

// ErrNothing is returned by a build function that finds its statement already fulfilled (IF NOT EXISTS): nothing is
// appended and Submit returns it.
var ErrNothing = errors.New("nothing to do")

// ErrUncertain says that the command may or may not have been written; the log itself stays consistent.
var ErrUncertain = errors.New("the outcome is uncertain, look at the definitions before trying again")

// effectPatience is how long Submit waits for a command that it appends, also when its caller does not.
const effectPatience = time.Minute

// maxTurns is how often Submit begins anew after another server took the log from it. Each time that server's statement went
// through, so that only more servers than this, all writing at once, can make one fail.
const maxTurns = 20

// Submit takes a turn: it fences other writers, catches up, has build check the statement against what is now defined, and
// appends what build returns. Seq is the number that the command will have or exceed; ids of queries are made of it. When
// Submit returns nil the command is durable and has been applied here. Where another server interrupts the turn before anything was
// written, there is another turn, and build is called again: only its last call counts.
func (l *Log) Submit(ctx context.Context, build func(seq int64) (*Command, error)) (seq int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for turn := 1; ; turn++ {
		seq, err := l.turn(ctx, build)
		if !errors.Is(err, errInterrupted) {
			return seq, err
		}
		if turn == maxTurns {
			return 0, fmt.Errorf("the command was not written, try again: %w", err)
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		case <-time.After(rand.N(time.Duration(turn) * 5 * time.Millisecond)): // the servers must not keep interrupting each other
		}
	}
}

// errInterrupted says that another server took the log over, and that nothing was written in this turn.
var errInterrupted = errors.New("other servers are writing to the command log")

func (l *Log) turn(ctx context.Context, build func(seq int64) (*Command, error)) (seq int64, err error) {
	if err := l.t.Fence(ctx); err != nil {
		return 0, fmt.Errorf("take the command log: %w", err)
	}
	if _, err := l.catchUp(ctx); err != nil {
		return 0, err
	}
	seq = l.next
	c, err := build(seq)
	if err != nil {
		return 0, err
	}
	b, err := c.Marshal()
	if err != nil {
		return 0, err
	}
	effect, cancel := context.WithTimeout(context.WithoutCancel(ctx), effectPatience)
	defer cancel()
	offset, err := l.t.Append(effect, b)
	switch {
	case errors.Is(err, kafka.ErrFenced) && !errors.Is(err, kafka.ErrUnknownOutcome):
		// Whoever took the id over had our open transaction aborted.
		return 0, fmt.Errorf("append to the command log: %w: %w", errInterrupted, err)
	case err != nil:
		return 0, fmt.Errorf("append to the command log: %w: %w", ErrUncertain, err)
	}
	return seq, l.takeEffect(effect, offset, b)
}

// takeEffect applies our own record, and waits until others can read it: the commit's marker may still be on its way to the partition. We need
// not wait for that: what we have read ends where our record begins, since nobody has written in between. Should there be something, it is read.
func (l *Log) takeEffect(ctx context.Context, offset int64, value []byte) error {
	if l.next == offset {
		if err := l.take(ctx, offset, value); err != nil {
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		}
	}
	for {
		end, err := l.catchUp(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		}
		if end > offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the command to take effect: %w: %w", ErrUncertain, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// Hold runs f while no statement has its turn and none of this server's appends is under way.
func (l *Log) Hold(f func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f()
}

// Err is why the log stopped, or nil.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Reached is an offset below which everything was applied, and whether the log has stopped for good. Unlike Position it waits for no statement that has
// its turn.
func (l *Log) Reached() (offset int64, stopped bool) { return l.reached.Load(), l.stopped.Load() }

// Hurry asks whoever reads on from time to time to do it at once: Hurried has a value then.
func (l *Log) Hurry() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

// Hurried is what Hurry sends to.
func (l *Log) Hurried() <-chan struct{} { return l.hurry }

// Position is the offset of the next command to apply.
func (l *Log) Position() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}
