package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/secure"
	"github.com/millrace/millrace/udf/model/modeltest"
	"github.com/millrace/millrace/udf/model/remote/remotetest"
)

// newServerRig has a model server that may be asked, and a stream.
func newServerRig(t *testing.T) (*rig, *remotetest.Server) {
	server := remotetest.Start(t)
	r := newRig(t)
	r.reopen(engine.Options{ModelHosts: []string{server.Host()}})
	r.must(`CREATE STREAM visits (id INT KEY, x DOUBLE, name STRING) WITH (KAFKA_TOPIC='visits', PARTITIONS=1, VALUE_FORMAT='JSON');`)
	return r, server
}

// visits inserts rows and waits until they are processed. Every third is of a vip.
func (r *rig) visits(from, to int) {
	r.t.Helper()
	var sql strings.Builder
	for id := from; id < to; id++ {
		name := "någon"
		if id%3 == 0 {
			name = "vip"
		}
		fmt.Fprintf(&sql, "INSERT INTO visits VALUES (%d, %d, '%s');", id, id, name)
	}
	r.must(sql.String())
	if err := r.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// scored is what the server's model gives for a row.
func scored(id int) int {
	if id%3 == 0 {
		return 21*id + 1000
	}
	return 21 * id
}

// awaitState waits until the query that makes a stream is in a state, and returns its error.
func (r *rig) awaitState(stream, want string) string {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		state, cause := r.queryState("CSAS_" + stream + "_")
		if state == want {
			return cause
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the query of %s is %s (%s), not %s", stream, state, cause, want)
		}
	}
}

// TestModelServers: a model on a server of each kind is a function like any other; rows keep their order, whatever the requests do.
func TestModelServers(t *testing.T) {
	r, server := newServerRig(t)
	for kind, at := range map[string]string{
		"oip":       "WITH (BACKEND='oip', URI='" + server.URL + "/v2/models/line'",
		"oip-grpc":  "WITH (BACKEND='OIP-GRPC', URI='grpc://" + server.Host() + "/v2/models/line'",
		"tfserving": "WITH (BACKEND='tfserving', URI='" + server.URL + "/v1/models/line'",
		"mlflow":    "INPUT (`a` DOUBLE, `b` DOUBLE, `name` STRING) OUTPUT (`score` DOUBLE) WITH (BACKEND='mlflow', URI='" + server.URL + "'",
	} {
		args := "x, 2 * x, name"
		if kind == "tfserving" {
			args = "name, x, 2 * x" // inputs by name
		}
		name := strings.ReplaceAll(kind, "-", "_")
		r.must("CREATE MODEL " + name + " " + at + ", MAX_ROWS=2, CONCURRENCY=4, TIMEOUT='5 s');" +
			"CREATE STREAM s_" + name + " AS SELECT id, CAST(PREDICT(" + name + ", " + args + ") AS INT) AS score FROM visits;")
	}
	r.visits(0, 30)
	for _, name := range []string{"oip", "oip_grpc", "tfserving", "mlflow"} {
		rows := r.ordered("SELECT id, score FROM s_" + name + ";")
		if len(rows) != 30 {
			t.Fatalf("%s: %d rows of 30: %v", name, len(rows), rows)
		}
		for id, row := range rows {
			if want := fmt.Sprint(id, scored(id)); row != want {
				t.Errorf("%s: row %d is %s, not %s", name, id, row, want)
			}
		}
	}
	d := r.must("DESCRIBE MODEL oip;")[0].Body.(engine.ModelDescription)
	facts := fmt.Sprint(d.Facts)
	for _, want := range []string{server.URL + "/v2/models/line", "{server's version 7}", "test server 1.2", "5s a request", "4 requests at once"} {
		if d.Backend != "oip" || !strings.Contains(facts, want) {
			t.Errorf("backend %s, facts %s: no %q", d.Backend, facts, want)
		}
	}
	if d.Returns != "DOUBLE" || d.Inputs[0].Shape != "x: double[?,2]" {
		t.Errorf("returns %s, takes %v", d.Returns, d.Inputs)
	}
	metrics := ""
	for _, m := range r.Metrics() {
		if m.Labels["model"] == "OIP" && strings.HasPrefix(m.Name, "millrace_model_request") {
			metrics += fmt.Sprintf("%s %v %v;", m.Name, m.Value > 0, m.Histogram != nil && m.Histogram.Count > 0)
		}
	}
	if !strings.Contains(metrics, "millrace_model_requests_total true") || !strings.Contains(metrics, "millrace_model_request_seconds false true") {
		t.Errorf("metrics %s", metrics)
	}
	server.Close()
	r.reopen(engine.Options{ModelHosts: []string{server.Host()}}) // the server is away, and what it said is known
	if got := r.must("DESCRIBE MODEL oip;")[0].Body.(engine.ModelDescription); got.Returns != "DOUBLE" {
		t.Errorf("after a start: %+v", got)
	}
}

