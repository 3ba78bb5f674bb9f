package model

import (
	"sync"

	"github.com/millrace/millrace/sql/catalog"
)

// Statistics is what versions have scored on this server since it started: the rows of persistent queries, when they are committed, so
// that a row which an aborted transaction had to score twice is counted once. Calls that fail, after which nothing can be committed, are
// counted at once. The zero value is ready. It is safe for concurrent use.
type Statistics struct {
	mu       sync.Mutex
	versions map[VersionID]*record
}

// VersionID names a version of a model.
type VersionID struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
}

// record is what is known of one version.
type record struct {
	Snapshot
	trial *trial // nil: the version has no part in a canary
}

// trial counts for a canary, from the moment when it began.
type trial struct {
	since int64 // of the rollout
	tally Tally
}

// Snapshot is a version's statistics at a moment. Those of several servers can be added up.
type Snapshot struct {
	Tally
	Drift Drift `json:"drift"`
}

// Merge adds what another server has counted.
func (s *Snapshot) Merge(o *Snapshot) {
	s.Tally.Merge(&o.Tally)
	s.Drift.Merge(&o.Drift)
}

func (s *Statistics) record(id VersionID) *record {
	r := s.versions[id]
	if r == nil {
		if s.versions == nil {
			s.versions = map[VersionID]*record{}
		}
		r = &record{}
		s.versions[id] = r
	}
	return r
}

// add counts what a task has committed.
func (s *Statistics) add(id VersionID, t *Tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record(id)
	r.Tally.Merge(t)
	r.Drift.add(t)
	if r.trial != nil {
		r.trial.tally.Merge(t)
	}
}

// failed counts a call that gave no scores.
func (s *Statistics) failed(id VersionID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.record(id)
	r.Errors++
	if r.trial != nil {
		r.trial.tally.Errors++
	}
}

// Of returns the statistics of a version.
func (s *Statistics) Of(id VersionID) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Snapshot
	if r := s.versions[id]; r != nil {
		out.Merge(&r.Snapshot)
	}
	return out
}

// Trial returns what a version has done since a canary began, which the rollout with the offset is.
func (s *Statistics) Trial(id VersionID, since int64) Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Tally
	if r := s.versions[id]; r != nil && r.trial != nil && r.trial.since == since {
		out.Merge(&r.trial.tally)
	}
	return out
}

// Follow begins to count for a model's canary, and ends it where there is none any more. Of versions that the rollout does not name the
// distributions go: a model that a topic feeds has a new version every hour.
func (s *Statistics) Follow(m *catalog.Model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := m.Rollout()
	for _, v := range m.Versions {
		r := s.record(VersionID{m.Name, v.Version})
		if !now.Uses(v.Version) {
			r.Inputs, r.Outputs, r.Drift = nil, nil, Drift{}
		}
		switch part := now.Canary != nil && (v.Version == now.Canary.Version || v.Version == now.Active); {
		case !part:
			r.trial = nil
		case r.trial == nil || r.trial.since != now.Canary.Since:
			r.trial = &trial{since: now.Canary.Since}
		}
	}
}

// Forget drops the statistics of a model.
func (s *Statistics) Forget(model string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.versions {
		if id.Model == model {
			delete(s.versions, id)
		}
	}
}
