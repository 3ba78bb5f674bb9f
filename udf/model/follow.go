package model

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/millrace/millrace/sql/vector"
)

// Rows are what is scored: N elements, each of which is a row of a batch or, inside a lambda, part of the batch's row Row.
type Rows struct {
	Batch  *vector.Batch
	N      int
	Lambda bool
	Row    int
}

// row is the row of the batch that element i belongs to.
func (r Rows) row(i int32) int {
	if r.Lambda {
		return r.Row
	}
	return int(i)
}

// Score scores the selected elements, each by its version, and then lets the shadows score them. The contract is that of
// Binding.Score.
func (f *Follower) Score(b Rows, args []*vector.Vector, sel []int32, out *vector.Vector) error {
	if err := f.refresh(); err != nil {
		return err
	}
	if err := f.scoreAll(b, args, sel, out); err != nil {
		return err
	}
	for _, n := range f.split.rollout.Shadow {
		s := f.scorers[n]
		s.prepare(out)
		_ = f.call(s, b.N, args, sel, s.out, out) // it was observed, and nobody waits for the scores
	}
	return nil
}

func (f *Follower) scoreAll(b Rows, args []*vector.Vector, sel []int32, out *vector.Vector) error {
	if f.split.rollout.Traffic == nil {
		return f.call(f.scorers[f.split.rollout.Active], b.N, args, sel, out, nil)
	}
	for _, s := range f.scorers {
		s.sel = s.sel[:0]
	}
	f.owner = slices.Grow(f.owner[:0], b.N)[:b.N]
	clear(f.owner)
	for _, row := range sel {
		n := f.split.version(b.Batch, b.row(row))
		f.owner[row] = int32(n)
		f.scorers[n].sel = append(f.scorers[n].sel, row)
	}
	for _, share := range f.split.rollout.Traffic {
		s := f.scorers[share.Version]
		if len(s.sel) == 0 {
			continue
		}
		s.prepare(out)
		if err := f.call(s, b.N, args, s.sel, s.out, nil); err != nil {
			return err
		}
	}
	for row, n := range f.owner {
		if n == 0 {
			out.AppendNull()
		} else {
			out.AppendFrom(f.scorers[int(n)].out, row)
		}
	}
	return nil
}

// prepare empties the vector that a version scores into beside the result.
func (s *bound) prepare(like *vector.Vector) {
	if s.out == nil {
		s.out = vector.New(like.Type)
	}
	s.out.Reset()
}

// call has one version score rows, and tells the observers. Returned is set for a shadow.
func (f *Follower) call(s *bound, n int, args []*vector.Vector, sel []int32, out, returned *vector.Vector) error {
	began := time.Now()
	err := s.binding.Score(context.Background(), args, n, sel, out)
	o := Observation{
		Model: f.name, Version: s.number, Query: f.view.query, Shadow: returned != nil, Rows: len(sel), Took: time.Since(began), Err: err,
		Binding: s.binding, Args: args, Sel: sel, Scores: out, Returned: returned,
	}
	runtime.KeepAlive(s.version) // its scorer is closed when it goes
	for _, w := range f.view.library.Observers {
		w.Observe(&o)
	}
	return err
}

// Chooser tells which version scores a row: what MODEL_VERSION returns.
type Chooser struct {
	view  *View
	name  string
	place Place
	turn  int
	split *splitter
}

// Choose prepares a MODEL_VERSION.
func (v *View) Choose(name string, at Place) (*Chooser, error) {
	if !at.Fixed {
		v.follows[name] = true
	}
	c := &Chooser{view: v, name: name, place: at, turn: -1}
	return c, c.refresh()
}

func (c *Chooser) refresh() error {
	if c.turn == c.view.turn {
		return nil
	}
	_, r, err := c.view.rollout(c.name, 0, c.place)
	if err != nil {
		return err
	}
	split, err := newSplitter(c.name, r, c.place.Columns)
	if err != nil {
		return err
	}
	c.split, c.turn = split, c.view.turn
	return nil
}

// Versions sets out, an INTEGER vector of N elements, for the selected ones.
func (c *Chooser) Versions(b Rows, sel []int32, out *vector.Vector) error {
	if err := c.refresh(); err != nil {
		return err
	}
	for _, row := range sel {
		out.I32[row] = int32(c.split.version(b.Batch, b.row(row)))
	}
	return nil
}
