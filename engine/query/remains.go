package query

import (
	"context"
	"errors"
	"slices"

	"github.com/millrace/millrace/engine/kafka"
)

// remains are what a dropped query leaves in Kafka.
type remains struct {
	id, query string // and its incarnation
	topics    []string
}

// Forget has what a dropped query left in Kafka, its internal topics and the positions shown to lag tools, deleted by Run, as soon as no server of
// the service uses them.
func (m *Manager) Forget(id, incarnation string, topics []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped = append(m.dropped, remains{id, incarnation, topics})
}

// bury deletes what can be deleted by now. What is left is tried again, and at the next start.
func (m *Manager) bury(ctx context.Context) {
	m.mu.Lock()
	list := slices.Clone(m.dropped)
	m.mu.Unlock()
	if len(list) == 0 {
		return
	}
	queries := make([]string, len(list))
	for i, r := range list {
		queries[i] = r.query
	}
	forgotten, err := m.cluster.Forgotten(ctx, queries...)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Warn("what dropped queries left in Kafka stays for now", "queries", len(list), "error", err)
		}
		return
	}
	gone := map[string]bool{}
	for _, r := range list {
		if forgotten[r.query] && ctx.Err() == nil {
			gone[r.query] = m.delete(r)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped = slices.DeleteFunc(m.dropped, func(r remains) bool { return gone[r.query] })
}

// delete says whether nothing is left that is worth another attempt.
func (m *Manager) delete(r remains) bool {
	gone := true
	if m.find(r.id) == nil { // else a query that was made since shows its positions there
		err := m.kafka.DeleteGroup(m.group + r.id)
		if err != nil {
			m.log.Warn("the consumer group of a dropped query is left", "query", r.query, "error", err)
		}
		gone = err == nil || errors.Is(err, kafka.ErrGroupInUse) // by a stranger; Kafka forgets its positions some days after it has left
	}
	if err := m.kafka.DeleteTopics(r.topics...); err != nil {
		m.log.Warn("internal topics of a dropped query are left", "query", r.query, "error", err)
		gone = false
	}
	return gone
}
