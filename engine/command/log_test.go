package command

import (
	"context"
	"testing"
)

// memory is a Transport without a broker.
type memory struct {
	values [][]byte
	ctx    error // of the last Append
}

func (m *memory) Fence(context.Context) error { return nil }

func (m *memory) Append(ctx context.Context, value []byte) error {
	m.ctx = ctx.Err()
	m.values = append(m.values, value)
	return nil
}

func (m *memory) Read(ctx context.Context, from int64, f func(int64, []byte) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return from, err
	}
	for ; from < int64(len(m.values)); from++ {
		if err := f(from, m.values[from]); err != nil {
			return from, err
		}
	}
	return from, nil
}

// TestSubmitterGoesAway: a client that hangs up in the middle of its statement must not stop the log for everybody.
func TestSubmitterGoesAway(t *testing.T) {
	m, applied := &memory{}, 0
	l := NewLog(m, func(ctx context.Context, _ int64, _ *Command) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		applied++
		return nil
	})
	drop := &Command{Changes: []Change{{Kind: DropSource, Name: "S"}}}
	ctx, hangUp := context.WithCancel(t.Context())
	_, err := l.Submit(ctx, func(int64) (*Command, error) {
		hangUp()
		return drop, nil
	})
	if err != nil || m.ctx != nil {
		t.Errorf("submit: %v, append saw %v", err, m.ctx)
	}
	if _, err := l.Submit(t.Context(), func(int64) (*Command, error) { return drop, nil }); err != nil {
		t.Errorf("the next statement: %v", err)
	}
	if applied != 2 || l.Err() != nil {
		t.Errorf("%d commands applied, log: %v", applied, l.Err())
	}
}
