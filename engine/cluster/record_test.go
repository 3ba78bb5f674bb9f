package cluster

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/sql/vector"
)

// TestRecordFormats reads a slots record as release 1 wrote it; that file is never changed.
func TestRecordFormats(t *testing.T) {
	b, err := os.ReadFile("testdata/slots_record_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &Record{
		Version: 1, Command: 17, Changelogs: map[string]int64{"aggregate-1": 310},
		Inputs: map[string]int64{"orders": 120, "_millrace-default_-CTAS_TOTALS_7-repartition-1-repartition": 44},
		State:  task.State{Marks: map[string][]int64{"aggregate-1": {1767225600000, math.MinInt64}}, Models: 12},
	}
	if got, err := decodeRecord(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, %v", got, err)
	}
	added := strings.Replace(string(b), `"v":1`, `"v":1,"noted":"by a later release that only adds"`, 1)
	if got, err := decodeRecord([]byte(added)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("with a field that is not known: %+v, %v", got, err)
	}
	again, err := want.encode()
	if err != nil || !reflect.DeepEqual(fields(t, again), fields(t, b)) { // their order means nothing
		t.Errorf("written as %s, %v", again, err)
	}
	for record, word := range map[string]string{
		`{"v":3,"inputs":[["orders",120]]}`: "reads up to 2",
		`{"inputs":{"orders":120}}`:         "no format version",
		`{"v":1,"inputs":{"orders":"x"}}`:   "inputs",
		`{"v":1`:                            "JSON",
	} {
		if _, err := decodeRecord([]byte(record)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", record, err)
		}
	}
}

// TestRecordOfDebts: a release that knows nothing of what a task owes must not go on with it.
func TestRecordOfDebts(t *testing.T) {
	want := &Record{Version: 2, State: task.State{Owed: map[string][]operator.Sweep{"aggregate-1": {
		{From: 10, To: 20, Key: []byte("k\xff"), Headers: []vector.Header{{Key: "h"}, {Key: "h", Value: []byte{}}}}, {From: 21, To: 30, Start: math.MinInt64},
	}}}}
	b, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRecord(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
}

// fields reads JSON with its numbers as they are written.
func fields(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
