package engine

import (
	"fmt"

	"github.com/millrace/millrace/engine/cluster"
)

// RestoreInfo tells how far a query's tasks on this server are in reading their state back from Kafka. ksqlDB has nothing like it, and
// its clients pass over it.
type RestoreInfo struct {
	Percent   int   `json:"percent"`   // of the query's state on this server, 0 to 100
	Tasks     int   `json:"tasks"`     // that are being restored or wait for it
	Records   int64 `json:"records"`   // that these have read
	Remaining int64 `json:"remaining"` // offsets of changelogs that are known to be before them
}

func (r *RestoreInfo) String() string {
	return fmt.Sprintf("restored to %d %%: %d tasks to go, %d records read, %d offsets to read", r.Percent, r.Tasks, r.Records, r.Remaining)
}

// restoreInfo sums up; nil if no task is being restored.
func restoreInfo(tasks []cluster.TaskStatus) *RestoreInfo {
	var r RestoreInfo
	done := 0.0
	for _, t := range tasks {
		done += t.Done
		if t.State != cluster.Restoring {
			continue
		}
		r.Tasks++
		for _, p := range t.Restore {
			r.Records, r.Remaining = r.Records+p.Records, r.Remaining+p.Remaining()
		}
	}
	if r.Tasks == 0 {
		return nil
	}
	r.Percent = int(100 * done / float64(len(tasks)))
	return &r
}

// statusName is that of the four states that ksqlDB's clients know: the rest are kinds of RUNNING to them.
func statusName(state string) string {
	switch state {
	case "PAUSED", "ERROR", "UNRESPONSIVE":
		return state
	}
	return "RUNNING"
}

// statusCount counts a query's states on the servers by these names.
func statusCount(states ...string) map[string]int {
	n := map[string]int{}
	for _, s := range states {
		n[statusName(s)]++
	}
	return n
}
