package model

import (
	"fmt"
	"runtime"
	"runtime/debug"
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
// Binding.Score; fail takes an element that cannot be scored, and is NULL.
func (f *Follower) Score(b Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(row int, err error)) error {
	if err := f.refresh(); err != nil {
		return err
	}
	if err := f.scoreAll(b, args, sel, out, fail); err != nil {
		return err
	}
	if !f.view.counts() {
		return nil // nobody would learn what the shadows do
	}
	for _, n := range f.split.rollout.Shadow {
		f.shadow(f.scorers[n], b.N, args, sel, out)
	}
	f.reference(b.N, args)
	return nil
}

// shadow has a version score rows beside another one, whose scores count. A failure is counted, and nobody else is told: nobody waits
// for the scores.
func (f *Follower) shadow(s *bound, n int, args []*vector.Vector, sel []int32, out *vector.Vector) {
	s.prepare(out)
	if f.call(s, n, args, sel, s.out, nil, true) == nil {
		f.view.observe(s, func(t *Tally) { t.compare(s.out, out, sel) })
	}
}

// reference has the stable version score the rows of a canary too, so that the two can be compared.
func (f *Follower) reference(n int, args []*vector.Vector) {
	c := f.split.rollout.Canary
	if c == nil || f.split.rollout.Traffic == nil {
		return
	}
	canary, stable := f.scorers[c.Version], f.scorers[f.split.rollout.Active]
	if len(canary.sel) == 0 {
		return
	}
	stable.prepare(canary.out)
	if f.call(stable, n, args, canary.sel, stable.out, nil, true) == nil {
		f.view.observe(canary, func(t *Tally) { t.compare(canary.out, stable.out, canary.sel) })
	}
}

func (f *Follower) scoreAll(b Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(int, error)) error {
	if f.split.rollout.Traffic == nil {
		return f.call(f.scorers[f.split.rollout.Active], b.N, args, sel, out, fail, false)
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
		if err := f.call(s, b.N, args, s.sel, s.out, fail, false); err != nil {
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

// call has one version score rows, and counts what it does. An error names the version.
func (f *Follower) call(s *bound, n int, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(int, error), shadow bool) error {
	began := clock()
	t, ctx := f.view.tallyOf(s), f.view.context()
	err := f.guarded(s, func() error {
		return s.binding.score(ctx, args, n, sel, out, watcher{tally: t, fail: fail})
	})
	runtime.KeepAlive(s.version) // its scorer is closed when it goes
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("version %d of model %s: %w: %w", s.id.Version, f.name, ErrInterrupted, err)
	case err != nil:
		if f.view.counts() {
			f.view.library.Statistics.failed(s.id)
		}
		return fmt.Errorf("version %d of model %s: %w", s.id.Version, f.name, err)
	case t != nil:
		t.called(len(sel), clock()-began, shadow)
	}
	return nil
}

var started = time.Now()

// clock tells how long this program has run: less than [time.Now], and sooner.
func clock() time.Duration { return time.Since(started) }

// guarded makes a scorer's panic an error: it belongs to the query, and must not end the server.
func (f *Follower) guarded(s *bound, score func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the scorer panicked: %v", p)
			if f.view.library.Panicked != nil {
				f.view.library.Panicked(s.id, p, debug.Stack())
			}
		}
	}()
	return score()
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
		v.Depend(name)
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