// TestModelServerRefused: what CREATE MODEL says of servers that may not be asked, or not so.
func TestModelServerRefused(t *testing.T) {
	r, server := newServerRig(t)
	uri := "BACKEND='oip', URI='" + server.URL + "/v2/models/line'"
	r.refuse("CREATE MODEL m WITH (BACKEND='oip', URI='http://other.example/v2/models/line');", "model.file", "--model-hosts")
	r.refuse("CREATE MODEL m WITH (BACKEND='oip', URI='"+server.URL+"/v2/models/none');", "model.file", "404")
	r.refuse("CREATE MODEL m WITH (BACKEND='oip', URI='line.onnx');", "model.file", "http://host:port/v2/models/NAME")
	r.refuse("CREATE MODEL m WITH ("+uri+", TIMEOUT='1 h');", "with.value", "TIMEOUT")
	r.refuse("CREATE MODEL m WITH ("+uri+", RETRIES=-1);", "with.value", "RETRIES")
	r.refuse("CREATE MODEL m WITH ("+uri+", SHA256='00');", "with.unknown", "files")
	r.refuse("CREATE MODEL m WITH ("+uri+", ON_ERROR='PERHAPS');", "model.load", "ON_ERROR")
	r.refuse("CREATE MODEL m WITH ("+uri+", ON_ERROR='DEFAULT none');", "model.load", "not a value of the output score")
	r.refuse("CREATE MODEL m INPUT (a DOUBLE) WITH ("+uri+");", "model.file", "leave INPUT out")
	r.refuse("CREATE MODEL m WITH (BACKEND='mlflow', URI='"+server.URL+"');", "model.file", "declare them")
	r.refuse("CREATE MODEL m INPUT (a ARRAY<INT>) OUTPUT (b INT) WITH (BACKEND='mlflow', URI='"+server.URL+"');", "model.columns", "ARRAY")
	r.refuse("CREATE MODEL m WITH (TOPIC='t', KEY='k', BACKEND='oip');", "with.unknown", "TOPIC")
	r.modelFile("line.onnx", modeltest.Linear(1, 1))
	r.refuse("CREATE MODEL m WITH (URI='line.onnx', RETRIES=3);", "with.unknown", "servers")
	r.refuse("CREATE MODEL m INPUT (a DOUBLE) WITH (URI='line.onnx');", "model.columns", "a file has its own")
	r.must("CREATE MODEL m WITH (" + uri + ");")
	r.refuse("CREATE STREAM s AS SELECT PREDICT(m, x, name) FROM visits;", "model.arguments", "takes 3 arguments")
	r.must("CREATE TABLE latest (id INT PRIMARY KEY, x DOUBLE, name STRING) WITH (KAFKA_TOPIC='latest', PARTITIONS=1, VALUE_FORMAT='JSON');")
	r.refuse("CREATE TABLE totals AS SELECT name, SUM(PREDICT(m, x, x, name)) AS total FROM latest GROUP BY name;", "model.server", "taken back")
	r.must("CREATE STREAM twice AS SELECT id, PREDICT(m, x, x, name) AS score FROM visits;")
}

