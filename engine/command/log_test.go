package command

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/engine/kafka"
)

// memory is a Transport without a broker.
type memory struct {
	values [][]byte
	ctx    error // of the last Append
	late   int   // how many reads do not find the record that was appended last
	// intrude stands for another server: it is called before a record is appended, whose append fails if it returns an error.
	intrude func() error
}

func (m *memory) Fence(context.Context) error { return nil }

func (m *memory) Append(ctx context.Context, value []byte) (int64, error) {
	m.ctx = ctx.Err()
	if m.intrude != nil {
		if err := m.intrude(); err != nil {
			return 0, err
		}
	}
	m.values = append(m.values, value)
	return int64(len(m.values)) - 1, nil
}

func (m *memory) Read(ctx context.Context, from int64, f func(int64, []byte) error) (int64, error) {
	if err := ctx.Err(); err != nil {
		return from, err
	}
	end := int64(len(m.values))
	if m.late > 0 {
		m.late--
		end--
	}
	for ; from < end; from++ {
		if err := f(from, m.values[from]); err != nil {
			return from, err
		}
	}
	return min(from, end), nil
}

// TestOwnCommand: it is applied once, after what others have written before it, and Submit returns when others can read it.
func TestOwnCommand(t *testing.T) {
	m := &memory{}
	var applied []string
	l := NewLog(m, func(_ context.Context, offset int64, c *Command) error {
		applied = append(applied, fmt.Sprint(offset, c.Text, m.late))
		return nil
	})
	submit := func(text string) {
		if _, err := l.Submit(t.Context(), func(int64) (*Command, error) { return &Command{Text: text}, nil }); err != nil || m.late != 0 {
			t.Errorf("%s: %v, not to be read for %d times", text, err, m.late)
		}
	}
	other, err := (&Command{Text: "b"}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m.intrude = func() error { m.late = 2; return nil }
	submit("a")
	m.intrude = func() error { m.values = append(m.values, other); return nil }
	submit("c")
	submit("e")
	if want := "[0a2 1b0 2c0 3b0 4e0]"; fmt.Sprint(applied) != want || l.Position() != 5 {
		t.Errorf("applied %v, not %s, up to %d", applied, want, l.Position())
	}
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

// TestInterruptedTurn: a turn that another server ends before anything was written is taken again, on what that server defined.
func TestInterruptedTurn(t *testing.T) {
	m := &memory{}
	l := NewLog(m, func(context.Context, int64, *Command) error { return nil })
	drop := &Command{Changes: []Change{{Kind: DropSource, Name: "S"}}}
	other, err := drop.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	left := 3
	m.intrude = func() error {
		if left--; left < 0 {
			return nil
		}
		m.values = append(m.values, other)
		return fmt.Errorf("produce: %w", kafka.ErrFenced)
	}
	var seen []int64
	seq, err := l.Submit(t.Context(), func(seq int64) (*Command, error) {
		seen = append(seen, seq)
		return drop, nil
	})
	if err != nil || seq != 3 || fmt.Sprint(seen) != "[0 1 2 3]" || len(m.values) != 4 {
		t.Errorf("submit: seq %d, turns %v, %d commands, %v", seq, seen, len(m.values), err)
	}
}

// TestTurnThatIsNotTakenAgain: where the record may have been written, it is not written again; and nobody tries for ever.
func TestTurnThatIsNotTakenAgain(t *testing.T) {
	drop := &Command{Changes: []Change{{Kind: DropSource, Name: "S"}}}
	for _, c := range []struct {
		err       error
		turns     int
		uncertain bool
	}{
		{kafka.ErrUnknownOutcome, 1, true},
		{errors.Join(kafka.ErrFenced, kafka.ErrUnknownOutcome), 1, true},
		{kafka.ErrFatal, 1, true},
		{kafka.ErrFenced, maxTurns, false},
	} {
		m, turns := &memory{}, 0
		m.intrude = func() error { return c.err }
		l := NewLog(m, func(context.Context, int64, *Command) error { return nil })
		_, err := l.Submit(t.Context(), func(int64) (*Command, error) {
			turns++
			return drop, nil
		})
		if turns != c.turns || errors.Is(err, ErrUncertain) != c.uncertain || !errors.Is(err, c.err) {
			t.Errorf("%v: %d turns, %v", c.err, turns, err)
		}
	}
}
