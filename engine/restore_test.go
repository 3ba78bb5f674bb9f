package engine

import (
	"testing"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/state/changelog"
)

func TestRestoreInfo(t *testing.T) {
	ready := cluster.TaskStatus{State: cluster.Running, Done: 1}
	waiting := cluster.TaskStatus{State: cluster.Restoring}
	half := cluster.TaskStatus{State: cluster.Restoring, Done: 0.5, Restore: []changelog.Progress{
		{From: 100, At: 150, End: 150, Records: 50}, {From: 0, At: 0, End: 30},
	}}
	if r := restoreInfo([]cluster.TaskStatus{ready, ready}); r != nil {
		t.Errorf("restored tasks are shown as %s", r)
	}
	want := RestoreInfo{Percent: 37, Tasks: 3, Records: 50, Remaining: 30}
	if r := restoreInfo([]cluster.TaskStatus{ready, half, waiting, waiting}); r == nil || *r != want {
		t.Errorf("progress is %+v, want %+v", r, want)
	}
}

// TestStatusCountSpeaksToClients: ksqlDB's clients read the keys as an enumeration and fail on others.
func TestStatusCountSpeaksToClients(t *testing.T) {
	for state, want := range map[string]string{
		"RUNNING": "RUNNING", "RESTORING": "RUNNING", "PAUSED": "PAUSED", "ERROR": "ERROR", "UNRESPONSIVE": "UNRESPONSIVE",
	} {
		if got := statusCount(state); got[want] != 1 || len(got) != 1 {
			t.Errorf("%s is counted as %v", state, got)
		}
	}
}
