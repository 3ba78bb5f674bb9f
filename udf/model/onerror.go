package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// MaxWait bounds how long a batch may be scored by a model that is elsewhere, with all repetitions: the other queries of the task's slot wait
// meanwhile, and a slot that is taken away has twenty seconds to commit.
const MaxWait = 10 * time.Second

// OnErrorProperty is the property of a model that ParseOnError reads.
const OnErrorProperty = "ON_ERROR"

// OnError says what becomes of rows that a model cannot score: the query fails (the zero value), their score is NULL, or it is a value.
type OnError struct {
	Null  bool
	Value *string // instead of NULL
}

// ParseOnError reads FAIL, NULL or DEFAULT value.
func ParseOnError(text string) (OnError, error) {
	word, value, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch word = strings.ToUpper(word); {
	case word == "DEFAULT" && value != "":
		return OnError{Value: &value}, nil
	case value != "":
	case word == "FAIL" || word == "":
		return OnError{}, nil
	case word == "NULL":
		return OnError{Null: true}, nil
	}
	return OnError{}, fmt.Errorf("ON_ERROR is 'FAIL', 'NULL' or 'DEFAULT value', not %q", text)
}

// String is what ParseOnError reads.
func (o OnError) String() string {
	switch {
	case o.Value != nil:
		return "DEFAULT " + *o.Value
	case o.Null:
		return "NULL"
	}
	return "FAIL"
}

// Over returns a scorer that does with rows that cannot be scored what o says, and closes s if that is not possible.
func (o OnError) Over(s Scorer) (Scorer, error) {
	if o == (OnError{}) {
		return s, nil
	}
	t := &tolerant{Scorer: s, policy: o}
	if o.Value == nil {
		return t, nil
	}
	outputs := s.Signature().Outputs
	if len(outputs) != 1 || outputs[0].Width() != 1 || outputs[0].Keys != nil {
		return nil, errors.Join(errors.New("ON_ERROR='DEFAULT value' needs a model with one output of one element a row: take 'NULL'"), s.Close())
	}
	t.value.Resize(outputs[0].Type, 1)
	if err := t.value.parse(outputs[0].Type, *o.Value); err != nil {
		return nil, errors.Join(fmt.Errorf("ON_ERROR: %q is not a value of the output %s", *o.Value, outputs[0]), s.Close())
	}
	return t, nil
}

// parse sets the first element.
func (c *Column) parse(t ElemType, text string) (err error) {
	switch t {
	case Float32:
		var f float64
		f, err = strconv.ParseFloat(text, 32)
		c.Float32[0] = float32(f)
	case Float64:
		c.Float64[0], err = strconv.ParseFloat(text, 64)
	case Int64, Int32:
		c.Int64[0], err = strconv.ParseInt(text, 10, 64)
	case Bool:
		c.Bool[0], err = strconv.ParseBool(strings.ToLower(text))
	case String:
		c.String[0] = text
	}
	return err
}

// Tolerant is implemented by scorers that Over returns.
type Tolerant interface {
	// Failed counts the rows that could not be scored.
	Failed() int64
	// Unwrap returns the scorer below.
	Unwrap() Scorer
}

// tolerant is a scorer of which some rows may fail. Score fails as the scorer does; try does not.
type tolerant struct {
	Scorer
	policy OnError
	value  Column // one element
	failed atomic.Int64
}

// Unwrap implements Tolerant.
func (t *tolerant) Unwrap() Scorer { return t.Scorer }

// Failed implements Tolerant.
func (t *tolerant) Failed() int64 { return t.failed.Load() }

// Facts implements Described.
func (t *tolerant) Facts() []Fact {
	var facts []Fact
	if d, ok := t.Scorer.(Described); ok {
		facts = d.Facts()
	}
	return append(facts, Fact{"on error", t.policy.String()})
}

