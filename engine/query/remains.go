package query

import (
	"context"
)

// remains are the internal topics of a dropped query.
type remains struct {
	query  string // incarnation
	topics []string
}

// Forget has the internal topics of a dropped query deleted by Run, as soon as no server of the service uses them.
func (m *Manager) Forget(incarnation string, topics []string) {
	if len(topics) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped = append(m.dropped, remains{incarnation, topics})
}

// bury deletes what can be deleted by now. What is left is tried again, and at the next start.
func (m *Manager) bury(ctx context.Context) {
	m.mu.Lock()
	list := m.dropped
	m.dropped = nil
	m.mu.Unlock()
	for _, r := range list {
		if !m.delete(ctx, r) {
			m.mu.Lock()
			m.dropped = append(m.dropped, r)
			m.mu.Unlock()
		}
	}
}

// delete says whether nothing is left.
func (m *Manager) delete(ctx context.Context, r remains) bool {
	free, err := m.cluster.Forgotten(ctx, r.query)
	if err == nil && free {
		err = m.kafka.DeleteTopics(r.topics...)
	}
	if err != nil && ctx.Err() == nil {
		m.log.Warn("internal topics of a dropped query are left", "query", r.query, "error", err)
	}
	return err == nil && free
}
