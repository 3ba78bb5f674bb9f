package directory

import (
	"cmp"
	"maps"
)

// Query is what a server has of a query.
type Query struct {
	State   string  `json:"state,omitempty"` // RUNNING, RESTORING, PAUSED or ERROR
	Error   string  `json:"error,omitempty"`
	Figures Figures `json:"figures"`
	Tasks   []Task  `json:"tasks"`
	// Standbys are the copies that the server keeps of the stores of other servers' tasks.
	Standbys []Task `json:"standbys,omitempty"`
}

// Figures are what a query has done and what it holds, on one server or on several. Records in and out are those that commits have passed
// since the servers were started.
type Figures struct {
	Tasks               int     `json:"tasks"`
	RecordsIn           int64   `json:"recordsIn"`           // of the sources
	RecordsOut          int64   `json:"recordsOut"`          // to the sink
	RecordsInPerSecond  float64 `json:"recordsInPerSecond"`  // lately
	RecordsOutPerSecond float64 `json:"recordsOutPerSecond"` // lately
	BadRecords          int64   `json:"badRecords"`
	LateRecords         int64   `json:"lateRecords"`
	DeadLetters         int64   `json:"deadLetters"`
	// Lag is the number of offsets between what is committed and what can be read, by topic; internal topics are among them.
	Lag map[string]int64 `json:"lag"`
	// StreamTime is the latest event time that any task has come to, and Watermark that of the task which is the furthest behind, in ms since
	// the epoch. Tasks without a record do not count; nil: none has had one.
	Watermark  *int64 `json:"watermark,omitempty"`
	StreamTime *int64 `json:"streamTime,omitempty"`
	LastCommit int64  `json:"lastCommit,omitempty"` // ms since the epoch; 0: none since the tasks were started
	Memory     Memory `json:"memory"`
	DiskBytes  int64  `json:"diskBytes"` // about what the query's stores take in the files of the local store
}

// Memory is where a query's bytes are.
type Memory struct {
	Open      int64 `json:"open"`      // changed and written since the last commit
	Committed int64 `json:"committed"` // committed state that is not on disk yet
	Operators int64 `json:"operators"` // groups that aggregations keep at hand
	Waiting   int64 `json:"waiting"`   // records that were fetched and not processed
}

// Total is the sum.
func (m Memory) Total() int64 { return m.Open + m.Committed + m.Operators + m.Waiting }

// Add puts what is elsewhere to it.
func (f *Figures) Add(o Figures) {
	f.Tasks += o.Tasks
	f.RecordsIn, f.RecordsOut = f.RecordsIn+o.RecordsIn, f.RecordsOut+o.RecordsOut
	f.RecordsInPerSecond += o.RecordsInPerSecond
	f.RecordsOutPerSecond += o.RecordsOutPerSecond
	f.BadRecords, f.LateRecords, f.DeadLetters = f.BadRecords+o.BadRecords, f.LateRecords+o.LateRecords, f.DeadLetters+o.DeadLetters
	lag := maps.Clone(f.Lag)
	if lag == nil {
		lag = map[string]int64{}
	}
	for topic, n := range o.Lag {
		lag[topic] += n
	}
	f.Lag = lag
	f.Watermark = pick(f.Watermark, o.Watermark, -1)
	f.StreamTime = pick(f.StreamTime, o.StreamTime, 1)
	f.LastCommit = max(f.LastCommit, o.LastCommit)
	f.Memory.Open += o.Memory.Open
	f.Memory.Committed += o.Memory.Committed
	f.Memory.Operators += o.Memory.Operators
	f.Memory.Waiting += o.Memory.Waiting
	f.DiskBytes += o.DiskBytes
}

// LagAll is the lag of all topics.
func (f *Figures) LagAll() (n int64) {
	for _, lag := range f.Lag {
		n += lag
	}
	return n
}

// pick chooses the lower (-1) or the higher (1) of two times of which either may be missing.
func pick(a, b *int64, which int) *int64 {
	if a == nil || b != nil && cmp.Compare(*b, *a) == which {
		return b
	}
	return a
}
