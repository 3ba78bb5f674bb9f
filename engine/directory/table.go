package directory

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// forgetAfter is how long a dead server is still shown.
const forgetAfter = 10 * time.Minute

// table is what the records said so far. It knows no clock and no lock.
type table struct {
	self    string // whose records are passed over
	expiry  time.Duration
	servers map[string]*entry
}

type entry struct {
	Server
	claims map[int32]int64 // the offset of the beat since which a slot is claimed
}

// apply takes a record in. News says that who owns what may have changed, joined that a server came which was not there.
func (t *table) apply(r *kafka.Record, now time.Time) (news, joined bool, err error) {
	instance, query := cutKey(r.Key)
	if instance == t.self {
		return false, false, nil
	}
	e := t.servers[instance]
	switch {
	case query != "":
		if e == nil {
			return false, false, nil // its next beat makes it known, and then it writes this again
		}
		return false, false, e.query(query, r.Value)
	case r.Value == nil:
		delete(t.servers, instance)
		return e != nil, false, nil
	}
	var b beat
	if err := decode(r.Value, &b); err != nil {
		return false, false, fmt.Errorf("beat of %s: %w", instance, err)
	}
	if joined = e == nil || !t.alive(e, now); joined {
		e = &entry{Server: Server{Instance: instance, Queries: map[string]Query{}}}
		t.servers[instance] = e
	}
	news = joined || e.URL != b.URL || !slices.Equal(e.Slots, b.Slots) || !slices.Equal(e.Standbys, b.Standbys)
	claims := map[int32]int64{}
	for _, slot := range b.Slots {
		claims[slot] = r.Offset
		if since, ok := e.claims[slot]; ok {
			claims[slot] = since
		}
	}
	e.URL, e.Slots, e.Standbys, e.Seen, e.claims = b.URL, b.Slots, b.Standbys, now, claims
	return news, joined, nil
}

// query takes in how a query is doing.
func (e *entry) query(id string, value []byte) error {
	if value == nil {
		delete(e.Queries, id)
		return nil
	}
	var v tasks
	if err := decode(value, &v); err != nil {
		return fmt.Errorf("tasks of %s on %s: %w", id, e.Instance, err)
	}
	e.Queries[id] = v.Query
	return nil
}

func (t *table) alive(e *entry, now time.Time) bool { return now.Sub(e.Seen) < t.expiry }

// owner finds the server that claims a slot. Of several it is the one that claimed it last: the others have yet to notice.
func (t *table) owner(slot int32, now time.Time) (Server, bool) {
	var best *entry
	for _, e := range t.servers {
		since, ok := e.claims[slot]
		if ok && t.alive(e, now) && (best == nil || since > best.claims[slot]) {
			best = e
		}
	}
	if best == nil {
		return Server{}, false
	}
	return t.server(best, now), true
}

// Copy names the copy of a task's state.
type Copy struct {
	Slot       int32
	Query, Sub string
	Partition  int32
}

// near is a lag that is as good as none, unless a reader allows less: servers tell of it every few seconds only.
const near = 10_000

// standby finds a server that keeps a copy of a task's state, of several as good ones another one at each turn.
func (t *table) standby(of Copy, allowed int64, turn int, now time.Time) (Server, bool) {
	var best []*entry
	least := int64(math.MaxInt64)
	for _, e := range t.servers {
		if !t.alive(e, now) || !slices.Contains(e.Standbys, of.Slot) {
			continue
		}
		lag := max(e.lag(of), min(allowed, near))
		if lag < least {
			best, least = nil, lag
		}
		if lag == least {
			best = append(best, e)
		}
	}
	if len(best) == 0 {
		return Server{}, false
	}
	slices.SortFunc(best, func(a, b *entry) int { return cmp.Compare(a.Instance, b.Instance) })
	return t.server(best[turn%len(best)], now), true
}

// lag is how many offsets of a changelog a copy lacked when its server last told, of the store that lacked most; the most there is if it has not told.
func (e *entry) lag(of Copy) int64 {
	for _, c := range e.Queries[of.Query].Standbys {
		if c.Sub == of.Sub && c.Partition == of.Partition {
			lag := int64(0)
			for _, st := range c.Stores {
				lag = max(lag, st.End-st.At)
			}
			return lag
		}
	}
	return math.MaxInt64
}

// list gives all servers that are known, sorted, and forgets those dead for long.
func (t *table) list(now time.Time) []Server {
	maps.DeleteFunc(t.servers, func(_ string, e *entry) bool { return now.Sub(e.Seen) > forgetAfter })
	var all []Server
	for _, e := range t.servers {
		all = append(all, t.server(e, now))
	}
	slices.SortFunc(all, func(a, b Server) int { return cmp.Compare(a.Instance, b.Instance) })
	return all
}

func (t *table) server(e *entry, now time.Time) Server {
	s := e.Server
	s.Alive, s.Queries = t.alive(e, now), maps.Clone(e.Queries)
	return s
}
