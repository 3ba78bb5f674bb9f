package cluster

import "time"

// ModelsChanged has the tasks that follow models commit soon, whether or not records come: with the commit they declare which
// rollout scores what comes next, and only then use it. Call it when the change can be seen. Any goroutine may.
func (s *Service) ModelsChanged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		sl.swapped.Add(1)
		sl.poke()
	}
}

// FollowsModels says whether all tasks that run here use what the models were when ModelsChanged was last called.
func (s *Service) FollowsModels() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		if !sl.followsModels() {
			return false
		}
	}
	return true
}

func (sl *slot) followsModels() bool {
	if !sl.taken.Load() {
		return true // tasks that are yet to start ask when they do
	}
	if sl.followed.Load() != sl.swapped.Load() {
		return false
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	for _, m := range sl.members {
		if m.behind.Load() {
			return false
		}
	}
	return true
}

// followModels makes a commit due for the tasks whose models have changed.
func (sl *slot) followModels() {
	n := sl.swapped.Load()
	if sl.followed.Load() == n {
		return
	}
	for _, m := range sl.order {
		if m.state == nil || !m.task.Behind() {
			continue
		}
		m.touched = true
		m.behind.Store(true)
		if sl.since.IsZero() {
			sl.since = time.Now()
		}
	}
	sl.followed.Store(n)
}
