package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/kafka"
)

// Table is an output in a form that can be compared: rows of a stream with how often each is there, or rows of a table by key.
type Table map[string]string

// Tables are all outputs by name.
type Tables map[string]Table

// count adds a row to a stream's output.
func (t Table) count(row string) {
	n, _ := strconv.Atoi(t[row]) // "" is none
	t[row] = strconv.Itoa(n + 1)
}

// input is what the input topics hold in the end.
type input struct {
	events   []fact
	acks     map[string][]ack
	users    map[string]string
	accounts map[string]account
	places   map[string]string
	last     int64 // the latest time of an event
}

type fact struct {
	id   string
	at   int64
	user string
	amt  int64
}

type ack struct{ at, code int64 }

// readInput reads the input topics.
func (w EveryKind) readInput(ctx context.Context, c *kafka.Client) (*input, error) {
	in := &input{acks: map[string][]ack{}, users: map[string]string{}, accounts: map[string]account{}, places: map[string]string{}}
	err := w.read(ctx, c, "events", func(r *kafka.Record) error {
		var v sample
		err := json.Unmarshal(r.Value, &v)
		in.events = append(in.events, fact{string(r.Key), r.Timestamp, v.User, v.Amount})
		in.last = max(in.last, r.Timestamp)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = w.read(ctx, c, "acks", func(r *kafka.Record) error {
		var v struct{ Code int64 }
		err := json.Unmarshal(r.Value, &v)
		in.acks[string(r.Key)] = append(in.acks[string(r.Key)], ack{r.Timestamp, v.Code})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = readTable(ctx, c, w.Workload, "users", in.users, func(v struct{ Region string }) string { return v.Region })
	if err != nil {
		return nil, err
	}
	err = readTable(ctx, c, w.Workload, "places", in.places, func(v place) string { return v.City })
	if err != nil {
		return nil, err
	}
	return in, readTable(ctx, c, w.Workload, "accounts", in.accounts, func(v account) account { return v })
}

// readTable reads a table's topic: the last value of each key, where there is one.
func readTable[R, V any](ctx context.Context, c *kafka.Client, w Workload, topic string, into map[string]V, of func(R) V) error {
	return w.read(ctx, c, topic, func(r *kafka.Record) error {
		if r.Value == nil {
			delete(into, string(r.Key))
			return nil
		}
		var v R
		err := json.Unmarshal(r.Value, &v)
		into[string(r.Key)] = of(v)
		return err
	})
}

// compute is the batch computation: what the queries' outputs ought to be.
func (w EveryKind) compute(in *input) Tables {
	out := Tables{}
	for _, o := range outputs {
		out[o.name] = o.want(w, in)
	}
	return out
}

// observe reads the outputs back, committed records only.
func (w EveryKind) observe(ctx context.Context, c *kafka.Client) (Tables, error) {
	out := Tables{}
	for _, o := range outputs {
		t := Table{}
		out[o.name] = t
		if err := w.read(ctx, c, o.name, func(r *kafka.Record) error { return o.add(t, r) }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rows makes a stream's output, which each event may add to.
func (in *input) rows(add func(t Table, e fact)) Table {
	t := Table{}
	for _, e := range in.events {
		add(t, e)
	}
	return t
}

func wantBig(_ EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) {
		if e.amt%3 == 0 {
			t.count(stamp(e.at, e.id, e.user, e.amt))
		}
	})
}

func wantJoined(_ EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) {
		if region, ok := in.users[e.user]; ok {
			t.count(stamp(e.at, e.user, e.id, e.amt, region))
		}
	})
}

func wantMoved(_ EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) { t.count(stamp(e.at, e.user, e.id, e.amt)) })
}

func wantScored(w EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) { t.count(line(e.id, w.Labels[rowOf(e.id)])) })
}

// rowOf is the model's input that an event carries: the number at the end of its id.
func rowOf(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:]) // ids are ours
	return n
}

// matches adds the pairs of an event and its acknowledgements that lie within a time, and says whether there are any.
func (in *input) matches(t Table, e fact, within int64) bool {
	found := false
	for _, a := range in.acks[e.id] {
		if d := e.at - a.at; -within <= d && d <= within {
			found = true
			t.count(stamp(max(e.at, a.at), e.id, e.amt, a.code))
		}
	}
	return found
}

func wantPairs(_ EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) { in.matches(t, e, joinWithin) })
}

