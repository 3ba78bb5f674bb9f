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
	stopped := false
	for seg := s.segment(from); seg <= to && !stopped; seg += s.segmentMillis() {
		first := max(from, seg)
		lower := appendTime(s.prefix(nil, seg, key), first)
		upper := append(appendTime(s.prefix(nil, seg, key), min(to, seg+s.segmentMillis()-1)), 255, 255, 255, 255, 255, 255, 255, 255, 255)
		err := s.scan(lower, upper, first > s.flushed, func(key, value []byte) bool {
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
