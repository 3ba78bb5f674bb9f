package cluster

import (
	"fmt"
	"math"
	"time"

	"github.com/millrace/millrace/state"
)

// BehindError says that a copy lacks more of its changelog than the reader allows, or may do so.
type BehindError struct {
	Lag, Allowed int64
	Unknown      bool // the lag is at least what it says: nothing was heard lately of what has been written since
}

func (e *BehindError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("how far the copy of its state is behind is not known, since nothing is heard of the owner's changes, and at most %d offsets are allowed", e.Allowed)
	}
	return fmt.Sprintf("the copy of its state is %d offsets behind, and at most %d are allowed", e.Lag, e.Allowed)
}

// NoBound is a lag that every copy is within, be it known or not.
const NoBound = math.MaxInt64

// within says that what is on disk lacks no more of the changelog than is allowed. An end that was heard of too long ago bounds nothing: the owner
// may have gone on while this server was cut off.
func (sc *storeCopy) within(maxLag int64, feed Subscription, hold time.Duration) error {
	if maxLag == NoBound {
		return nil
	}
	lag := sc.status(feed).End - sc.written.Load()
	st, ok := feed.Status(sc.at.Topic, sc.at.Partition)
	unknown := !ok || time.Since(st.Heard) > hold
	if unknown || lag > maxLag {
		return &BehindError{lag, maxLag, unknown}
	}
	return nil
}

// StandbyView opens the copy of a store that is kept here for a task of another server, as of some commit. It lacks at most so many offsets of the
// changelog as maxLag says, unless that is [NoBound], or the error is a [BehindError]. The error is [ErrNotHere] if there is no copy, or none that ends with a commit. Close it.
func (s *Service) StandbyView(incarnation, store string, partition int32, maxLag int64) (*state.View, error) {
	missing := fmt.Errorf("read a copy of store %s of %s, partition %d: %w", store, incarnation, partition, ErrNotHere)
	k := s.standbys
	k.mu.Lock()
	var sc *storeCopy
	for id, c := range k.copies {
		if id.Query != incarnation || id.Partition != partition || !c.opened.Load() {
			continue
		}
		for _, x := range c.stores {
			if x.id == store {
				sc = x
			}
		}
	}
	k.mu.Unlock()
	if sc == nil {
		return nil, missing
	}
	sc.of.disk.RLock()
	defer sc.of.disk.RUnlock()
	if !sc.whole || sc.of.ctx.Err() != nil {
		return nil, missing
	}
	if err := sc.within(maxLag, k.feed, s.cfg.EndsHold); err != nil {
		return nil, err
	}
	cfg := sc.of.id.stateConfig(sc.of.sub, s.cfg.Store)
	for _, st := range sc.of.sub.Stores {
		if st.ID == store {
			cfg.Specs = []state.Spec{st.Spec}
		}
	}
	t, err := state.OpenTask(cfg)
	if err != nil {
		return nil, err
	}
	v, err := t.View(store)
	_ = t.Close() // releases snapshots only, which cannot fail
	return v, err
}
