package cluster

import (
	"context"
	"time"

	"github.com/millrace/millrace/state/changelog"
)

// deleteRetention is the delete.retention.ms of changelogs: for so long at least a deletion can be read.
const deleteRetention = 24 * time.Hour

// restoreChunks is how many of the chunks that restores write at once would fill the memory for committed state. Four restores run at a time.
const restoreChunks = 32

// restoreAll brings the task's stores to the ends of their changelogs. It runs beside the slot.
func (m *member) restoreAll(ctx context.Context) error {
	s := m.slot.s
	s.restoring.enter(time.Now())
	defer func() { s.restoring.leave(time.Now()) }()
	select {
	case s.restores <- struct{}{}:
		defer func() { <-s.restores }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.standbys.yield(ctx, func(id TaskID) bool { return id == m.id }); err != nil {
		return err
	}
	log := newLog(s.broker)
	defer log.close()
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
