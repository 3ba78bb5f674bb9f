package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/millrace/millrace/state/changelog"
)

// deleteRetention is the delete.retention.ms of changelogs: for so long at least a deletion can be read.
const deleteRetention = 24 * time.Hour

const (
	// restoresAtOnce is how many restores run at a time. Those of small stores wait for brokers most of the time.
	restoresAtOnce = 8
	// restoreChunks is how many of the chunks that restores write at once would fill the memory for committed state.
	restoreChunks = 32
)

// restoreLogs are what restores read with: a server that starts restores tasks by the thousand, and to connect for each takes longer than to read.
// They are kept as long as any task is waiting for its restore.
type restoreLogs struct {
	mu    sync.Mutex
	tasks int
	idle  []*changelogs
}

func (r *restoreLogs) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks++
}

func (r *restoreLogs) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks--; r.tasks > 0 {
		return
	}
	for _, l := range r.idle {
		l.close()
	}
	r.idle = nil
}

// borrow gives a log to whoever has entered, who gives it back before leaving.
func (r *restoreLogs) borrow(b Broker) *changelogs {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		l := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return l
	}
	return newLog(b)
}

func (r *restoreLogs) giveBack(l *changelogs) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, l)
}

// restoreAll brings the task's stores to the ends of their changelogs. It runs beside the slot.
func (m *member) restoreAll(ctx context.Context) error {
	s := m.slot.s
	s.restoring.enter(time.Now())
	defer func() { s.restoring.leave(time.Now()) }()
	s.restoreLogs.enter()
	defer s.restoreLogs.leave()
	select {
	case s.restores <- struct{}{}:
		defer func() { <-s.restores }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.standbys.yield(ctx, func(id TaskID) bool { return id == m.id }); err != nil {
		return err
	}
	log := s.restoreLogs.borrow(s.broker)
	defer s.restoreLogs.giveBack(log)
	if m.committed.Changelogs == nil {
		m.committed.Changelogs = map[string]int64{}
	}
	cfg := m.stateConfig()
	for _, st := range m.sub.Stores {
		r := changelog.Restore{
			Log: log, Durable: s.cfg.Store, Spec: st.Spec, Store: cfg.StoreName(st.Spec), Topic: st.Changelog, Partition: m.id.Partition,
			Committed: changelog.NoPosition, DeleteRetention: deleteRetention, Now: time.Now, ChunkBytes: s.cfg.FlushBytes / restoreChunks,
			Progress: func(p changelog.Progress) { m.progress(st.ID, p) },
		}
		switch {
		case m.stored != nil:
			r.Committed = m.committed.Changelogs[st.ID]
		case s.cfg.AtLeastOnce:
			r.Committed = 0 // a changelog may be ahead of its first slots record
		}
		at, err := log.restore(ctx, &r)
		if err != nil {
			return err
		}
		m.committed.Changelogs[st.ID] = at
		m.reached(st.ID, at)
	}
	return nil
}

// progress counts what a store's restore has read since it last said so.
func (m *member) progress(store string, p changelog.Progress) {
	m.mu.Lock()
	last := m.restore[store]
	m.restore[store] = p
	m.mu.Unlock()
	records, bytes := p.Records-last.Records, p.Bytes-last.Bytes
	for _, r := range []*Restored{m.restored, &m.slot.s.metrics.Restored} {
		r.Records.Add(records)
		r.Bytes.Add(bytes)
	}
	m.slot.s.restoring.moved(time.Now(), records, bytes, p)
}

// reached notes that a store is complete, also where there was nothing to read.
func (m *member) reached(store string, at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.restore[store]
	p.At, p.End = at, at
	m.restore[store] = p
}

// remaining is how many offsets of changelogs the restores on this server are known to have before them.
func (s *Service) remaining() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		for _, t := range s.statuses(q) {
			for _, p := range t.Restore {
				n += p.Remaining()
			}
		}
	}
	return n
}
