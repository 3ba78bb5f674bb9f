package state

import "encoding/binary"

// A join row's entry: keyData, start of its segment, length of key, key, time, sequence number. A fetch reads one run in
// each of the few live segments; expiry takes whole segments.

type joinStore struct {
	*table
	*clock
	buf []byte
}

func (s *joinStore) prefix(dst []byte, segment int64, key []byte) []byte {
	return appendSized(appendTime(append(dst, keyData), segment), key)
}

func (s *joinStore) Put(time int64, key, value []byte) (bool, error) {
	if !s.advance(time) {
		return false, nil
	}
	s.seq++
	s.buf = appendTime(s.prefix(s.buf[:0], s.segment(time), key), time)
	s.buf = binary.BigEndian.AppendUint64(s.buf, s.seq)
	s.put(s.buf, value)
	return true, nil
}

func (s *joinStore) Fetch(key []byte, from, to int64, yield func(time int64, value []byte) bool) error {
	if s.now == noTime {
		return nil
	}
	from, to = max(from, s.shown()), min(to, s.now)
	bounds := s.takeBounds()
	defer func() { s.bounds = bounds }()
	stopped := false
	for seg := s.segment(from); seg <= to && !stopped; seg += s.segmentMillis() {
		first, last := max(from, seg), min(to, seg+s.segmentMillis()-1)
		bounds = appendTime(s.prefix(bounds[:0], seg, key), first)
		n := len(bounds)
		bounds = appendTime(append(bounds, bounds[:n-8]...), last)
		bounds = append(bounds, 255, 255, 255, 255, 255, 255, 255, 255, 255)
		err := s.scan(bounds[:n:n], bounds[n:], first > s.flushed, func(key, value []byte) bool {
			stopped = !yield(timeAt(key[len(key)-16:]), value)
			return !stopped
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *joinStore) expire(limit int) (bool, error) {
	keys, more, err := s.expired(s.clock, s.MinLive(s.now), limit)
	for _, k := range keys {
		s.remove(k)
	}
	return more, err
}
