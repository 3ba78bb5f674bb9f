package model

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/sql/vector"
)

// Observer is told what versions score.
type Observer interface {
	// Observe is called after each call of a scorer by a query, in the task's goroutine. What the observation refers to is
	// valid until it returns. A batch that is replayed after an abort is observed again.
	Observe(o *Observation)
}

// Observation is a batch of rows that one version scored.
type Observation struct {
	Model   string
	Version int
	Query   string // "" where a single statement asked
	Shadow  bool   // nobody gets the scores
	Rows    int
	Took    time.Duration
	Err     error // the scores are void

	Binding *Binding
	Args    []*vector.Vector // the arguments of PREDICT
	Sel     []int32          // the rows that were scored, of Args and of Scores
	Scores  *vector.Vector   // what PREDICT returns, or would
	// Returned is what the rows got, where Scores is a shadow's.
	Returned *vector.Vector
}

// VersionID names a version of a model.
type VersionID struct {
	Model   string
	Version int
}

// Counts are what a version did on this server since it started.
type Counts struct {
	Rows, Batches, Errors, ShadowRows int64
	Nanos                             int64 // spent in the scorer, shadows too
}

// Statistics is the Observer that counts. The zero value is ready. It is safe for concurrent use.
type Statistics struct{ versions sync.Map } // VersionID -> *counters

type counters struct{ rows, batches, errors, shadow, nanos atomic.Int64 }

// Observe implements Observer.
func (s *Statistics) Observe(o *Observation) {
	id := VersionID{o.Model, o.Version}
	c, ok := s.versions.Load(id)
	if !ok {
		c, _ = s.versions.LoadOrStore(id, &counters{})
	}
	n := c.(*counters)
	n.batches.Add(1)
	n.nanos.Add(int64(o.Took))
	switch {
	case o.Err != nil:
		n.errors.Add(1)
	case o.Shadow:
		n.shadow.Add(int64(o.Rows))
	default:
		n.rows.Add(int64(o.Rows))
	}
}

// Of returns the counts of a version.
func (s *Statistics) Of(id VersionID) Counts {
	v, ok := s.versions.Load(id)
	if !ok {
		return Counts{}
	}
	c := v.(*counters)
	return Counts{
		Rows: c.rows.Load(), Batches: c.batches.Load(), Errors: c.errors.Load(), ShadowRows: c.shadow.Load(), Nanos: c.nanos.Load(),
	}
}

// Forget drops the counts of a model.
func (s *Statistics) Forget(model string) {
	s.versions.Range(func(id, _ any) bool {
		if id.(VersionID).Model == model {
			s.versions.Delete(id)
		}
		return true
	})
}
