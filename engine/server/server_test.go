package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/sql/types"
)

// call sends one request to the handler as a local program would.
func call(t *testing.T, s *Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost:8088"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Add(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func expect(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("got %d\n%s\nwant %d\n%s", w.Code, w.Body, status, body)
	}
}

func TestEndpoints(t *testing.T) {
	api := &fakeAPI{}
	s := newTestServer(t, api)
	expect(t, call(t, s, "GET", "/info", ""), 200,
		`{"KsqlServerInfo":{"version":"1","kafkaClusterId":"c","ksqlServiceId":"default_","serverStatus":"RUNNING"}}`)
	expect(t, call(t, s, "GET", "/healthcheck", ""), 200, `{"isHealthy":false,"details":{"kafka":{"isHealthy":false}},"serverState":null}`)
	expect(t, call(t, s, "GET", "/status", ""), 200, `{"stream/S/create":"SUCCESS"}`)
	expect(t, call(t, s, "GET", "/status/stream/S/create", ""), 200, `{"status":"SUCCESS","message":"created"}`)
	expect(t, call(t, s, "GET", "/status/stream/X/create", ""), 404, `{"@type":"generic_error","error_code":40400,"message":"command not found"}`)
	expect(t, call(t, s, "GET", "/is_valid_property/auto.offset.reset", ""), 200, `true`)
	expect(t, call(t, s, "GET", "/is_valid_property/x", ""), 400, `{"@type":"generic_error","error_code":40000,"message":"there is no property x"}`)
	expect(t, call(t, s, "POST", "/close-query", `{"queryId":"q1"}`), 200, ``)
	expect(t, call(t, s, "POST", "/close-query", `{"queryId":"q2"}`), 400, `{"@type":"generic_error","error_code":40000,"message":"No query with id q2"}`)
	if w := call(t, s, "GET", "/", ""); w.Code != 307 || w.Header().Get("Location") != "/info" {
		t.Errorf("/: %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, p := range []string{"GET /ksql", "GET /nothing", "POST /info", "DELETE /ksql"} {
		method, path, _ := strings.Cut(p, " ")
		if w := call(t, s, method, path, ""); w.Code != 404 && w.Code != 405 {
			t.Errorf("%s: %d", p, w.Code)
		}
	}
	api.metrics = []engine.Metric{
		{Name: "millrace_rows_total", Help: "Rows.", Labels: map[string]string{"query": "Q"}, Value: 3},
		{Name: "millrace_seconds", Help: "Time.", Histogram: &engine.Histogram{Buckets: map[float64]uint64{0.5: 2, 1: 3}, Count: 4, Sum: 6.5}},
	}
	w := call(t, s, "GET", "/metrics", "")
	for _, line := range []string{
		`millrace_rows_total{query="Q"} 3`, `millrace_http_requests_total{route="/info",status="200"} 1`, "go_goroutines",
		`millrace_seconds_bucket{le="0.5"} 2`, `millrace_seconds_bucket{le="+Inf"} 4`, "millrace_seconds_sum 6.5",
	} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("/metrics has no %s", line)
		}
	}
}

func TestKSQL(t *testing.T) {
	var got engine.Request
	api := &fakeAPI{execute: func(_ context.Context, r engine.Request) ([]engine.Entity, error) {
		got = r
		return []engine.Entity{
			{StatementText: "CREATE STREAM S <x>;", Body: engine.CurrentStatus{CommandID: "stream/S/create", CommandSequenceNumber: 2}},
			{StatementText: "SHOW TYPES;", Body: engine.TypesList{}, Warnings: []string{"w"}},
		}, nil
	}}
	s := newTestServer(t, api)
	w := call(t, s, "POST", "/ksql", `{"ksql":"A; B;","streamsProperties":{"p":"1","n":5,"gone":null},"sessionVariables":{"v":"x"},"other":1}`)
	expect(t, w, 200, `[{"@type":"currentStatus","statementText":"CREATE STREAM S <x>;","commandId":"stream/S/create",`+
		`"commandStatus":{"status":"","message":""},"commandSequenceNumber":2,"warnings":[]},`+
		`{"@type":"type_list","statementText":"SHOW TYPES;","types":null,"warnings":[{"message":"w"}]}]`)
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Error(ct)
	}
	if got.SQL != "A; B;" || got.Properties["p"] != "1" || got.Properties["n"] != json.Number("5") || len(got.Properties) != 2 || got.Variables["v"] != "x" {
		t.Errorf("the engine got %+v", got)
	}
}

