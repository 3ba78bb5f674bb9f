package query

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// Retry says when a query that failed is started again: after First, and twice as late each time, at most after Last.
type Retry struct{ First, Last time.Duration }

// recovery is how a query comes back from failures.
type recovery struct {
	Retry
	attempts int       // in a row
	next     time.Time // of the next attempt; zero: the query has not failed, or nobody has noticed yet
	last     time.Time // of the last attempt
	restarts int64
}

// hurry makes the next attempt a matter of the next look, also of a failure that nobody has noticed yet.
func (r *recovery) hurry() {
	r.attempts = 0
	r.next = time.Time{}.Add(1)
}

// failed notes that the query is in error. It says whether it is to be started again now; if not, and it has failed just now, how long
// that will take.
func (r *recovery) failed(now time.Time) (restart bool, wait time.Duration) {
	if !r.next.IsZero() {
		if now.Before(r.next) {
			return false, 0
		}
		r.next, r.last = time.Time{}, now
		r.attempts++
		r.restarts++
		return true, 0
	}
	if !r.last.IsZero() && now.Sub(r.last) > r.Last {
		r.attempts = 0 // it has run well since
	}
	wait = min(r.First<<min(r.attempts, 20), r.Last)
	r.next = now.Add(wait)
	return false, wait
}

const (
	lookEvery   = 250 * time.Millisecond
	checkEvery  = 5 * time.Second // how often topics are looked at
	deleteEvery = time.Second
)

// Run restarts failed queries, deletes the topics of dropped ones, and builds those anew whose topics have changed, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	look, check, remove := time.NewTicker(lookEvery), time.NewTicker(checkEvery), time.NewTicker(deleteEvery)
	defer look.Stop()
	defer check.Stop()
	defer remove.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			m.restart(ctx, now)
		case <-check.C:
			m.follow(ctx)
		case <-remove.C:
			m.bury(ctx)
		}
	}
}

// restart gives each failed query its next chance when its time has come.
func (m *Manager) restart(ctx context.Context, now time.Time) {
	for id, q := range m.due(now) {
		if q.failed != nil {
			m.renew(ctx, id, q)
		} else if err := m.cluster.Restart(q.Topology.Query); err != nil && !errors.Is(err, cluster.ErrUnknownQuery) {
			m.log.Error("cannot restart", "query", id, "error", err)
		}
	}
}

// due lists the failed queries whose time has come, and sets the time of those that have failed since.
func (m *Manager) due(now time.Time) map[string]*Running {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := map[string]*Running{}
	for id, q := range m.queries {
		err := m.failure(q)
		if err == nil {
			q.recovery.next = time.Time{}
			continue
		}
		restart, wait := q.recovery.failed(now)
		if restart {
			list[id] = q
		} else if wait > 0 {
			m.log.Warn("query will be started again", "query", id, "in", wait, "error", err)
		}
	}
	return list
}

// failure is why a query does not run here.
func (m *Manager) failure(q *Running) error {
	if q.failed != nil {
		return q.failed
	}
	return m.cluster.Failed(q.Topology.Query)
}

// follow builds the queries anew whose topics have other partitions than they were built for. What cannot be asked has not changed.
func (m *Manager) follow(ctx context.Context) {
	m.mu.Lock()
	running, topics := maps.Clone(m.queries), map[string]bool{}
	for id, q := range running {
		if q.failed != nil {
			delete(running, id)
			continue
		}
		for topic := range q.Start {
			topics[topic] = true
		}
	}
	m.mu.Unlock()
	infos, err := m.kafka.DescribeTopics(slices.Collect(maps.Keys(topics))...)
	if err != nil {
		return
	}
	for id, q := range running {
		if topic, ok := changed(q.Start, infos); ok {
			m.log.Warn("a topic of a query has other partitions", "query", id, "topic", topic)
			m.renew(ctx, id, q)
		}
	}
}

// changed finds a topic that has other partitions than offsets were found for. One that is not there has not changed.
func changed(start map[string][]int64, infos map[string]kafka.TopicInfo) (topic string, ok bool) {
	for topic, offsets := range start {
		if info, ok := infos[topic]; ok && int(info.Partitions) != len(offsets) {
			return topic, true
		}
	}
	return "", false
}

// renew builds a query and hands it over in place of the one that is there. Views of that one's stores end.
func (m *Manager) renew(ctx context.Context, id string, q *Running) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.find(id) != q {
		return // stopped or replaced meanwhile
	}
	q.Interrupt.Set(true)
	if err := m.cluster.StopQuery(ctx, q.Topology.Query, false); err != nil && !errors.Is(err, cluster.ErrUnknownQuery) {
		return // the server ends
	}
	n := m.build(q.def)
	m.mu.Lock()
	n.Paused, n.recovery = q.Paused, q.recovery
	m.mu.Unlock()
	if n.failed == nil {
		n.failed = m.handOver(ctx, id, &n.Spec)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queries[id] = n
	if n.failed == nil && n.Paused != q.Paused { // said while the query was handed over
		n.Paused = q.Paused
		m.tell(id, n)
	}
}
