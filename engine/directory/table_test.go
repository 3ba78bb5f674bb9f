package directory

import (
	"math"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// said feeds a table with what servers say.
type said struct {
	*testing.T
	table  table
	now    time.Time
	offset int64
}

func newSaid(t *testing.T) *said {
	return &said{T: t, now: time.UnixMilli(1), table: table{self: "me", expiry: 5 * time.Second, servers: map[string]*entry{}}}
}

func (s *said) say(key string, value any) (news, joined bool) {
	s.Helper()
	r, err := encode(key, value)
	if err != nil {
		s.Fatal(err)
	}
	s.offset++
	r.Offset = s.offset
	if news, joined, err = s.table.apply(&r, s.now); err != nil {
		s.Error(err)
	}
	return news, joined
}

func (s *said) owns(slot int32, want string) {
	s.Helper()
	if o, _ := s.table.owner(slot, s.now); o.Instance != want {
		s.Errorf("slot %d is of %q, want %q", slot, o.Instance, want)
	}
}

func slots(list ...int32) beat { return beat{Version: recordVersion, URL: "http://x", Slots: list} }

func TestOwner(t *testing.T) {
	s := newSaid(t)
	s.say("me", slots(0, 1, 2, 3))
	s.owns(1, "")
	if news, joined := s.say("a", slots(1, 2)); !news || !joined {
		t.Error("a server came, and that is no news")
	}
	if news, joined := s.say("a", slots(1, 2)); news || joined {
		t.Error("a beat that says nothing new is news")
	}
	s.owns(1, "a")
	s.say("b", slots(2))
	s.owns(2, "b") // who claimed it last
	s.say("a", slots(1, 2))
	s.owns(2, "b") // though the other still believes
	s.say("a", slots(1))
	s.say("a", slots(1, 2))
	s.owns(2, "a") // it came back
	s.now = s.now.Add(4 * time.Second)
	s.say("b", slots(2))
	s.now = s.now.Add(2 * time.Second)
	s.owns(2, "b") // the other has fallen silent
	s.owns(1, "")
	if _, joined := s.say("a", slots(1)); !joined {
		t.Error("a server that was dead is not taken for a new one")
	}
	s.owns(1, "a")
	if news, _ := s.say("b", nil); !news {
		t.Error("a server left, and that is no news")
	}
	s.owns(2, "")
	if list := s.table.list(s.now); len(list) != 1 || list[0].Instance != "a" || !list[0].Alive {
		t.Errorf("the servers are %+v", list)
	}
	s.now = s.now.Add(time.Minute)
	if list := s.table.list(s.now); len(list) != 1 || list[0].Alive {
		t.Errorf("of a dead server is left %+v", list)
	}
	s.now = s.now.Add(forgetAfter)
	if list := s.table.list(s.now); len(list) != 0 {
		t.Errorf("long after its death a server is shown: %+v", list)
	}
}

// TestStandby: of the copies that lack no more than is allowed each has its turn; those that lack more, or of which nothing was told, are asked when
// there is none better.
func TestStandby(t *testing.T) {
	s := newSaid(t)
	copies := func(server string, lags ...int64) {
		q := Query{}
		for p, lag := range lags {
			q.Standbys = append(q.Standbys, Task{Sub: "A", Partition: int32(p), Stores: []Position{{"S", 5, 5}, {"T", 7, 7 + lag}}})
		}
		s.say(server, beat{Version: recordVersion, Standbys: []int32{3}})
		if len(lags) > 0 {
			s.say(server+"/Q", tasks{recordVersion, q})
		}
	}
	asks := func(partition int32, allowed int64, want string) {
		t.Helper()
		got := ""
		for turn := range 4 {
			if o, ok := s.table.standby(Copy{3, "Q", "A", partition}, allowed, turn, s.now); ok {
				got += o.Instance
			}
		}
		if got != want {
			t.Errorf("of partition %d with at most %d: %q are asked, want %q", partition, allowed, got, want)
		}
	}
	asks(0, math.MaxInt64, "")
	copies("a", 0, 2*near, 50)
	copies("b", 3, 3*near, 3*near)
	copies("c", 0, 2*near, 100)
	copies("d") // has just come
	asks(0, math.MaxInt64, "abca")
	asks(0, 3, "abca")
	asks(0, 2, "acac")
	asks(1, math.MaxInt64, "acac") // all are far behind
	asks(2, 10, "aaaa")
	asks(2, 60, "aaaa")
	asks(7, math.MaxInt64, "abcd") // nobody has told of it
	s.now = s.now.Add(4 * time.Second)
	s.say("c", beat{Version: recordVersion, Standbys: []int32{3}})
	s.say("d", beat{Version: recordVersion, Standbys: []int32{4}})
	s.now = s.now.Add(2 * time.Second)
	asks(0, math.MaxInt64, "cccc") // the others are dead, or copy something else
}

func TestTasks(t *testing.T) {
	s := newSaid(t)
	list := []Task{{Sub: "A", Partition: 1, Stores: []Position{{"S", 3, 4}}}}
	s.say("a/Q", tasks{recordVersion, Query{State: "RUNNING", Tasks: list}}) // before its first beat
	s.say("a", slots(1))
	if q := s.table.list(s.now)[0].Queries; len(q) != 0 {
		t.Errorf("a server that was not known has the queries %v", q)
	}
	s.say("a/Q", tasks{recordVersion, Query{State: "RUNNING", Tasks: list}})
	if q := s.table.list(s.now)[0].Queries; len(q["Q"].Tasks) != 1 || q["Q"].State != "RUNNING" || q["Q"].Tasks[0].Stores[0] != list[0].Stores[0] {
		t.Errorf("the queries are %v", q)
	}
	s.say("a/Q", nil)
	if q := s.table.list(s.now)[0].Queries; len(q) != 0 {
		t.Errorf("after it was taken back the queries are %v", q)
	}
}

func TestRecordsThatCannotBeRead(t *testing.T) {
	s := newSaid(t)
	for _, value := range []string{"", "[", `{"v":2,"slots":[1]}`, `{"slots":[1]}`} {
		r := kafka.Record{Key: []byte("a"), Value: []byte(value)}
		if _, _, err := s.table.apply(&r, s.now); err == nil {
			t.Errorf("%q is a beat", value)
		}
	}
	s.owns(1, "")
}