func TestErrors(t *testing.T) {
	var fail error
	api := &fakeAPI{execute: func(context.Context, engine.Request) ([]engine.Entity, error) { return nil, fail }}
	s := newTestServer(t, api)
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{&engine.StatementError{Code: engine.CodeBadRequest, Message: "m"}, 400, `{"@type":"generic_error","error_code":40000,"message":"m"}`},
		{
			&engine.StatementError{
				Code: engine.CodeBadStatement, Rule: "join.type", Message: "m", Text: "S;",
				Entities: []engine.Entity{{StatementText: "T;", Body: engine.WarningEntity{Message: "n"}}},
			},
			400, `{"@type":"statement_error","error_code":40001,"message":"m","statementText":"S;",` +
				`"entities":[{"@type":"warning_entity","statementText":"T;","message":"n","warnings":[]}],"rule":"join.type"}`,
		},
		{&engine.StatementError{Code: engine.CodeAssertFailed, Message: "m", Text: "S;"}, 417, `{"@type":"statement_error","error_code":41700,"message":"m","statementText":"S;","entities":[]}`},
		{errors.New("disk"), 500, `{"@type":"generic_error","error_code":50000,"message":"disk"}`},
	} {
		fail = c.err
		expect(t, call(t, s, "POST", "/ksql", `{"ksql":"x"}`), c.status, c.body)
	}
	fail = &engine.StatementError{Code: engine.CodeNotReady, Message: "not yet"}
	if w := call(t, s, "POST", "/ksql", `{"ksql":"x"}`); w.Code != 503 || w.Header().Get("Retry-After") != "10" {
		t.Errorf("not ready: %d, retry after %q", w.Code, w.Header().Get("Retry-After"))
	}
	api.execute = func(context.Context, engine.Request) ([]engine.Entity, error) { panic("boom") }
	w := call(t, s, "POST", "/ksql", `{"ksql":"x"}`)
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"error_code":50000`) || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("a panic gives %d %s", w.Code, w.Body)
	}
	if w := call(t, s, "GET", "/info", ""); w.Code != 200 {
		t.Error("the server does not live after a panic")
	}
}

func TestHostileRequests(t *testing.T) {
	s := newTestServer(t, &fakeAPI{execute: func(context.Context, engine.Request) ([]engine.Entity, error) {
		return nil, nil
	}})
	ok := `{"ksql":"x"}`
	for _, c := range []struct {
		name   string
		body   string
		header []string
		status int
	}{
		{"plain", ok, nil, 200},
		{"own origin", ok, []string{"Origin", "http://localhost:3000"}, 200},
		{"allowed host", ok, []string{"Host", "Millrace.Example:80", "Origin", "https://millrace.example"}, 200},
		{"loopback addresses", ok, []string{"Host", "[::1]:8088", "Origin", "http://127.0.0.2"}, 200},
		{"foreign origin", ok, []string{"Origin", "https://evil.example"}, 403},
		{"null origin", ok, []string{"Origin", "null"}, 403},
		{"two origins", ok, []string{"Origin", "http://localhost", "Origin", "http://evil.example"}, 403},
		{"origin that looks like ours", ok, []string{"Origin", "http://localhost.evil.example"}, 403},
		{"rebound host", ok, []string{"Host", "evil.example:8088"}, 403},
		{"foreign address", ok, []string{"Host", "10.1.2.3:8088"}, 403},
		{"no host", ok, []string{"Host", ""}, 403},
		{"large body", `{"ksql":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413},
		{"compressed body", ok, []string{"Content-Encoding", "gzip"}, 415},
		{"not JSON", `ksql=x`, nil, 400},
		{"two values", ok + ok, nil, 400},
		{"deep", strings.Repeat(`{"ksql":`, 10001), nil, 400},
		{"empty", ``, nil, 400},
		{"no statement", `{}`, nil, 400},
		{"wrong type", `{"ksql":1}`, nil, 400},
	} {
		w := call(t, s, "POST", "/ksql", c.body, c.header...)
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
		if w.Code != 200 && !strings.HasPrefix(w.Body.String(), `{"@type":"generic_error"`) {
			t.Errorf("%s: no error object: %s", c.name, w.Body)
		}
	}
}

func resultRows(kind engine.ResultKind) *fakeRows {
	final := ""
	if kind == engine.PushResult {
		final = "Limit Reached"
	}
	return &fakeRows{
		kind: kind,
		cols: []engine.ResultColumn{{Name: "ID", Type: types.Int, Key: kind == engine.PullResult}, {Name: "at", Type: types.Timestamp}},
		batches: [][]engine.ResultRow{
			{{Values: []any{int32(1), int64(1700000000123)}}, {Values: []any{int32(2), nil}, Tombstone: true}},
			{{Values: []any{int32(3), nil}}},
		},
		final: final,
	}
}

