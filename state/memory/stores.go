package memory

import (
	"cmp"
	"math"
	"strings"

	"github.com/millrace/millrace/state"
)

type keyValue struct{ sorted[string] }

func newKeyValue() *keyValue {
	return &keyValue{sorted[string]{compare: strings.Compare}}
}

func (*keyValue) kind() state.Kind { return state.KeyValue }

func (s *keyValue) Get(key []byte) ([]byte, error) { return s.get(string(key)), nil }

func (s *keyValue) GetMany(keys, values [][]byte) error {
	for i, k := range keys {
		values[i] = s.get(string(k))
	}
	return nil
}

func (s *keyValue) Put(key, value []byte) error {
	s.set(string(key), clone(value))
	return nil
}

func (s *keyValue) Delete(key []byte) error {
	s.set(string(key), nil)
	return nil
}

func (s *keyValue) Range(from, to []byte, yield func(key, value []byte) bool) error {
	s.from(string(from), func(k string, v []byte) bool {
		return (to == nil || k < string(to)) && yield([]byte(k), v)
	})
	return nil
}

type windowKey struct {
	start int64
	key   string
}

type window struct {
	sorted[windowKey]
	clock
}

func newWindow(r state.Retention) *window {
	compare := func(a, b windowKey) int {
		return cmp.Or(cmp.Compare(a.start, b.start), strings.Compare(a.key, b.key))
	}
	return &window{sorted[windowKey]{compare: compare}, newClock(r)}
}

func (*window) kind() state.Kind { return state.Window }

func (s *window) commit() { s.sorted.commit(); s.committed = s.now }
func (s *window) abort()  { s.sorted.abort(); s.now = s.committed }

func (s *window) Get(start int64, key []byte) ([]byte, error) {
	if !s.visible(start) {
		return nil, nil
	}
	return s.get(windowKey{start, string(key)}), nil
}

func (s *window) GetMany(starts []int64, keys, values [][]byte) error {
	for i, k := range keys {
		values[i], _ = s.Get(starts[i], k)
	}
	return nil
}

func (s *window) Put(start int64, key, value []byte) (bool, error) {
	ok := s.advance(start)
	if ok {
		s.set(windowKey{start, string(key)}, clone(value))
	}
	return ok, nil
}

func (s *window) Delete(start int64, key []byte) error {
	s.set(windowKey{start, string(key)}, nil)
	return nil
}

func (s *window) Fetch(key []byte, from, to int64, yield func(start int64, value []byte) bool) error {
	return s.Scan(from, to, func(start int64, k, value []byte) bool {
		return string(k) != string(key) || yield(start, value)
	})
}

func (s *window) Scan(from, to int64, yield func(start int64, key, value []byte) bool) error {
	s.from(windowKey{start: from}, func(k windowKey, v []byte) bool {
		return k.start <= to && (!s.visible(k.start) || yield(k.start, []byte(k.key), v))
	})
	return nil
}

func (s *window) Shown() int64 { return max(s.MinVisible(s.now), s.MinLive(s.now)) }

func (s *window) Resume(start int64, key []byte, to int64, yield func(start int64, key, value []byte) bool) error {
	s.from(windowKey{start, string(key)}, func(k windowKey, v []byte) bool {
		return k.start <= to && yield(k.start, []byte(k.key), v)
	})
	return nil
}

type sessionKey struct {
	end, start int64
	key        string
}

type session struct {
	sorted[sessionKey]
	clock
}

func newSession(r state.Retention) *session {
	compare := func(a, b sessionKey) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start), strings.Compare(a.key, b.key))
	}
	return &session{sorted[sessionKey]{compare: compare}, newClock(r)}
}

func (*session) kind() state.Kind { return state.Session }

func (s *session) commit() { s.sorted.commit(); s.committed = s.now }
func (s *session) abort()  { s.sorted.abort(); s.now = s.committed }

func (s *session) Get(key []byte, start, end int64) ([]byte, error) {
	if !s.visible(end) {
		return nil, nil
	}
	return s.get(sessionKey{end, start, string(key)}), nil
}

func (s *session) Fetch(key []byte, endFrom, startTo int64, yield func(start, end int64, value []byte) bool) error {
	s.from(sessionKey{end: endFrom, start: math.MinInt64}, func(k sessionKey, v []byte) bool {
		return k.start > startTo || k.key != string(key) || !s.visible(k.end) || yield(k.start, k.end, v)
	})
	return nil
}

func (s *session) Scan(endFrom, endTo int64, yield func(start, end int64, key, value []byte) bool) error {
	s.from(sessionKey{end: endFrom, start: math.MinInt64}, func(k sessionKey, v []byte) bool {
		return k.end <= endTo && (!s.live(k.end) || yield(k.start, k.end, []byte(k.key), v))
	})
	return nil
}

func (s *session) Put(key []byte, start, end int64, value []byte) (bool, error) {
	ok := s.advance(end)
	if ok {
		s.set(sessionKey{end, start, string(key)}, clone(value))
	}
	return ok, nil
}

func (s *session) Remove(key []byte, start, end int64) error {
	s.advance(end)
	s.set(sessionKey{end, start, string(key)}, nil)
	return nil
}

func (s *session) Shown() int64 { return s.MinLive(s.now) }

func (s *session) Resume(end, start int64, key []byte, endTo int64, yield func(start, end int64, key, value []byte) bool) error {
	s.from(sessionKey{end, start, string(key)}, func(k sessionKey, v []byte) bool {
		return k.end <= endTo && yield(k.start, k.end, []byte(k.key), v)
	})
	return nil
}

type joinKey struct {
	key       string
	time, seq int64
}

type join struct {
	sorted[joinKey]
	clock
	seq int64
}

func newJoin(r state.Retention) *join {
	compare := func(a, b joinKey) int {
		return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
	}
	return &join{sorted: sorted[joinKey]{compare: compare}, clock: newClock(r)}
}

func (*join) kind() state.Kind { return state.Join }

func (s *join) commit() { s.sorted.commit(); s.committed = s.now }
func (s *join) abort()  { s.sorted.abort(); s.now = s.committed }

func (s *join) Put(time int64, key, value []byte) (bool, error) {
	ok := s.advance(time)
	if ok {
		s.seq++
		s.set(joinKey{string(key), time, s.seq}, clone(value))
	}
	return ok, nil
}

func (s *join) Fetch(key []byte, from, to int64, yield func(time int64, value []byte) bool) error {
	s.from(joinKey{string(key), from, 0}, func(k joinKey, v []byte) bool {
		return k.key == string(key) && k.time <= to && (!s.visible(k.time) || yield(k.time, v))
	})
	return nil
}
