package cluster

import (
	"testing"
	"time"

	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
)

// sleeper is a task that counts its rests.
type sleeper struct {
	fake
	rests int
}

func (s *sleeper) Rest() error {
	s.rests++
	return nil
}

// restful is a producer that counts its rests.
type restful struct {
	TxnProducer
	rests int
}

func (p *restful) Rest() { p.rests++ }

// TestRest: a task rests once when it was idle for long, and not while it has something to do or to commit; the producer rests when all tasks do.
func TestRest(t *testing.T) {
	s := &Service{cfg: Config{RestAfter: time.Second}}
	began := time.Now()
	producer := &restful{}
	sl := &slot{s: s, producer: producer, members: map[TaskID]*member{}}
	tasks := make([]*sleeper, 4)
	for i := range tasks {
		st, err := state.OpenTask(state.TaskConfig{})
		if err != nil {
			t.Fatal(err)
		}
		tasks[i] = &sleeper{}
		m := &member{id: TaskID{Query: "q", Partition: int32(i)}, slot: sl, sub: &topology.SubTopology{}, task: tasks[i], state: st, active: began, holdings: s.memory.holdings()}
		sl.members[m.id] = m
		sl.order = append(sl.order, m)
	}
	sl.order[1].touched = true
	sl.order[2].more = true
	sl.order[3].active = began.Add(time.Minute)
	rested := func(after time.Duration, want ...int) {
		t.Helper()
		sl.rest(began.Add(after))
		got := []int{tasks[0].rests, tasks[1].rests, tasks[2].rests, tasks[3].rests, producer.rests}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("after %s the tasks and the producer have rested %v times, want %v", after, got, want)
				return
			}
		}
	}
	rested(s.cfg.RestAfter, 0, 0, 0, 0, 0)
	rested(s.cfg.RestAfter+1, 1, 0, 0, 0, 0)
	rested(time.Minute, 1, 0, 0, 0, 0)
	sl.order[1].touched, sl.order[2].more = false, false
	rested(time.Minute, 1, 1, 1, 0, 0)
	rested(2*time.Minute, 1, 1, 1, 1, 1)
	sl.order[0].active = began.Add(2 * time.Minute)
	rested(3*time.Minute, 2, 1, 1, 1, 2)
}

// TestLull: it is told once that nothing was done for long, and again only after something was done.
func TestLull(t *testing.T) {
	var l lull
	began := time.Now()
	for i, step := range []struct {
		after time.Duration
		done  int64
		want  bool
	}{
		{0, 0, false},
		{time.Second, 0, false},
		{time.Second + 1, 0, true},
		{time.Hour, 0, false},
		{2 * time.Hour, 5, false},
		{2*time.Hour + time.Second, 6, false},
		{2*time.Hour + 2*time.Second, 6, false},
		{2*time.Hour + 3*time.Second, 6, true},
	} {
		if got := l.tick(began.Add(step.after), step.done, time.Second); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestPatience: a slot whose commits take long commits less often while it has a backlog or tasks come up, and only then.
func TestPatience(t *testing.T) {
	sl := &slot{s: &Service{cfg: Config{CommitInterval: 100 * time.Millisecond}}}
	for _, c := range []struct {
		took              time.Duration
		more              bool
		running, restored int
		want              time.Duration
	}{
		{10 * time.Millisecond, true, 100, 0, 100 * time.Millisecond},
		{time.Second, false, 100, 0, 100 * time.Millisecond},
		{time.Second, true, 100, 0, time.Second},
		{time.Second, false, 99, 1, time.Second},
		{time.Hour, true, 100, 0, 100 * taskPatience},
		{time.Hour, true, 4, 0, 100 * time.Millisecond},
	} {
		sl.took, sl.order = c.took, nil
		for range c.running {
			sl.order = append(sl.order, &member{state: &state.Task{}})
		}
		for range c.restored {
			sl.order = append(sl.order, &member{})
		}
		if got := sl.patience(c.more); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
