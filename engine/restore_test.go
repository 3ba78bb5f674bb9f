package engine

import (
	"os"
	"path/filepath"
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

// TestDamagedStateIsRebuilt damages the files of the state between two starts: the table is as before, read from Kafka.
func TestDamagedStateIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, `CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s GROUP BY k EMIT CHANGES;
		INSERT INTO s VALUES ('a', 1); INSERT INTO s VALUES ('b', 2); INSERT INTO s VALUES ('a', 3);`)
	want := []string{"a 4", "b 2"}
	eventually(t, e, `SELECT k, total FROM t;`, want...)
	for name, damage := range map[string]func(file string, b []byte) error{
		"nothing":     nil,
		"flipped bit": func(file string, b []byte) error { b[len(b)/2] ^= 1; return os.WriteFile(file, b, 0o600) },
		"cut":         func(file string, b []byte) error { return os.WriteFile(file, b[:len(b)-len(b)/3], 0o600) },
		"empty":       func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		"removed":     func(file string, _ []byte) error { return os.Remove(file) },
	} {
		for _, pattern := range []string{"*.sst", "MANIFEST"} {
			end()
			files, err := filepath.Glob(filepath.Join(dir, "state", pattern))
			if err != nil || len(files) == 0 {
				t.Fatalf("no %s to damage: %v", pattern, err)
			}
			b, err := os.ReadFile(files[0])
			if err == nil && damage != nil {
				err = damage(files[0], b)
			}
			if err != nil {
				t.Fatal(err)
			}
			e, end = openTest(t, dir)
			eventually(t, e, `SELECT k, total FROM t;`, want...)
			restored := int64(0)
			for _, id := range e.queries.IDs() {
				restored += e.queries.Status(id).Restored.Records
			}
			if rebuilt := restored > 0; rebuilt != (damage != nil) {
				t.Errorf("%s %s: %d records were read back", pattern, name, restored)
			}
		}
	}
}
