package cluster

import (
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// diskPlace is a partition of a store on disk that no task here and no copy uses.
type diskPlace struct {
	store string
	id    TaskID
}

// load tells of each slot that has tasks how many, and how much of their state is here: of tasks that run, of copies, and of what lies on disk from
// former days.
func (s *Service) load() map[int32]kafka.SlotLoad {
	out := map[int32]kafka.SlotLoad{}
	add := func(id TaskID, state int64) {
		n := SlotOf(id, s.cfg.Slots)
		l := out[n]
		l.State += state
		out[n] = l
	}
	for _, p := range s.lying(out, add) {
		part, err := s.cfg.Store.Partition(p.store, p.id.Partition)
		if err != nil {
			continue // whoever takes the slot over meets it again
		}
		// What is too old to be used is nothing.
		if at, ok, err := part.Position(); err == nil && ok && time.Since(at.Time) < deleteRetention {
			add(p.id, at.Offset)
		}
	}
	return out
}

// lying counts tasks and the state that is in use, and lists what must be looked up on disk.
func (s *Service) lying(out map[int32]kafka.SlotLoad, add func(TaskID, int64)) (places []diskPlace) {
	onDisk := map[string]bool{}
	for _, name := range s.cfg.Store.Stores() {
		onDisk[name] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standbys.mu.Lock()
	defer s.standbys.mu.Unlock()
	for _, q := range s.queries {
		for id, sub := range q.tasks() {
			n := SlotOf(id, s.cfg.Slots)
			l := out[n]
			l.Tasks++
			out[n] = l
			if sl := s.slots[n]; sl != nil {
				if at, ok := sl.reached(id); ok {
					add(id, at)
					continue
				}
			}
			if c := s.standbys.copies[id]; c != nil && c.opened.Load() {
				for _, sc := range c.stores {
					add(id, sc.position.Load())
				}
				continue
			}
			for _, st := range sub.Stores {
				if store := id.stateConfig(sub, nil).StoreName(st.Spec); onDisk[store] {
					places = append(places, diskPlace{store, id})
				}
			}
		}
	}
	return places
}

// reached is the sum of the positions in its changelogs of a task that runs; false if it does not. Any goroutine may call it.
func (sl *slot) reached(id TaskID) (sum int64, ok bool) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	m := sl.members[id]
	if m == nil || m.state == nil {
		return 0, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range m.logged {
		sum += at
	}
	return sum, true
}
