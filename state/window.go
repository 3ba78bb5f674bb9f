package state

// A window's entry: keyData, start, key.

type windowReader struct {
	*reader
	*clock
	buf []byte
}

func (s *windowReader) at(start int64, key []byte) []byte {
	s.buf = append(appendTime(append(s.buf[:0], keyData), start), key...)
	return s.buf
}

func (s *windowReader) Get(start int64, key []byte) ([]byte, error) {
	if start < s.shown() {
		return nil, nil
	}
	return s.get(s.at(start, key), start > s.flushed)
}

func (s *windowReader) GetMany(starts []int64, keys, values [][]byte) error {
	for i, key := range keys {
		v, err := s.Get(starts[i], key)
		if err != nil {
			return err
		}
		values[i] = v
	}
	return nil
}

// Fetch leaps from start to start: an ordered read finds the next one, a point read asks for the key in it.
func (s *windowReader) Fetch(key []byte, from, to int64, yield func(start int64, value []byte) bool) error {
	for from = max(from, s.shown()); from <= to; from++ {
		found := false
		err := s.Scan(from, to, func(start int64, _, _ []byte) bool {
			from, found = start, true
			return false
		})
		if err != nil || !found {
			return err
		}
		value, err := s.Get(from, key)
		if err != nil {
			return err
		}
		if value != nil && !yield(from, value) || from == to {
			return nil
		}
	}
	return nil
}

func (s *windowReader) Scan(from, to int64, yield func(start int64, key, value []byte) bool) error {
	from = max(from, s.shown())
	if from > to {
		return nil
	}
	return s.resume(from, nil, to, yield)
}

// resume yields all windows from (start, key) on.
func (s *windowReader) resume(start int64, key []byte, to int64, yield func(start int64, key, value []byte) bool) error {
	lower, upper := append(appendTime([]byte{keyData}, start), key...), timeBound(nil, keyData, to)
	return s.scan(lower, upper, start > s.flushed, func(key, value []byte) bool {
		return yield(timeAt(key[1:]), key[9:], value)
	})
}

type windowStore struct {
	windowReader
	t    *table
	kept int64 // windows from this start on are not removed
}

func (s *windowStore) Shown() int64     { return s.shown() }
func (s *windowStore) Keep(start int64) { s.kept = start }

func (s *windowStore) Resume(start int64, key []byte, to int64, yield func(start int64, key, value []byte) bool) error {
	return s.resume(start, key, to, yield)
}

func (s *windowStore) Put(start int64, key, value []byte) (bool, error) {
	ok := s.advance(start)
	if ok {
		s.t.put(s.at(start, key), value)
	}
	return ok, nil
}

func (s *windowStore) Delete(start int64, key []byte) error {
	s.t.remove(s.at(start, key))
	return nil
}

// expire removes up to limit windows that can be put no more and says whether there may be others.
func (s *windowStore) expire(limit int) (bool, error) {
	keys, more, err := s.t.expired(s.clock, min(s.MinLive(s.now), s.kept), limit)
	for _, k := range keys {
		s.t.remove(k)
	}
	return more, err
}

// expired collects the keys of entries whose time is before live, the end of what retention has passed; all of them begin with a time.
func (t *table) expired(c *clock, live int64, limit int) (keys [][]byte, more bool, err error) {
	if c.oldest >= live {
		return nil, false, nil
	}
	to := appendTime([]byte{keyData}, live)
	err = t.scan([]byte{keyData}, to, false, func(key, _ []byte) bool {
		if more = len(keys) == limit; more {
			return false
		}
		keys = append(keys, append([]byte(nil), key...))
		return true
	})
	if err == nil && !more {
		c.oldest = live
	}
	return keys, more, err
}
