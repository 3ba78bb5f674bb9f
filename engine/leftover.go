package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/topology"
)

// forget remembers which queries were dropped, so that their slots records go, and removes what is left of them here: the process may
// have ended between a drop and its work. Called before the slots start. What cannot be removed is left for the next start.
func (e *Engine) forget(r *replay) {
	e.dropped = map[string]bool{}
	for _, q := range r.dropped {
		e.dropped[q.Runs()] = true
	}
	for _, q := range r.queries {
		delete(e.dropped, q.Runs()) // it was made again under the same name
	}
	if len(e.dropped) == 0 {
		return
	}
	for _, store := range e.store.Stores() {
		if query, _, _ := strings.Cut(store, "/"); e.dropped[query] {
			if err := e.store.Drop(store); err != nil {
				e.log.Warn("state of a dropped query is left", "store", store, "error", err)
			}
		}
	}
	if err := e.abandoned(r); err != nil {
		e.log.Warn("internal topics of dropped queries are left", "error", err)
	}
}

// abandoned has deleted what dropped queries have in Kafka still: internal topics, and positions for lag tools.
func (e *Engine) abandoned(r *replay) error {
	topics, err := e.topics.client.ListTopics()
	if err != nil {
		return err
	}
	groups, err := e.kafka.ListGroups()
	if err != nil {
		return err
	}
	exists := map[string]bool{}
	for _, t := range topics {
		exists[t.Name] = true
	}
	for _, q := range r.dropped {
		if !e.dropped[q.Runs()] {
			continue
		}
		names := slices.DeleteFunc(e.internalTopics(q), func(name string) bool { return !exists[name] })
		if len(names) > 0 || slices.Contains(groups, e.opts.Service+"-"+q.ID) {
			e.queries.Forget(q.ID, q.Runs(), names)
		}
	}
	return nil
}

// internalTopics names the topics that a query has for itself. Its sources may be gone, so their partitions are not asked for.
func (e *Engine) internalTopics(q *command.Query) (names []string) {
	if q.IDs != nil {
		return slices.Sorted(maps.Values(q.IDs.Topics))
	}
	def, err := q.Definition()
	if err != nil {
		return nil // of a release whose plans are not read any more
	}
	t, err := topology.Build(def.Plan, topology.Options{
		Service: e.opts.Service, Query: q.Runs(), Partitions: func(string) (int32, error) { return 1, nil },
	})
	if err != nil {
		return nil // it could not run either
	}
	for _, topic := range t.Topics {
		names = append(names, topic.Name)
	}
	return names
}
