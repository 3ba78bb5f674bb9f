package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/pull"
)

func TestClusterStatus(t *testing.T) {
	task := directory.Task{
		Sub: "A", Partition: 1, Inputs: []directory.Position{{Name: "in", At: 5, End: 7}}, Stores: []directory.Position{{Name: "S", At: 8, End: 9}},
	}
	s := newTestServer(t, &fakeAPI{servers: []directory.Server{
		{Instance: "x", URL: "http://one:8088", Seen: time.UnixMilli(3), Alive: true, Queries: map[string]directory.Query{"Q": {Tasks: []directory.Task{task}}}},
		{Instance: "y", Seen: time.UnixMilli(2)},
	}})
	want := `{"clusterStatus":{` +
		`"one:8088":{"hostAlive":true,"lastStatusUpdateMs":3,` +
		`"activeStandbyPerQuery":{"Q":{"activeStores":["S"],"activePartitions":[{"topic":"in","partition":1}],"standByStores":[],"standByPartitions":[]}},` +
		`"hostStoreLags":{"stateStoreLags":{"Q#S":{"lagByPartition":{"1":{"currentOffsetPosition":8,"endOffsetPosition":9,"offsetLag":1}},"size":1}},"updateTimeMs":3}},` +
		`"y":{"hostAlive":false,"lastStatusUpdateMs":2,"activeStandbyPerQuery":{},"hostStoreLags":{"stateStoreLags":{},"updateTimeMs":2}}}}`
	if w := call(t, s, "GET", "/clusterStatus", ""); w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("status %d\n%s\nwant\n%s", w.Code, w.Body, want)
	}
	copies := newTestServer(t, &fakeAPI{servers: []directory.Server{
		{Instance: "x", Seen: time.UnixMilli(3), Queries: map[string]directory.Query{"Q": {Standbys: []directory.Task{task}}}},
	}})
	w := call(t, copies, "GET", "/clusterStatus", "")
	if part := `{"Q":{"activeStores":[],"activePartitions":[],"standByStores":["S"],"standByPartitions":[{"topic":"S","partition":1}]}}`; !strings.Contains(w.Body.String(), part) {
		t.Errorf("a copy is shown as %s", w.Body)
	}
	w = call(t, copies, "GET", "/lag", "")
	want = `{"lags":{"x":{"stateStoreLags":{"Q#S":{"lagByPartition":{"1":{"currentOffsetPosition":8,"endOffsetPosition":9,"offsetLag":1}},"size":1}},"updateTimeMs":3}}}`
	if w.Body.String() != want {
		t.Errorf("lags: %s", w.Body)
	}
	for _, path := range []string{"/heartbeat", "/lag"} {
		if w := call(t, s, "POST", path, `{"hostInfo":{"host":"h","port":1},"timestamp":2}`); w.Code != http.StatusOK || w.Body.String() != `{"ok":true}` {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w := call(t, s, "POST", path, `no`); w.Code != http.StatusBadRequest {
			t.Errorf("%s without JSON: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestInternalPull(t *testing.T) {
	api := &fakeAPI{pull: func(_ context.Context, r *pull.Request, out *pull.Writer) error {
		if r.SQL != "SELECT 1;" {
			return &engine.StatementError{Code: engine.CodeNotReady, Message: "not yet"}
		}
		return out.End()
	}}
	s := newTestServer(t, api)
	if w := call(t, s, "POST", pull.Endpoint, `{"sql":"SELECT 1;"}`); w.Body.String() != "z\x00" || w.Header().Get("Content-Type") != pull.MediaType {
		t.Errorf("answer %q of type %s", w.Body, w.Header().Get("Content-Type"))
	}
	w := call(t, s, "POST", pull.Endpoint, `{}`)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"message":"not yet"`) || w.Header().Get("Content-Type") != jsonType {
		t.Errorf("refusal: %d %s", w.Code, w.Body)
	}
	if w := call(t, s, "POST", pull.Endpoint, `{}`, "Origin", "http://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("a web page of another site is answered %d", w.Code)
	}
}

// TestServersTellStatistics: what another server of the service asks is answered, and nobody else's question.
func TestServersTellStatistics(t *testing.T) {
	s := newTestServer(t, &fakeAPI{})
	w := call(t, s, "POST", engine.StatisticsEndpoint, `{"service":"s","versions":[{"model":"M","version":1},{"model":"M","version":2}]}`)
	var a engine.StatisticsAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || len(a.Versions) != 2 || w.Header().Get("Content-Type") != pull.JSON {
		t.Errorf("answered %s as %s", w.Body, w.Header())
	}
	if w := call(t, s, "POST", engine.StatisticsEndpoint, `{"service":"t"}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "belongs to service s") {
		t.Errorf("another service is answered %d %s", w.Code, w.Body)
	}
	if w := call(t, s, "POST", engine.StatisticsEndpoint, `{"service":"s"}`, "Origin", "http://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("a web page is answered %d", w.Code)
	}
}
