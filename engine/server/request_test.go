package server

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/millrace/millrace/engine"
)

// TestRequestProperties: what a request says of itself reaches the engine beside the session's settings, as far as we have it.
func TestRequestProperties(t *testing.T) {
	var got engine.Request
	s := newTestServer(t, &fakeAPI{query: func(_ context.Context, r engine.Request) (engine.ResultSet, error) {
		got = r
		return resultRows(engine.PullResult), nil
	}})
	const skip = "request.ksql.query.pull.skip.forwarding"
	const said = `"requestProperties":{"` + skip + `":true,"request.ksql.debug.request":true,"max.task.idle.ms":5,"request.ksql.query.pull.partition":null}}`
	for path, body := range map[string]string{
		"/query":        `{"ksql":"x","streamsProperties":{"auto.offset.reset":"earliest","gone":null},` + said,
		"/query-stream": `{"sql":"x","properties":{"auto.offset.reset":"earliest","gone":null},` + said,
	} {
		if w := call(t, s, "POST", path, body); w.Code != 200 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if want := map[string]any{"auto.offset.reset": "earliest", skip: true}; !maps.Equal(got.Properties, want) {
			t.Errorf("%s: the engine got %v", path, got.Properties)
		}
	}
	got = engine.Request{}
	if call(t, s, "POST", "/query-stream", `{"sql":"x","requestProperties":{"`+skip+`":7}}`); got.Properties[skip] != json.Number("7") {
		t.Errorf("the engine, which refuses it, got %v", got.Properties)
	}
	if w := call(t, s, "POST", "/query-stream", `{"sql":"x","requestProperties":[1]}`); w.Code != 400 {
		t.Errorf("a list of request properties: %d", w.Code)
	}
}
