package model

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// View is what one task sees of the models: the rollouts that held at its standpoint are those that score. A View belongs to one goroutine.
type View struct {
	catalog.Standpoint
	library *Library
	turn    int // counts the moves
	// until ends what is asked for the view; nil: nothing does.
	until func() context.Context
	// tallies are what was scored since the last commit; nil if nothing is to be counted.
	tallies map[VersionID]*Tally
	removed int // how many tallies were
}

// View returns a view that stands where the query was created. It counts nothing: see [View.Count].
func (l *Library) View(start int64, now catalog.Definitions) *View {
	return &View{library: l, Standpoint: catalog.StandAt(start, now, rolledOut)}
}

// rolledOut implements [catalog.Since] for models.
func rolledOut(cat *catalog.Catalog, name string, below int64) (int64, bool) {
	m, ok := cat.Model(name)
	if !ok {
		return 0, false
	}
	return m.RolloutAt(below).Since, true
}

// Count has what is scored by the view go to the library's statistics when it is committed. It is called before anything is scored.
func (v *View) Count() *View {
	if v.library.Statistics != nil {
		v.tallies = map[VersionID]*Tally{}
	}
	return v
}

// Until has requests to model servers end with the context that until returns when they begin. It is called before anything is scored.
func (v *View) Until(until func() context.Context) *View {
	v.until = until
	return v
}

func (v *View) context() context.Context {
	if v.until == nil {
		return context.Background()
	}
	return v.until()
}

func (v *View) counts() bool { return v.tallies != nil }

// tallyOf is where a version's calls are counted until the next commit; nil if they are not.
func (v *View) tallyOf(s *bound) *Tally {
	if v.tallies == nil || s.tally != nil && s.removed == v.removed {
		return s.tally
	}
	t := v.tallies[s.id]
	if t == nil {
		t = &Tally{}
		v.tallies[s.id] = t
	}
	s.tally, s.removed = t, v.removed
	return t
}

// observe counts something of a version.
func (v *View) observe(s *bound, count func(*Tally)) {
	if t := v.tallyOf(s); t != nil {
		count(t)
	}
}

// Commit moves the view to an offset that was committed, on or back, with all that was scored since and was not dropped.
func (v *View) Commit(offset int64) {
	for id, t := range v.tallies {
		if t.Batches == 0 {
			delete(v.tallies, id) // the version may be gone
			v.removed++
			continue
		}
		v.library.Statistics.add(id, t)
		t.reset()
	}
	if v.Move(offset) {
		v.turn++
	}
}

// Drop forgets what was scored since the last commit: it will not be committed.
func (v *View) Drop() {
	for _, t := range v.tallies {
		t.reset()
	}
}

// Place is where in a plan a model is called: what decides a row's version there.
type Place struct {
	// Columns are those of the batches.
	Columns []plan.OutColumn
	// Fixed says that rows come again with their old values, to be taken back: a row must then be scored as it was the first
	// time, and so the rollout stays the one with which the query was created, or one whose state it took over.
	Fixed bool
}

// Follower scores one PREDICT by the rollout that its view stands at, or by the version that it names.
type Follower struct {
	view   *View
	name   string
	pinned int
	args   []*types.Type
	result *types.Type
	field  string // "": the whole result
	place  Place

	turn    int // of the view, when what follows was found
	split   *splitter
	scorers map[int]*bound
	owner   []int32 // of each row, where a batch is split: the version
}

// bound is a version as a PREDICT calls it.
type bound struct {
	id      VersionID
	version *Version
	binding *Binding
	sel     []int32
	out     *vector.Vector

	tally   *Tally // the view's, unless it has removed any since
	removed int
}

// Follow prepares a PREDICT. The result type is what the plan says.
func (v *View) Follow(p *plan.Predict, at Place) (*Follower, error) {
	f := &Follower{view: v, name: p.Model, pinned: p.Version, result: p.T, place: at, turn: -1}
	for _, a := range p.Args {
		f.args = append(f.args, a.Type())
	}
	if p.Version == 0 && !at.Fixed {
		v.Depend(p.Model)
	}
	return f, f.refresh()
}

// Field returns a follower that gives one field of the STRUCT alone; nil if there is none.
func (f *Follower) Field(name string) *Follower {
	b := f.scorers[f.split.rollout.Active].binding.Field(name)
	if b == nil {
		return nil
	}
	return &Follower{view: f.view, name: f.name, pinned: f.pinned, args: f.args, result: b.Result, field: name, place: f.place, turn: -1}
}

// refresh finds the versions to score with after the view was moved.
func (f *Follower) refresh() error {
	if f.turn == f.view.turn {
		return nil
	}
	m, r, err := f.view.rollout(f.name, f.pinned, f.place)
	if err != nil {
		return err
	}
	if f.split != nil && f.split.rollout == r {
		f.turn = f.view.turn
		return nil
	}
	split, err := newSplitter(f.name, r, f.place.Columns)
	if err != nil {
		return err
	}
	scorers := map[int]*bound{}
	for _, n := range append(r.Versions(), r.Active) {
		if scorers[n] == nil {
			if scorers[n], err = f.bind(m, n); err != nil {
				return err
			}
		}
	}
	f.split, f.scorers, f.turn = split, scorers, f.view.turn
	return nil
}

// rollout is the one that holds at a place: of a version that is pinned, one of that version alone.
func (v *View) rollout(name string, pinned int, at Place) (*catalog.Model, *catalog.Rollout, error) {
	m, ok := v.Catalog().Model(name)
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("model %s does not exist", name)
	case pinned > 0:
		return m, &catalog.Rollout{Active: pinned}, nil
	case at.Fixed:
		return m, m.RolloutAt(v.Fixed(name)), nil
	}
	return m, m.RolloutAt(v.At()), nil
}

func (f *Follower) bind(m *catalog.Model, number int) (*bound, error) {
	def := m.Version(number)
	if def == nil {
		return nil, fmt.Errorf("model %s has no version %d", f.name, number)
	}
	v, err := f.view.library.Version(context.Background(), def)
	if err != nil {
		return nil, err
	}
	b, err := Bind(f.name, v.Scorer, f.args)
	if err != nil {
		return nil, err
	}
	if f.field != "" {
		if b = b.Field(f.field); b == nil {
			return nil, fmt.Errorf("version %d of model %s has no output %s", number, f.name, f.field)
		}
	}
	if b.Result.String() != f.result.String() {
		return nil, fmt.Errorf("version %d of model %s returns %s, not %s", number, f.name, b.Result, f.result)
	}
	return &bound{id: VersionID{f.name, number}, version: v, binding: b}, nil
}