func TestQueryForms(t *testing.T) {
	var rows *fakeRows
	s := newTestServer(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) { return rows, nil }})
	streamed := "[{\"header\":{\"queryId\":\"q1\",\"schema\":\"`ID` INTEGER, `at` TIMESTAMP\"}},\n" +
		`{"row":{"columns":[1,"2023-11-14T22:13:20.123"]}},` + "\n" +
		`{"row":{"columns":[2,null],"tombstone":true}},` + "\n" +
		`{"row":{"columns":[3,null]}},` + "\n"
	meta := `{"queryId":"q1","columnNames":["ID","at"],"columnTypes":["INTEGER","TIMESTAMP"]}`
	for _, c := range []struct {
		path, accept, media, want string
	}{
		{"/query", "", mediaKSQL, streamed + `{"finalMessage":"Limit Reached"}]`},
		{"/query", "application/json", mediaKSQL, streamed + `{"finalMessage":"Limit Reached"}]`},
		{"/query-stream", "", mediaDelimited, meta + "\n" + `[1,"2023-11-14T22:13:20.123"]` + "\n[3,null]\n"},
		{"/query-stream", "application/json", mediaJSON, "[" + meta + ",\n" + `[1,"2023-11-14T22:13:20.123"]` + ",\n[3,null]]"},
		{"/query-stream", "text/html;q=1, application/vnd.ksql.v1+json;q=0.5", mediaKSQL, streamed + `{"finalMessage":"Limit Reached"}]`},
	} {
		rows = resultRows(engine.PushResult)
		var header []string
		if c.accept != "" {
			header = []string{"Accept", c.accept}
		}
		w := call(t, s, "POST", c.path, `{"ksql":"x","sql":"x"}`, header...)
		expect(t, w, 200, c.want)
		if ct := w.Header().Get("Content-Type"); ct != c.media {
			t.Errorf("%s as %q: content type %s", c.path, c.accept, ct)
		}
		if !rows.closed {
			t.Errorf("%s: the result was not closed", c.path)
		}
	}
	if w := call(t, s, "POST", "/query-stream", `{"sql":"x"}`, "Accept", "application/vnd.ksql.v1+avro"); w.Code != 406 {
		t.Errorf("avro: %d", w.Code)
	}
	rows = resultRows(engine.PullResult)
	want := strings.Replace(strings.TrimSuffix(streamed, ",\n"), "INTEGER,", "INTEGER KEY,", 1) + "]"
	expect(t, call(t, s, "POST", "/query", `{"ksql":"x"}`), 200, want)
}

func TestQueryErrors(t *testing.T) {
	rows := resultRows(engine.PushResult)
	rows.err = &engine.StatementError{Code: engine.CodeServerError, Message: "lost"}
	s := newTestServer(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) { return rows, nil }})
	w := call(t, s, "POST", "/query", `{"ksql":"x"}`)
	if !strings.HasSuffix(w.Body.String(), ",\n"+`{"errorMessage":{"@type":"generic_error","error_code":50000,"message":"lost"}}]`) {
		t.Error(w.Body)
	}
	s = newTestServer(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) {
		return nil, &engine.StatementError{Code: engine.CodeBadStatement, Message: "no", Text: "SELECT;"}
	}})
	expect(t, call(t, s, "POST", "/query", `{"ksql":"x"}`), http.StatusBadRequest,
		`{"@type":"statement_error","error_code":40001,"message":"no","statementText":"SELECT;","entities":[]}`)
}

func TestPrint(t *testing.T) {
	s := newTestServer(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) {
		return &fakeRows{kind: engine.PrintResult, batches: [][]engine.ResultRow{{{Values: []any{"line 1"}}, {Values: []any{"line 2"}}}}}, nil
	}})
	expect(t, call(t, s, "POST", "/query", `{"ksql":"x"}`), 200, "line 1\nline 2\n")
	expect(t, call(t, s, "POST", "/query-stream", `{"sql":"x"}`), 200, "line 1\nline 2\n")
	if w := call(t, s, "POST", "/query-stream", `{"sql":"x"}`, "Accept", "application/json"); w.Code != 406 {
		t.Errorf("PRINT as an array: %d", w.Code)
	}
}

func TestValues(t *testing.T) {
	d, err := types.ParseDecimal("1.50")
	if err != nil {
		t.Fatal(err)
	}
	st := types.StructOf(types.Field{Name: "F", Type: types.ArrayOf(types.Date)})
	for _, c := range []struct {
		typ   *types.Type
		value any
		want  string
	}{
		{types.DecimalOf(4, 2), d, `1.50`},
		{types.Double, 1e10, `1.0E10`},
		{types.Bytes, []byte("hi"), `"aGk="`},
		{types.Date, int32(19000), `"2022-01-08"`},
		{types.Time, int32(3_723_004), `"01:02:03.004"`},
		{types.Time, int32(3_720_000), `"01:02:00"`},
		{types.Boolean, true, `true`},
		{types.MapOf(types.String, st), types.Map{{Key: "k", Value: []any{[]any{int32(0), nil}}}}, `{"k":{"F":["1970-01-01",null]}}`},
	} {
		if got := string(appendValue(nil, c.typ, c.value)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.typ, got, c.want)
		}
	}
}
