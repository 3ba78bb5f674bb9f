package state

// Contracts that all stores share.
//
// A store belongs to its task's goroutine, except where a View hands out a reader.
//
// Arguments are copied: the caller may reuse keys and values as soon as the call returns.
//
// Values and keys that a store returns alias its memory. Do not write to them. A value stays valid until the next Put or
// Delete of the same key, or until the task's Commit or Abort; a reader's until its View is closed. Inside a yield function
// they are valid until it returns, if the key is written to afterwards.
//
// A value of nil means: absent. A stored empty value comes back empty and not nil.
//
// A yield function returns false to stop. It must not write to the store it iterates over: collect first.
//
// Errors come from the durable store alone (disk, corruption). A task that got one must be aborted.

// KeyValueReader is the reading half of a [KeyValueStore].
type KeyValueReader interface {
	// Get returns the value of key, or nil.
	Get(key []byte) ([]byte, error)
	// GetMany sets values[i] to the value of keys[i], or to nil. Ask once per distinct key of a batch: what the layers
	// do not hold is read from disk in key order.
	GetMany(keys, values [][]byte) error
	// Range yields the entries with from <= key < to in the order of key bytes. Nil bounds are open.
	Range(from, to []byte, yield func(key, value []byte) bool) error
}

// KeyValueStore maps keys to values: tables, unwindowed aggregates.
type KeyValueStore interface {
	KeyValueReader
	// Put sets the value of key.
	Put(key, value []byte) error
	// Delete removes key, if it is there.
	Delete(key []byte) error
}

// WindowReader is the reading half of a [WindowStore]. It hides what retention has passed, see [Retention].
type WindowReader interface {
	// Get returns the value of key in the window that starts at start, or nil.
	Get(start int64, key []byte) ([]byte, error)
	// GetMany is Get for many, as [KeyValueReader].GetMany.
	GetMany(starts []int64, keys, values [][]byte) error
	// Fetch yields the windows of one key with from <= start <= to, by start. Its cost grows with the number of
	// distinct starts, not with the number of keys.
	Fetch(key []byte, from, to int64, yield func(start int64, value []byte) bool) error
	// Scan yields all windows with from <= start <= to, by start, then by key bytes.
	Scan(from, to int64, yield func(start int64, key, value []byte) bool) error
	// StreamTime is the largest start that was ever put, or math.MinInt64.
	StreamTime() int64
}

// WindowStore maps (window start, key) to a value: TUMBLING and HOPPING aggregates. Start is milliseconds since the epoch;
// any number that orders entries in time will do.
type WindowStore interface {
	WindowReader
	// Put sets the value of a window. It reports false, and stores nothing, for a start that is past retention.
	Put(start int64, key, value []byte) (bool, error)
	// Delete removes a window, if it is there.
	Delete(start int64, key []byte) error
	// Shown is the smallest start that reads show now.
	Shown() int64
	// Keep says that windows from start on stay for Resume, also past their retention, until it is called again;
	// math.MaxInt64: none has to. It is no part of a commit: say it again after one was dropped.
	Keep(start int64)
	// Resume is Scan from the window (start, key) on, and yields what retention hides too.
	Resume(start int64, key []byte, to int64, yield func(start int64, key, value []byte) bool) error
}

// SessionReader is the reading half of a [SessionStore]. Fetch and Get hide what retention has passed, by session end.
type SessionReader interface {
	// Get returns the value of exactly this session, or nil.
	Get(key []byte, start, end int64) ([]byte, error)
	// Fetch yields the sessions of one key with end >= endFrom and start <= startTo, by end, then start.
	Fetch(key []byte, endFrom, startTo int64, yield func(start, end int64, value []byte) bool) error
	// Scan yields all sessions with endFrom <= end <= endTo, by end, start, then key bytes. It shows sessions until they
	// are removed for good, as ksqlDB's EMIT FINAL does.
	Scan(endFrom, endTo int64, yield func(start, end int64, key, value []byte) bool) error
	// StreamTime is the largest end that was ever put or removed, or math.MinInt64.
	StreamTime() int64
}

// SessionStore maps (key, session start, session end) to a value.
type SessionStore interface {
	SessionReader
	// Put sets the value of a session. It reports false, and stores nothing, if its end is past retention.
	Put(key []byte, start, end int64, value []byte) (bool, error)
	// Remove deletes a session, if it is there.
	Remove(key []byte, start, end int64) error
	// Shown is the smallest end that Scan shows now.
	Shown() int64
	// Keep and Resume are those of [WindowStore], by end, then start, then key.
	Keep(end int64)
	Resume(end, start int64, key []byte, endTo int64, yield func(start, end int64, key, value []byte) bool) error
}

// JoinStore keeps every row of one side of a stream-stream join, equal ones too.
type JoinStore interface {
	// Put adds a row. It reports false, and stores nothing, if time is past retention.
	Put(time int64, key, value []byte) (bool, error)
	// Fetch yields the rows of one key with from <= time <= to, by time, then in order of arrival. It hides what
	// retention has passed.
	Fetch(key []byte, from, to int64, yield func(time int64, value []byte) bool) error
	// StreamTime is the largest time that was ever put, or math.MinInt64.
	StreamTime() int64
}

// Stores hands a task's operators their stores. The operators ask once, when they are made; a store must be among
// the Specs of the task and of the kind asked for.
type Stores interface {
	KeyValue(id string) (KeyValueStore, error)
	Window(id string) (WindowStore, error)
	Session(id string) (SessionStore, error)
	Join(id string) (JoinStore, error)
}
