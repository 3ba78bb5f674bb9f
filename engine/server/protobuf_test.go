package server

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sql/types"
)

func TestProtobufRows(t *testing.T) {
	tags := types.MapOf(types.String, types.Int)
	var rows *fakeRows
	s := newTestServer(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) { return rows, nil }})
	result := func(nested *types.Type) *fakeRows {
		return &fakeRows{
			kind: engine.PushResult, final: "Limit Reached",
			cols: []engine.ResultColumn{{Name: "ID", Type: types.Int}, {Name: "TAGS", Type: nested}},
			batches: [][]engine.ResultRow{{
				{Values: []any{int32(1), types.Map{{Key: "a", Value: int32(2)}}}},
				{Values: []any{int32(3), nil}, Tombstone: true},
			}},
		}
	}
	want := `[{"header":{"queryId":"q1","protoSchema":"syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  int32 ID = 1;\n` +
		`  repeated ConnectDefault2Entry TAGS = 2;\n\n  message ConnectDefault2Entry {\n    string key = 1;\n    int32 value = 2;\n  }\n}\n"}},` +
		"\n" + `{"row":{"protobufBytes":"CAESBQoBYRAC"}},` + "\n" + `{"row":{"protobufBytes":"CAM=","tombstone":true}},` + "\n" +
		`{"finalMessage":"Limit Reached"}]`
	for _, path := range []string{"/query", "/query-stream"} {
		rows = result(tags)
		w := call(t, s, "POST", path, `{"ksql":"x","sql":"x"}`, "Accept", mediaProtobuf)
		expect(t, w, 200, want)
		if ct := w.Header().Get("Content-Type"); ct != mediaProtobuf {
			t.Errorf("content type %s", ct)
		}
	}
	rows = result(types.MapOf(types.String, tags))
	w := call(t, s, "POST", "/query", `{"ksql":"x"}`, "Accept", mediaProtobuf)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "cannot be written as protobuf") || !rows.closed {
		t.Errorf("a map of maps: %d %s, closed %v", w.Code, w.Body, rows.closed)
	}
}
