package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/state"
)

// distrust is how a durable store that cannot be read is rebuilt while the server runs: all slots drop their tasks, which are as many
// as use the store, it is emptied, and the slots are taken over again, which restores everything.
type distrust struct {
	on     atomic.Bool
	causes chan error   // capacity 1
	using  sync.RWMutex // held for reading by tenures, for they use the store
}

var errDistrust = errors.New("the local state is rebuilt")

// Distrust rebuilds this server's state from the changelogs if the error, which a view's reader met, says that it cannot be read. It
// reports whether it does.
func (s *Service) Distrust(err error) bool {
	if !errors.Is(err, state.ErrCorrupt) {
		return false
	}
	if s.distrust.on.CompareAndSwap(false, true) {
		s.distrust.causes <- err // the janitor took the last one before it was trusted again
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, sl := range s.slots {
			sl.poke()
		}
	}
	return true
}

// rebuild empties the store as soon as no slot uses it.
func (s *Service) rebuild(ctx context.Context, cause error) {
	s.cfg.Logger.Error("the local state cannot be read and is rebuilt from Kafka", "error", cause)
	s.metrics.Rebuilds.Add(1)
	s.distrust.using.Lock()
	defer s.distrust.using.Unlock()
	for {
		err := s.cfg.Store.Reset()
		if err == nil {
			s.distrust.on.Store(false)
			return
		}
		s.cfg.Logger.Error("the local state cannot be emptied; no query runs until it can", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.cfg.JanitorInterval):
		}
	}
}
