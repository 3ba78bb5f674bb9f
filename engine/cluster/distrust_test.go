package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
)

// sick is a store whose reads fail, from a moment on until it is emptied.
type sick struct {
	*badger.DB
	ill    *atomic.Bool
	resets atomic.Int64
	refuse atomic.Int64 // so many Resets fail
}

func (s *sick) Partition(store string, partition int32) (state.Partition, error) {
	p, err := s.DB.Partition(store, partition)
	return sickPartition{p, s.ill}, err
}

func (s *sick) Flush(ctx context.Context, items []state.FlushItem) error {
	well := make([]state.FlushItem, len(items))
	for i, it := range items {
		it.Partition = it.Partition.(sickPartition).Partition
		well[i] = it
	}
	return s.DB.Flush(ctx, well)
}

func (s *sick) Reset() error {
	if s.refuse.Add(-1) >= 0 {
		return errInjected
	}
	s.resets.Add(1)
	s.ill.Store(false)
	return s.DB.Reset()
}

type sickPartition struct {
	state.Partition
	ill *atomic.Bool
}

func (p sickPartition) Snapshot() state.Snapshot { return sickSnapshot{p.Partition.Snapshot(), p.ill} }

type sickSnapshot struct {
	state.Snapshot
	ill *atomic.Bool
}

func (s sickSnapshot) Get(key, dst []byte) ([]byte, bool, error) {
	if s.ill.Load() {
		return dst, false, &badger.CorruptError{Err: errInjected}
	}
	return s.Snapshot.Get(key, dst)
}

// bootSick starts a service that keeps no committed state in memory for long, on a store that can fall ill.
func (r *rig) bootSick(query string) (*Service, *sick) {
	r.Helper()
	store := &sick{ill: &atomic.Bool{}}
	s, db := r.boot(func(c *Config) {
		store.DB = c.Store.(*badger.DB)
		c.Store, c.FlushBytes, c.FlushInterval = store, 1, time.Millisecond
	})
	store.DB = db
	r.ok(s.StartQuery(r.Context(), r.counting(query, nil)))
	return s, store
}

// flushed waits until a query's committed state is on disk, so that tasks must read it from there.
func (r *rig) flushed(s *Service, query string) {
	r.Helper()
	r.await("the query to catch up", func() bool { return r.caughtUp(s, query, 2) })
	r.await("flushes", func() bool { return s.memory.state.used.Load() == 0 })
}

// TestReadErrorRebuildsTheStore: tasks meet an error while they run, and a reader of a view does.
func TestReadErrorRebuildsTheStore(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, store := r.bootSick("q")
		r.produce(0, 500)
		r.flushed(s, "q")
		store.refuse.Store(1)
		store.ill.Store(true)
		r.produce(500, 1000)
		r.await("the store to be rebuilt", func() bool { return store.resets.Load() == 1 })
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		st, _ := s.Status("q")
		if st.Err != nil || st.Restored.Records == 0 || s.Metrics().Rebuilds.Load() != 1 {
			r.Errorf("after a rebuild: %v, %d records restored, %d rebuilds", st.Err, st.Restored.Records, s.Metrics().Rebuilds.Load())
		}
		r.flushed(s, "q")
		if s.Distrust(errInjected) {
			r.Error("any error makes the store distrusted")
		}
		if !s.Distrust(fmt.Errorf("pull query: %w", &badger.CorruptError{Err: errInjected})) {
			r.Error("a corrupt store is trusted")
		}
		r.await("the second rebuild", func() bool { return store.resets.Load() == 2 })
		r.produce(1000, 1500)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, store.DB)
		r.exact(1500)
	})
}
