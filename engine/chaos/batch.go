package chaos

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
	in := &input{acks: map[string][]ack{}, users: map[string]string{}, accounts: map[string]account{}}
	err := w.read(ctx, c, "users", func(r *kafka.Record) error {
		var v struct{ Region string }
		err := json.Unmarshal(r.Value, &v)
		in.users[string(r.Key)] = v.Region
		return err
	})
	if err != nil {
		return nil, err
	}
	err = w.read(ctx, c, "events", func(r *kafka.Record) error {
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
	return in, w.read(ctx, c, "accounts", func(r *kafka.Record) error {
		if r.Value == nil {
			delete(in.accounts, string(r.Key))
			return nil
		}
		var a account
		err := json.Unmarshal(r.Value, &a)
		in.accounts[string(r.Key)] = a
		return err
	})
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
		t[k] = fmt.Sprint(v[0], "/", v[1])
	}
	return t
}

// compute is the batch computation: what the queries' outputs ought to be.
func (w EveryKind) compute(in *input) Tables {
	big, joined, pairs, scored := Table{}, Table{}, Table{}, Table{}
	counts, totals, finals, regions := sums{}, sums{}, sums{}, sums{}
	for _, e := range in.events {
		if e.amt%3 == 0 {
			big.count(fmt.Sprint(e.id, " ", e.user, " ", e.amt, " @", e.at))
		}
		if region, ok := in.users[e.user]; ok {
			joined.count(fmt.Sprint(e.id, " ", e.user, " ", e.amt, " ", region, " @", e.at))
		}
		counts.add(fmt.Sprint(e.user, "@", e.at/WindowMillis*WindowMillis), e.amt)
		totals.add(e.user, e.amt)
		if start := e.at / finalSize * finalSize; start+finalSize+finalGrace <= in.last {
			finals.add(fmt.Sprint(e.user, "@", start), e.amt)
		}
		for _, a := range in.acks[e.id] {
			if d := e.at - a.at; -joinWithin <= d && d <= joinWithin {
				pairs.count(fmt.Sprint(e.id, " ", e.amt, " ", a.code, " @", max(e.at, a.at)))
			}
		}
		scored.count(fmt.Sprint(e.id, " ", w.Labels[rowOf(e.id)]))
	}
	matched := Table{}
	for u, home := range in.users {
		matched[u] = home
		if a, ok := in.accounts[u]; ok {
			matched[u] += fmt.Sprint(" ", a.Region, " ", a.Balance)
		}
	}
	for _, a := range in.accounts {
		regions.add(a.Region, a.Balance)
	}
	return Tables{
		"big": big, "joined": joined, "pairs": pairs, "scored": scored, "counts": counts.table(), "totals": totals.table(),
		"finals": finals.table(), "regions": regions.table(), "matched": matched, "sessions": sessions(in.events),
	}
}

// rowOf is the model's input that an event carries: the number at the end of its id.
func rowOf(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:]) // ids are ours
	return n
}

// sessions puts events of a user together that lie no further apart than the gap.
func sessions(events []fact) Table {
	byUser := map[string][]fact{}
	for _, e := range events {
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
				s.add(fmt.Sprint(user, "@", list[first].at, "-", list[end-1].at), e.amt)
			}
			first = end
		}
	}
	return s.table()
}

// row is any output's value.
type row struct {
	ID, Usr, Region, Home string
	Amount, Code, N       int64
	Total                 int64
	Balance               *int64
	Score                 struct {
		Label int64 `json:"OUTPUT_LABEL"`
	}
}

// observe reads the outputs back, committed records only.
func (w EveryKind) observe(ctx context.Context, c *kafka.Client) (Tables, error) {
	out := Tables{}
	for _, name := range append([]string{"big", "joined", "counts"}, outputs...) {
		t := Table{}
		out[name] = t
		err := w.read(ctx, c, name, func(r *kafka.Record) error {
			var v row
			if r.Value != nil {
				if err := json.Unmarshal(r.Value, &v); err != nil {
					return err
				}
			}
			return t.apply(name, r, &v)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// apply adds a record to an output.
func (t Table) apply(name string, r *kafka.Record, v *row) error {
	key := string(r.Key)
	switch name {
	case "big":
		t.count(fmt.Sprint(key, " ", v.Usr, " ", v.Amount, " @", r.Timestamp))
		return nil
	case "joined":
		t.count(fmt.Sprint(v.ID, " ", key, " ", v.Amount, " ", v.Region, " @", r.Timestamp))
		return nil
	case "pairs":
		t.count(fmt.Sprint(key, " ", v.Amount, " ", v.Code, " @", r.Timestamp))
		return nil
	case "scored":
		t.count(fmt.Sprint(key, " ", v.Score.Label))
		return nil
	case "counts", "finals":
		if len(key) < 8 {
			return fmt.Errorf("key %q has no window", key)
		}
		cut := len(key) - 8
		key = fmt.Sprint(key[:cut], "@", int64(binary.BigEndian.Uint64(r.Key[cut:])))
	case "sessions":
		if len(key) < 16 {
			return fmt.Errorf("key %q has no session", key)
		}
		cut := len(key) - 16
		end, start := binary.BigEndian.Uint64(r.Key[cut:]), binary.BigEndian.Uint64(r.Key[cut+8:])
		key = fmt.Sprint(key[:cut], "@", int64(start), "-", int64(end))
	}
	switch {
	case r.Value == nil:
		delete(t, key)
	case name == "matched":
		t[key] = v.Home
		if v.Balance != nil {
			t[key] += fmt.Sprint(" ", v.Region, " ", *v.Balance)
		}
	case name == "finals" && t[key] != "":
		return fmt.Errorf("%s was final before", key)
	default:
		t[key] = fmt.Sprint(v.N, "/", v.Total)
	}
	return nil
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