// try scores rows and returns those that are NULL, ascending. An error that says nothing of the rows is one of all of them; with any other
// one the rows are halved until those are found that cannot be scored, or MaxWait is over: the others go on.
func (t *tolerant) try(asked context.Context, in []Column, rows int, out []Column) ([]int32, error) {
	ctx, cancel := context.WithTimeout(asked, MaxWait)
	defer cancel()
	err := t.Score(ctx, in, rows, out)
	if err == nil {
		return nil, nil
	}
	var failed []int32
	sig := t.Signature()
	var halve func(lo, hi int, err error) error
	halve = func(lo, hi int, err error) error {
		if asked.Err() != nil {
			return err
		}
		if hi-lo == 1 || ctx.Err() != nil || errors.Is(err, ErrUnavailable) {
			for r := lo; r < hi; r++ {
				failed = append(failed, int32(r))
			}
			return nil
		}
		mid := (lo + hi) / 2
		for _, half := range [][2]int{{lo, mid}, {mid, hi}} {
			err := t.Score(ctx, sliced(sig.Inputs, in, half), half[1]-half[0], sliced(sig.Outputs, out, half))
			if err == nil {
				continue
			}
			if err := halve(half[0], half[1], err); err != nil {
				return err
			}
		}
		return nil
	}
	for i, o := range sig.Outputs {
		out[i].Resize(o.Type, rows*o.Width())
	}
	if err := halve(0, rows, err); err != nil {
		return nil, err
	}
	t.failed.Add(int64(len(failed)))
	if t.policy.Null {
		return failed, nil
	}
	for _, r := range failed {
		out[0].copyRows(sig.Outputs[0].Type, int(r), &t.value, 0, 1)
	}
	return nil, nil
}

// sliced are the rows of columns from half[0] to half[1]. They share the memory, and cannot grow into what follows.
func sliced(tensors []Tensor, columns []Column, half [2]int) []Column {
	part := make([]Column, len(columns))
	for i, t := range tensors {
		lo, hi := half[0]*t.Width(), half[1]*t.Width()
		c := &columns[i]
		switch t.Type {
		case Float32:
			part[i].Float32 = c.Float32[lo:hi:hi]
		case Float64:
			part[i].Float64 = c.Float64[lo:hi:hi]
		case Int64, Int32:
			part[i].Int64 = c.Int64[lo:hi:hi]
		case Bool:
			part[i].Bool = c.Bool[lo:hi:hi]
		case String:
			part[i].String = c.String[lo:hi:hi]
		}
	}
	return part
}

// copyRows sets n elements from at on to those of another column.
func (c *Column) copyRows(t ElemType, at int, from *Column, first, n int) {
	switch t {
	case Float32:
		copy(c.Float32[at:at+n], from.Float32[first:])
	case Float64:
		copy(c.Float64[at:at+n], from.Float64[first:])
	case Int64, Int32:
		copy(c.Int64[at:at+n], from.Int64[first:])
	case Bool:
		copy(c.Bool[at:at+n], from.Bool[first:])
	case String:
		copy(c.String[at:at+n], from.String[first:])
	}
}

// ask scores the rows of the call. Rows that are NULL since they cannot be scored are none of its rows any more.
func (b *Binding) ask(ctx context.Context) error {
	s, t := &b.scratch, b.tolerant
	if t == nil {
		return b.scorer.Score(ctx, s.in, len(s.rows), s.out)
	}
	failed, err := t.try(ctx, s.in, len(s.rows), s.out)
	if err != nil || len(failed) == 0 {
		return err
	}
	sig := t.Signature()
	kept := slices.Grow(s.own[:0], len(s.rows))
	for i, r := range s.rows {
		if _, gone := slices.BinarySearch(failed, int32(i)); gone {
			continue
		}
		move(sig.Inputs, s.in, len(kept), i)
		move(sig.Outputs, s.out, len(kept), i)
		kept = append(kept, r)
	}
	s.rows, s.own = kept, kept
	return nil
}

// move sets row to of columns to another row's elements.
func move(tensors []Tensor, columns []Column, to, from int) {
	for k, t := range tensors {
		w := t.Width()
		columns[k].copyRows(t.Type, to*w, &columns[k], from*w, w)
	}
}
