package state

import "math"

// A session's entry: keyData, end, start, key. Its index entry: keyIndex, length of key, key, end, start.

type sessionReader struct {
	*reader
	*clock
	buf []byte
}

func sessionKey(dst, key []byte, start, end int64) []byte {
	return append(appendTime(appendTime(append(dst, keyData), end), start), key...)
}

func sessionIndex(dst, key []byte, start, end int64) []byte {
	return appendTime(appendTime(appendSized(append(dst, keyIndex), key), end), start)
}

func (s *sessionReader) Get(key []byte, start, end int64) ([]byte, error) {
	if end < s.shown() {
		return nil, nil
	}
	s.buf = sessionKey(s.buf[:0], key, start, end)
	return s.get(s.buf, end > s.flushed)
}

func (s *sessionReader) Fetch(key []byte, endFrom, startTo int64, yield func(start, end int64, value []byte) bool) error {
	endFrom = max(endFrom, s.shown())
	bounds := sessionIndex(s.takeBounds(), key, math.MinInt64, endFrom)
	defer func() { s.bounds = bounds }()
	n := len(bounds)
	bounds = append(sessionIndex(bounds, key, math.MaxInt64, math.MaxInt64), 0)
	var failed error
	err := s.scan(bounds[:n:n], bounds[n:], endFrom > s.flushed, func(index, _ []byte) bool {
		tail := index[len(index)-16:]
		end, start := timeAt(tail), timeAt(tail[8:])
		if start > startTo {
			return true
		}
		value, err := s.Get(key, start, end)
		if err != nil {
			failed = err
			return false
		}
		return yield(start, end, value)
	})
	if failed != nil {
		return failed
	}
	return err
}

func (s *sessionReader) Scan(endFrom, endTo int64, yield func(start, end int64, key, value []byte) bool) error {
	endFrom = max(endFrom, s.MinLive(s.now))
	if endFrom > endTo {
		return nil
	}
	return s.resume(endFrom, math.MinInt64, nil, endTo, yield)
}

// resume yields all sessions from (end, start, key) on.
func (s *sessionReader) resume(end, start int64, key []byte, endTo int64, yield func(start, end int64, key, value []byte) bool) error {
	return s.scan(sessionKey(nil, key, start, end), timeBound(nil, keyData, endTo), end > s.flushed, func(key, value []byte) bool {
		return yield(timeAt(key[9:]), timeAt(key[1:]), key[17:], value)
	})
}

type sessionStore struct {
	sessionReader
	t    *table
	kept int64 // sessions from this end on are not removed
}

func (s *sessionStore) Shown() int64   { return s.MinLive(s.now) }
func (s *sessionStore) Keep(end int64) { s.kept = end }

func (s *sessionStore) Resume(end, start int64, key []byte, endTo int64, yield func(start, end int64, key, value []byte) bool) error {
	return s.resume(end, start, key, endTo, yield)
}

func (s *sessionStore) Put(key []byte, start, end int64, value []byte) (bool, error) {
	if !s.advance(end) {
		return false, nil
	}
	s.buf = sessionKey(s.buf[:0], key, start, end)
	s.t.put(s.buf, value)
	s.buf = sessionIndex(s.buf[:0], key, start, end)
	s.t.put(s.buf, nil)
	return true, nil
}

func (s *sessionStore) Remove(key []byte, start, end int64) error {
	s.advance(end)
	s.drop(key, start, end)
	return nil
}

func (s *sessionStore) drop(key []byte, start, end int64) {
	s.buf = sessionKey(s.buf[:0], key, start, end)
	s.t.remove(s.buf)
	s.buf = sessionIndex(s.buf[:0], key, start, end)
	s.t.remove(s.buf)
}

func (s *sessionStore) expire(limit int) (bool, error) {
	keys, more, err := s.t.expired(s.clock, min(s.MinLive(s.now), s.kept), limit)
	for _, k := range keys {
		s.drop(k[17:], timeAt(k[9:]), timeAt(k[1:]))
	}
	return more, err
}

// Derive gives the further entry that a store keeps beside one from its changelog, or nil: a restore must write both. A
// nil value of the changelog's entry deletes the derived one too; its value is otherwise empty.
func (s Spec) Derive(key []byte) []byte {
	if s.Kind != Session || len(key) < 17 || key[0] != keyData {
		return nil
	}
	return sessionIndex(nil, key[17:], timeAt(key[9:]), timeAt(key[1:]))
}

// derived says whether an entry is one that Derive makes.
func (s Spec) derived(key []byte) bool { return s.Kind == Session && key[0] == keyIndex }
