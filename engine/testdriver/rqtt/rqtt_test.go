package rqtt

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/testdriver/qtt"
)

// sample takes every so many cases of the peer's, of which floor pass at least.
const (
	sample = 6
	floor  = 54
)

func TestConformance(t *testing.T) {
	dir := os.Getenv("MILLRACE_QTT")
	if dir == "" {
		dir = "../../../../shared/qtt"
	}
	dir = filepath.Join(dir, "rest-query-validation-tests")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the conformance cases are not there: %v", err)
	}
	cases, err := qtt.Read([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	passed, ran := 0, 0
	for i := 0; i < len(cases); i += sample {
		ran++
		if err := s.Run(&cases[i]); err != nil {
			t.Logf("%s: %v", cases[i].Name, err)
			continue
		}
		passed++
	}
	t.Logf("%d of %d pass", passed, ran)
	if passed < floor {
		t.Errorf("%d cases pass, want at least %d", passed, floor)
	}
}

func open(t *testing.T) qtt.Server {
	t.Helper()
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// own are cases in the peer's form, one for each way to end.
const own = `{"tests": [
  {"name": "passes",
   "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                  "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;",
                  "SELECT * FROM t WHERE k = 1;"],
   "inputs": [{"topic": "in", "key": 1, "value": {"v": 1}}, {"topic": "in", "key": 1, "value": {"v": 2}}],
   "responses": [{"admin": {"@type": "currentStatus", "statementText": "{STATEMENT}"}}, {"admin": {"@type": "currentStatus"}},
     {"query": [{"header": {"schema": "` + "`K` INTEGER KEY, `N` BIGINT" + `"}}, {"row": {"columns": [1, 2]}}]}]},
  {"name": "has another row",
   "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                  "SELECT v FROM s EMIT CHANGES LIMIT 1;"],
   "inputs": [{"topic": "in", "key": 1, "value": {"v": 1}}],
   "responses": [{"admin": {}}, {"query": [{"header": {"queryId|starts_with": "transient"}}, {"row": {"columns": [2]}}, {"finalMessage": "Limit Reached"}]}]},
  {"name": "writes another record",
   "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                  "INSERT INTO s (k, v) VALUES (1, 2);"],
   "outputs": [{"topic": "in", "key": 1, "value": {"V": 3}}]},
  {"name": "is refused",
   "statements": ["CREATE TABLE t (k INT PRIMARY KEY) WITH (kafka_topic='in', value_format='JSON');", "SELECT * FROM t;"],
   "expectedError": {"type": "io.confluent.ksql.rest.entity.KsqlStatementErrorMessage", "message": "cannot", "status": 400}},
  {"name": "is not refused",
   "statements": ["CREATE STREAM s (k INT KEY) WITH (kafka_topic='in', value_format='JSON');", "SELECT * FROM s;"],
   "expectedError": {"message": "cannot"}},
  {"name": "waits for its query",
   "statements": ["CREATE STREAM s (k INT KEY, v BIGINT) WITH (kafka_topic='in', value_format='JSON');",
                  "SELECT v FROM s EMIT CHANGES LIMIT 1;"],
   "inputs": [{"topic": "in", "key": 1, "value": {"v": 1}}],
   "inputConditions": {"waitForActivePushQuery": true}, "properties": {"auto.offset.reset": "latest"},
   "responses": [{"admin": {}}, {"query": [{"header": {}}, {"row": {"columns": [1]}}, {"finalMessage": "Limit Reached"}]}]}
]}`

func TestVerdicts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(path, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := qtt.Read([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ // the reason of each failure
		"passes": "", "has another row": "rows", "writes another record": "output value", "is refused": "",
		"is not refused": "not refused", "waits for its query": "",
	}
	s := open(t)
	for i := range cases {
		name := strings.TrimPrefix(cases[i].Name, "own - ")
		got := ""
		var f *qtt.Failure
		if err := s.Run(&cases[i]); errors.As(err, &f) {
			got = f.Reason
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got != want[name] {
			t.Errorf("%s: %q, want %q (%v)", name, got, want[name], f)
		}
	}
}

func TestMatchFields(t *testing.T) {
	got := map[string]any{"a": json.Number("1.0"), "b": map[string]any{"c": "text", "d": nil}}
	for want, ok := range map[string]bool{
		`{}`: true, `{"a": 1}`: true, `{"a": 2}`: false, `{"b": {"c": "text"}}`: true, `{"b": {"c|starts_with": "te"}}`: true,
		`{"b": {"c|starts_with": "xt"}}`: false, `{"b": {"d": null}}`: true, `{"e": null}`: false, `{"b": {"c": "{STATEMENT}"}}`: true,
	} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(want), &fields); err != nil {
			t.Fatal(err)
		}
		if err := matchFields(got, fields, "text"); (err == nil) != ok {
			t.Errorf("%s: %v", want, err)
		}
	}
}
