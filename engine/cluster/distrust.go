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
	causes chan error // capacity 1

	mu    sync.Mutex
	users int           // tenures, and the keeper of copies
	moved chan struct{} // closed and replaced when users leave, or the store is trusted again
}

// enter lets a user in, once the store is trusted. The error is that of ctx.
func (d *distrust) enter(ctx context.Context) error {
	return d.await(ctx, func() bool {
		if d.on.Load() {
			return false
		}
		d.users++
		return true
	})
}

// leave ends a use.
func (d *distrust) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users--
	d.tell()
}

// trust lets users in again.
func (d *distrust) trust() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on.Store(false)
	d.tell()
}

// tell wakes those who await. d.mu is held.
func (d *distrust) tell() {
	close(d.moved)
	d.moved = make(chan struct{})
}

// await waits until ready, which is called under d.mu, says so.
func (d *distrust) await(ctx context.Context, ready func() bool) error {
	for {
		d.mu.Lock()
		ok, moved := ready(), d.moved
		d.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
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
		s.standbys.kick()
	}
	return true
}

// rebuild empties the store as soon as no slot uses it.
func (s *Service) rebuild(ctx context.Context, cause error) {
	s.cfg.Logger.Error("the local state cannot be read and is rebuilt from Kafka", "error", cause)
	s.metrics.Rebuilds.Add(1)
	if s.distrust.await(ctx, func() bool { return s.distrust.users == 0 }) != nil {
		return
	}
	for {
		err := s.cfg.Store.Reset()
		if err == nil {
			s.distrust.trust()
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
