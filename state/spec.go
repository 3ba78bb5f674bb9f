package state

import (
	"fmt"
	"math"
)

// Kind is the kind of a store.
type Kind string

// The kinds of stores.
const (
	KeyValue Kind = "KEY_VALUE"
	Window   Kind = "WINDOW"
	Session  Kind = "SESSION"
	Join     Kind = "JOIN"
)

// Spec describes a store of a task. It is part of a query's topology.
type Spec struct {
	// ID is stable and unique within its query: the operator's id, perhaps with a suffix ("join-1-left").
	ID        string
	Kind      Kind
	Retention Retention `json:",omitzero"` // of all kinds but KeyValue
}

// Retention says how long a store shows its entries, by the store's own stream time: the largest time that was put, where time
// is a window's start, a session's end, or a join row's timestamp.
//
// An entry is hidden from reads if its time < StreamTime - Millis + 1 (+ 0 if Final). It is put no more, and removed for
// good, once its whole segment is older than the one of StreamTime - Millis; segments are max(Millis/2, 60000) long. Both are
// visible in results, so both are ksqlDB's rules to the millisecond.
type Retention struct {
	Millis int64 // window: size + grace or the RETENTION clause; session: gap + grace; join: before + after + grace
	Final  bool  `json:",omitempty"` // the store of an EMIT FINAL window, which shows one millisecond more
}

// noTime is the stream time of a store that nothing was put into.
const noTime = math.MinInt64

// MinVisible is the smallest time that reads show at a stream time.
func (r Retention) MinVisible(streamTime int64) int64 {
	if streamTime == noTime {
		return noTime
	}
	if r.Final {
		return streamTime - r.Millis
	}
	return streamTime - r.Millis + 1
}

// MinLive is the smallest time that can still be put at a stream time: the start of the oldest live segment.
func (r Retention) MinLive(streamTime int64) int64 {
	if streamTime == noTime {
		return noTime
	}
	return r.segment(streamTime - r.Millis)
}

func (r Retention) segmentMillis() int64 { return max(r.Millis/2, 60_000) }

// segment is the start of the segment that a time is in.
func (r Retention) segment(time int64) int64 {
	length := r.segmentMillis()
	id := time / length
	if time%length < 0 {
		id--
	}
	return id * length
}

// KindError says that a store was asked for that the task has not, or not in this kind.
type KindError struct {
	ID   string
	Want Kind
	Have Kind // empty: no such store
}

func (e *KindError) Error() string {
	if e.Have == "" {
		return fmt.Sprintf("open store %s: the task has no such store", e.ID)
	}
	return fmt.Sprintf("open store %s: it is a %s store, not %s", e.ID, e.Have, e.Want)
}