// TestModelServerOnError: rows of a server that is away are NULL or a default where the model says so; else the query fails with the cause,
// loses nothing and goes on when the server is back. Queries beside it never notice.
func TestModelServerOnError(t *testing.T) {
	r, server := newServerRig(t)
	with := "WITH (BACKEND='oip', URI='" + server.URL + "/v2/models/line', RETRIES=0, TIMEOUT='5 s', BREAKER_FAILURES=2, BREAKER_PAUSE='10 ms'"
	r.must("CREATE MODEL strict " + with + "); CREATE MODEL lenient " + with + ", ON_ERROR='NULL'); CREATE MODEL guessing " + with + ", ON_ERROR='DEFAULT -1');")
	r.must(`CREATE STREAM lenient_s AS SELECT id, CAST(PREDICT(lenient, x, 2 * x, name) AS INT) AS score FROM visits;
		CREATE STREAM guessed_s AS SELECT id, CAST(PREDICT(guessing, x, 2 * x, name) AS INT) AS score FROM visits;
		CREATE STREAM plain AS SELECT id, x FROM visits;`)
	server.Before(func(_ int64, w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return true
	})
	r.visits(1, 3)
	if rows := fmt.Sprint(r.rows("SELECT id, score FROM lenient_s;"), r.rows("SELECT id, score FROM guessed_s;"), r.rows("SELECT id FROM plain;")); rows != "[1 <nil> 2 <nil>] [1 -1 2 -1] [1 2]" {
		t.Errorf("got %s", rows)
	}
	r.must(`SET 'ksql.query.retry.backoff.initial.ms'='100'; SET 'ksql.query.retry.backoff.max.ms'='100';
		CREATE STREAM strict_s AS SELECT id, CAST(PREDICT(strict, x, 2 * x, name) AS INT) AS score FROM visits;`)
	failed := r.awaitState("STRICT_S", "ERROR")
	if !strings.Contains(failed, "503") || !strings.Contains(failed, "model STRICT") {
		t.Errorf("the cause is not told: %s", failed)
	}
	server.Before(nil)
	r.awaitState("STRICT_S", "RUNNING")
	deadline := time.Now().Add(patience)
	for len(r.rows("SELECT id FROM strict_s;")) < 2 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if rows := fmt.Sprint(r.rows("SELECT id, score FROM strict_s;")); rows != "[1 21 2 42]" {
		t.Errorf("after the server came back: %s", rows)
	}
}

// TestModelServerStopped: a request that takes long does not hold up a query that is paused or dropped, nor the server's end.
func TestModelServerStopped(t *testing.T) {
	r, server := newServerRig(t)
	asked, slow := make(chan struct{}, 100), make(chan struct{})
	defer close(slow)
	server.Before(func(n int64, _ http.ResponseWriter, r *http.Request) bool {
		asked <- struct{}{}
		select {
		case <-slow:
		case <-r.Context().Done():
		}
		return true
	})
	r.must("CREATE MODEL m WITH (BACKEND='oip', URI='" + server.URL + "/v2/models/line', TIMEOUT='10 s', RETRIES=0); INSERT INTO visits VALUES (1, 1, 'a');")
	// Who waited for the end of requests would need as long each time; a slow machine is not as slow each time.
	took := r.stopAsking(server, asked)
	for n := 0; n < 5 && took > 9*time.Second; n++ {
		took = r.stopAsking(server, asked)
	}
	if took > 9*time.Second {
		t.Errorf("it took %s", took)
	}
}

// stopAsking pauses a query, drops it, and ends the server while another one runs, each while a request has no answer, and returns the longest
// that one of these took.
func (r *rig) stopAsking(server *remotetest.Server, asked <-chan struct{}) (longest time.Duration) {
	r.t.Helper()
	timed := func(stop func()) {
		<-asked
		began := time.Now()
		stop()
		longest = max(longest, time.Since(began))
	}
	r.must("CREATE STREAM s AS SELECT id, PREDICT(m, x, 2 * x, name) AS score FROM visits;")
	query := ""
	for _, q := range r.must("SHOW QUERIES;")[0].Body.(engine.Queries).Queries {
		if strings.HasPrefix(q.ID, "CSAS_S_") {
			query = q.ID
		}
	}
	timed(func() {
		r.must("PAUSE " + query + ";")
		if status := r.awaitState("S", "PAUSED"); status != "" {
			r.t.Errorf("a paused query has the error %s", status)
		}
	})
	r.must("RESUME " + query + ";")
	timed(func() { r.must("DROP STREAM s;") })
	r.must("CREATE STREAM s AS SELECT id, PREDICT(m, x, 2 * x, name) AS score FROM visits;")
	timed(func() { r.reopen(engine.Options{ModelHosts: []string{server.Host()}}) })
	r.must("DROP STREAM s;")
	for len(asked) > 0 {
		<-asked
	}
	return longest
}

// TestModelServerToken: the token of a host goes there, and is nowhere to be seen.
func TestModelServerToken(t *testing.T) {
	const secret = "t0ken-of-the-server"
	r, server := newServerRig(t)
	server.Token = secret
	create := "CREATE MODEL m WITH (BACKEND='oip', URI='" + server.URL + "/v2/models/line');"
	r.refuse(create, "model.file", "401")
	r.reopen(engine.Options{
		ModelHosts:  []string{server.Host()},
		ModelTokens: map[string]secure.Token{server.Host(): func() (string, error) { return secret, nil }},
	})
	shown := fmt.Sprintf("%+v", r.must(create+"DESCRIBE MODEL m; SHOW MODELS; SHOW MODEL VERSIONS m;"))
	if strings.Contains(shown, secret) {
		t.Errorf("the token is shown: %s", shown)
	}
}