// over says that a row of an outer join waits no longer for a match.
func (in *input) over(at int64) bool { return at+outerWithin+grace < in.last }

func wantUnacked(_ EveryKind, in *input) Table {
	return in.rows(func(t Table, e fact) {
		if !in.matches(t, e, outerWithin) && in.over(e.at) {
			t.count(stamp(e.at, e.id, e.amt, nil))
		}
	})
}

func wantEither(w EveryKind, in *input) Table {
	t, known := wantUnacked(w, in), map[string]bool{}
	for _, e := range in.events {
		known[e.id] = true
	}
	for id, list := range in.acks {
		for _, a := range list {
			if !known[id] && in.over(a.at) { // an acknowledgement of an event is never too far from it
				t.count(stamp(a.at, id, nil, a.code))
			}
		}
	}
	return t
}

func wantMatched(_ EveryKind, in *input) Table {
	t := Table{}
	for u, home := range in.users {
		t[u] = line(home, nil, nil)
		if a, ok := in.accounts[u]; ok {
			t[u] = line(home, a.Region, a.Balance)
		}
	}
	return t
}

func wantOffices(_ EveryKind, in *input) Table {
	t := Table{}
	for u, a := range in.accounts {
		t[u] = line(a.Region, a.Balance, nil)
		if city, ok := in.places[a.Region]; ok {
			t[u] = line(a.Region, a.Balance, city)
		}
	}
	return t
}

// sums counts and adds up per key.
type sums map[string][2]int64

func (s sums) add(key string, amount int64) {
	v := s[key]
	s[key] = [2]int64{v[0] + 1, v[1] + amount}
}

func (s sums) table() Table {
	t := Table{}
	for k, v := range s {
		t[k] = line(v[0], v[1])
	}
	return t
}

func wantTotals(_ EveryKind, in *input) Table {
	s := sums{}
	for _, e := range in.events {
		s.add(e.user, e.amt)
	}
	return s.table()
}

func wantRegions(_ EveryKind, in *input) Table {
	s := sums{}
	for _, a := range in.accounts {
		s.add(a.Region, a.Balance)
	}
	return s.table()
}

func wantCounts(_ EveryKind, in *input) Table {
	s := sums{}
	for _, e := range in.events {
		s.add(window(e.user, e.at/WindowMillis*WindowMillis), e.amt)
	}
	return s.table()
}

func wantFinals(_ EveryKind, in *input) Table {
	s := sums{}
	for _, e := range in.events {
		if start := e.at / WindowMillis * WindowMillis; start+WindowMillis+grace <= in.last {
			s.add(window(e.user, start), e.amt)
		}
	}
	return s.table()
}

func wantExtremes(_ EveryKind, in *input) Table {
	type extremes struct{ low, high int64 }
	all := map[string]extremes{}
	for _, e := range in.events {
		for start := e.at / hopAdvance * hopAdvance; start > e.at-WindowMillis; start -= hopAdvance {
			key := window(e.user, start)
			x, ok := all[key]
			if !ok {
				x = extremes{e.amt, e.amt}
			}
			all[key] = extremes{min(x.low, e.amt), max(x.high, e.amt)}
		}
	}
	t := Table{}
	for key, x := range all {
		t[key] = line(x.low, x.high)
	}
	return t
}

// wantSessions puts events of a user together that lie no further apart than the gap.
func wantSessions(_ EveryKind, in *input) Table {
	byUser := map[string][]fact{}
	for _, e := range in.events {
		byUser[e.user] = append(byUser[e.user], e)
	}
	s := sums{}
	for user, list := range byUser {
		slices.SortFunc(list, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
		for first := 0; first < len(list); {
			end := first + 1
			for end < len(list) && list[end].at-list[end-1].at <= sessionGap {
				end++
			}
			for _, e := range list[first:end] {
				s.add(session(user, list[first].at, list[end-1].at), e.amt)
			}
			first = end
		}
	}
	return s.table()
}

// compare counts the rows in which outputs differ, and shows a few of each.
func compare(want, got Tables) (n int, shown []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		lines := differ(name, want[name], got[name])
		keys := maps.Clone(want[name])
		maps.Copy(keys, got[name])
		for k := range keys {
			if want[name][k] != got[name][k] {
				n++
			}
		}
		shown = append(shown, lines...)
	}
	return n, shown
}
