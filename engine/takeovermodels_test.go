package engine_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// TestReplaceTakesBackAsItWasAdded: what the old query has added with an earlier version of a model or function is taken back with that version by
// the query that took its place, and by the one after that, also when the log is replayed. What a new query calls in addition is as it is now,
// though it was something else when the first one began.
func TestReplaceTakesBackAsItWasAdded(t *testing.T) {
	r := newModelRig(t)
	r.modelFile("other1.onnx", modeltest.Linear(1, 0))
	r.modelFile("other2.onnx", modeltest.Linear(5, 0, 0))
	versions, err := os.ReadFile("../udf/wasm/testdata/versions.wasm")
	if err != nil {
		t.Fatal(err)
	}
	r.modelFile("versions.wasm", versions)
	function := func(version int) {
		r.must(fmt.Sprintf("CREATE OR REPLACE FUNCTION f(a INT) RETURNS INT LANGUAGE WASM WITH (URI='versions.wasm', EXPORT='v%d');", version))
	}
	settled := func() {
		t.Helper()
		if err := r.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	function(1)
	const sums = "SELECT owner, COUNT(*) AS n, SUM(PREDICT(grade, x)) AS total, SUM(f(i)) AS calls"
	r.must(`CREATE MODEL other WITH (URI='other1.onnx');
		CREATE TABLE things (id INT PRIMARY KEY, owner STRING, x DOUBLE, i INT) WITH (KAFKA_TOPIC='things', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE TABLE owned AS ` + sums + ` FROM things GROUP BY owner;
		INSERT INTO things VALUES (1, 'a', 1, 0); INSERT INTO things VALUES (2, 'a', 1, 0); INSERT INTO things VALUES (3, 'b', 1, 0);`)
	settled()
	r.eventually("SELECT owner, n, total, calls FROM owned;", "a 2 2 2", "b 1 1 1")
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx'); DROP MODEL other; CREATE MODEL other WITH (URI='other2.onnx');")
	function(2)
	r.must("CREATE OR REPLACE TABLE owned AS " + sums + ", COUNT(*) + 1 AS more FROM things GROUP BY owner;")
	r.must("INSERT INTO things VALUES (1, 'b', 1, 0);")
	settled()
	r.eventually("SELECT owner, n, total, calls FROM owned;", "a 1 1 1", "b 2 2 2")
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v3.onnx');")
	function(3)
	r.must("CREATE OR REPLACE TABLE owned AS " + sums + `, COUNT(*) + 2 AS more, PREDICT(other, 0.0, 0.0) AS other FROM things GROUP BY owner
		HAVING PREDICT(other, 0.0, 0.0) > 4;`)
	r.reopen(engine.Options{})
	r.must("INSERT INTO things VALUES (2, 'b', 1, 0);")
	settled()
	r.eventually("SELECT owner, n, total, calls, more, other FROM owned WHERE n > 0;", "b 3 3 3 5 5")
}
