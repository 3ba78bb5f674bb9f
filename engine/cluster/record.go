package cluster

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
)

// The format versions of slots records. Fields that this release does not know are passed over, and are gone with the task's
// next commit: whoever adds one that decides an output raises the version.
const (
	recordVersion     = 1
	recordVersionOwed = 2 // of a task that owes results, which a release before them would never emit
)

// Record is the value of a slots record: where a task stood at a commit. It is JSON, so that a person can read the topic.
type Record struct {
	Version int `json:"v"`
	// Command is the offset of the last command that the writing server had applied. Whoever takes the slot over must
	// have read as far.
	Command int64 `json:"command"`
	// Inputs are the next offsets to process, by topic.
	Inputs map[string]int64 `json:"inputs"`
	// Changelogs are the positions behind the task's last changelog records, by store.
	Changelogs map[string]int64 `json:"changelogs,omitempty"`
	// State is what the operators keep outside their stores.
	State task.State `json:"state"`
}

func (r *Record) encode() ([]byte, error) {
	r.Version = recordVersion
	if len(r.State.Owed) > 0 {
		r.Version = recordVersionOwed
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode slots record: %w", err)
	}
	return b, nil
}

func decodeRecord(value []byte) (*Record, error) {
	r := &Record{}
	return r, record.Unmarshal(value, recordVersionOwed, r)
}

// parseTaskID reads a slots record's key. Only the query may hold slashes.
func parseTaskID(key string) (TaskID, error) {
	rest, number, ok := cutLast(key)
	query, sub, ok2 := cutLast(rest)
	p, err := strconv.ParseInt(number, 10, 32)
	if !ok || !ok2 || err != nil {
		return TaskID{}, fmt.Errorf("slots record key %q is not query/sub-topology/partition", key)
	}
	return TaskID{query, sub, int32(p)}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
