package cluster

import (
	"fmt"

	"github.com/millrace/millrace/state"
)

// BehindError says that a copy lacks more of its changelog than the reader allows.
type BehindError struct{ Lag, Allowed int64 }

func (e *BehindError) Error() string {
	return fmt.Sprintf("the copy of its state is %d offsets behind, and at most %d are allowed", e.Lag, e.Allowed)
}

// StandbyView opens the copy of a store that is kept here for a task of another server, as of some commit. It lacks at most so many offsets of the
// changelog as maxLag says, or the error is a [BehindError]. The error is [ErrNotHere] if there is no copy, or none that ends with a commit. Close it.
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
	if lag := sc.status(k.feed).End - sc.written.Load(); lag > maxLag {
		return nil, &BehindError{lag, maxLag}
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
