package cluster

import (
	"slices"
	"sync/atomic"

	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/state/changelog"
)

// TaskState is how a task is doing.
type TaskState string

// The states of a task on this server.
const (
	Restoring TaskState = "RESTORING"
	Running   TaskState = "RUNNING"
	Paused    TaskState = "PAUSED"
	Failed    TaskState = "ERROR"
	Standby   TaskState = "STANDBY" // a copy of another server's task
)

// TaskStatus is a task as of its last commit, or since.
type TaskStatus struct {
	ID    TaskID
	Slot  int32
	State TaskState
	// Restore is the progress of a task that is RESTORING, one entry a store.
	Restore []changelog.Progress
	Done    float64 // the share of its state that is here, 0 to 1
	Inputs  []InputStatus
	Stores  []StoreStatus
	Counts  operator.Counters
	Figures Figures
}

// InputStatus tells how far a task has come in one of its inputs.
type InputStatus struct {
	Topic     string
	Partition int32
	Internal  bool
	Committed int64 // the next offset to process, as committed
	End       int64 // of what can be read; 0 before the first fetch
}

// Lag is the number of offsets between the two.
func (s InputStatus) Lag() int64 { return max(s.End-s.Committed, 0) }

// StoreStatus tells how far a store here has come in its changelog. Of a running task it is at the end: it writes the changelog.
type StoreStatus struct {
	ID      string
	At, End int64
}

// Lag is the number of offsets between the two.
func (s StoreStatus) Lag() int64 { return max(s.End-s.At, 0) }

// Taken lists the slots that this server has taken over, in order. Slots without tasks are not taken.
func (s *Service) Taken() []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]int32, 0, len(s.slots))
	for n, sl := range s.slots {
		if sl.taken.Load() {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// QueryStatus is a query on this server.
type QueryStatus struct {
	Paused bool
	Err    error // why the query was taken out of service; nil if it runs
	Tasks  []TaskStatus
	// Standbys are the copies that are kept here of the state of tasks on other servers: only ID, Slot, State and Stores are set.
	Standbys []TaskStatus
	// Restored is what all restores of its tasks here have read since it was started.
	Restored RestoredCount
	// RecordsIn and RecordsOut are what its tasks here have committed since it was started.
	RecordsIn, RecordsOut int64
}

// RestoredCount is what restores have read.
type RestoredCount struct{ Records, Bytes int64 }

// Restored counts what restores read from changelogs.
type Restored struct{ Records, Bytes atomic.Int64 }

// Metrics are counts of the service since it was started.
type Metrics struct {
	CommitTimes                                Durations // of the transactions counted in Commits, from the first record sent to the end
	Commits, Aborts, Fenced, Unknown, Failures atomic.Int64
	RecordsIn, RecordsOut, ChangelogRecords    atomic.Int64
	Flushes, FlushFailures                     atomic.Int64
	Takings                                    atomic.Int64 // of slots
	Restored                                   Restored
	Rebuilds                                   atomic.Int64 // of the whole store, since it could not be read
	StandbyRecords                             atomic.Int64 // read from changelogs for copies
	Skipped                                    atomic.Int64 // offsets that the topic's retention removed before they were read
}
