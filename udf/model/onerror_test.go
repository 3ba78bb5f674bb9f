package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// choosy scores 10 times its input, and fails for negative ones.
type choosy struct {
	calls int
	away  bool
	twins bool // it has two outputs
}

func (c *choosy) Signature() Signature {
	s := Signature{
		Inputs:  []Tensor{{Name: "x", Type: Float32, Shape: []int64{-1, 1}}},
		Outputs: []Tensor{{Name: "y", Type: Float64, Shape: []int64{-1, 1}}},
	}
	if c.twins {
		s.Outputs = append(s.Outputs, Tensor{Name: "z", Type: String, Shape: []int64{-1, 2}})
	}
	return s
}

func (c *choosy) Score(_ context.Context, in []Column, rows int, out []Column) error {
	c.calls++
	if c.away {
		return fmt.Errorf("asking: %w", ErrUnavailable)
	}
	out[0].Resize(Float64, rows)
	if c.twins {
		out[1].Resize(String, 2*rows)
	}
	for i, x := range in[0].Float32[:rows] {
		if x < 0 {
			return errors.New("negative")
		}
		out[0].Float64[i] = 10 * float64(x)
		if c.twins {
			out[1].String[2*i], out[1].String[2*i+1] = fmt.Sprint(x), "and"
		}
	}
	return nil
}

func (*choosy) Close() error { return nil }

// scores binds and scores x, and returns the results with nil for NULL.
func scores(t *testing.T, c *choosy, policy string, x []float64) ([]any, error) {
	t.Helper()
	o, err := ParseOnError(policy)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Over(c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bind("m", s, []*types.Type{types.Double})
	if err != nil {
		t.Fatal(err)
	}
	arg, out := vector.New(types.Double), vector.New(b.Result)
	arg.F64 = x
	if err := b.Score(t.Context(), []*vector.Vector{arg}, len(x), nil, out); err != nil {
		return nil, err
	}
	var list []any
	for i := range x {
		list = append(list, out.Value(i))
	}
	return list, nil
}

// TestOnError: rows that cannot be scored become what the policy says, and the others have their scores, wherever they stand.
func TestOnError(t *testing.T) {
	if _, err := scores(t, &choosy{}, "FAIL", []float64{1, -1}); err == nil {
		t.Error("FAIL did not")
	}
	for _, x := range [][]float64{{1}, {-1}, {1, 2, 3, -1}, {-1, 2, -3, 4, 5, -6, 7}, {-1, -2, -3}} {
		for policy, missing := range map[string]any{"NULL": nil, "DEFAULT 0.5": 0.5} {
			got, err := scores(t, &choosy{}, policy, x)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range x {
				want := any(10 * v)
				if v < 0 {
					want = missing
				}
				if got[i] != want {
					t.Errorf("%s of %v: row %d is %v, not %v", policy, x, i, got[i], want)
				}
			}
		}
	}
	got, err := scores(t, &choosy{twins: true}, "NULL", []float64{-1, 2, -3, 4})
	if err != nil || got[0] != nil || got[2] != nil || fmt.Sprint(got[1], got[3]) != "[20 [2 and]] [40 [4 and]]" {
		t.Errorf("several outputs: %v, %v", got, err)
	}
}

// TestOnErrorAway: of a server that does not answer nobody asks again row by row.
func TestOnErrorAway(t *testing.T) {
	c := &choosy{away: true}
	got, err := scores(t, c, "NULL", make([]float64, 100))
	if err != nil || slices.ContainsFunc(got, func(v any) bool { return v != nil }) || c.calls != 1 {
		t.Errorf("%d calls gave %v, %v", c.calls, got, err)
	}
}

// TestOnErrorGivenUp: who asks no longer gets the error, not NULLs that would be committed.
func TestOnErrorGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := OnError{Null: true}.Over(&choosy{away: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.(*tolerant).try(ctx, []Column{{Float32: []float32{1}}}, 1, make([]Column, 1)); err == nil {
		t.Error("a call that was given up has a result")
	}
}

func TestParseOnError(t *testing.T) {
	for _, text := range []string{"FAIL", "NULL", "DEFAULT -1", "DEFAULT a b"} {
		o, err := ParseOnError(text)
		if err != nil || o.String() != text {
			t.Errorf("%s: %s, %v", text, o, err)
		}
	}
	for _, text := range []string{"DEFAULT", "NULL 1", "STOP"} {
		if _, err := ParseOnError(text); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
	for value, twins := range map[string]bool{"many": false, "1": true} {
		if _, err := (OnError{Value: &value}).Over(&choosy{twins: twins}); err == nil {
			t.Errorf("DEFAULT %s was accepted for a model of two outputs (%v)", value, twins)
		}
	}
}
