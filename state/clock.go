package state

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Keys of window, session and join stores begin with one of these bytes.
const (
	keyMeta  = 0 // the clock, one entry
	keyData  = 1 // an entry, by time first
	keyIndex = 2 // sessions by key first; empty values, not in the changelog, since Derive makes them again
)

var metaKey = []byte{keyMeta}

// clock is the stream time of a store, and with it the store's retention.
type clock struct {
	Retention
	now    int64  // largest time put
	seq    uint64 // rows put into a join store
	oldest int64  // no entry is older, as far as known
	// flushed is the largest time that the durable store may hold: what is younger is looked for in memory alone.
	flushed int64
}

func newClock(r Retention) clock {
	return clock{Retention: r, now: noTime, oldest: noTime, flushed: noTime}
}

// StreamTime is the largest time put.
func (c *clock) StreamTime() int64 { return c.now }

// advance moves stream time and says whether the time can still be put.
func (c *clock) advance(time int64) bool {
	c.now = max(c.now, time)
	if time < c.MinLive(c.now) {
		return false
	}
	c.oldest = min(c.oldest, time)
	return true
}

// shown is the smallest time that reads show.
func (c *clock) shown() int64 { return max(c.MinVisible(c.now), c.MinLive(c.now)) }

func (c *clock) encode() []byte {
	return binary.BigEndian.AppendUint64(appendTime(make([]byte, 0, 16), c.now), c.seq)
}

func (c *clock) decode(value []byte) error {
	if value == nil {
		return nil
	}
	if len(value) != 16 {
		return fmt.Errorf("stream time record of %d bytes, want 16", len(value))
	}
	c.now, c.seq = timeAt(value), binary.BigEndian.Uint64(value[8:])
	return nil
}

// appendTime writes a time so that byte order is time order.
func appendTime(dst []byte, time int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(time)^(1<<63))
}

func timeAt(b []byte) int64 { return int64(binary.BigEndian.Uint64(b) ^ (1 << 63)) }

// timeBound appends a prefix and the bound behind all entries with times <= to.
func timeBound(dst []byte, prefix byte, to int64) []byte {
	if to == math.MaxInt64 {
		return append(dst, prefix+1)
	}
	return appendTime(append(dst, prefix), to+1)
}

// appendSized writes a key so that no other key's entries lie among its own.
func appendSized(dst, key []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(key))), key...)
}
