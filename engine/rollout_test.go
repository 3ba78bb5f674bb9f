package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/udf/model/modeltest"
)

// newModelRig has model files v1.onnx to v4.onnx, which score every row with their number, and wide.onnx, which takes two arguments;
// the model grade, which has version 1; and queries that follow it and name it.
func newModelRig(t *testing.T) *rig {
	r := newRig(t)
	for n := 1; n <= 4; n++ {
		r.modelFile(fmt.Sprintf("v%d.onnx", n), modeltest.Linear(float32(n), 0))
	}
	r.modelFile("wide.onnx", modeltest.Linear(1, 0, 0))
	r.must(`CREATE MODEL grade WITH (URI='v1.onnx');
		CREATE STREAM visits (id INT KEY, city STRING, x DOUBLE) WITH (KAFKA_TOPIC='visits', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE STREAM graded AS SELECT id, city, PREDICT(grade, x) AS score, MODEL_VERSION(grade) AS v FROM visits;
		CREATE STREAM pinned AS SELECT id, PREDICT(grade@1, x) AS score, MODEL_VERSION(grade@1) AS v FROM visits;`)
	return r
}

// visit inserts rows, waits until they are scored and returns the scores by row; what MODEL_VERSION says must be the same.
func (r *rig) visit(from, to int) map[int]string {
	r.t.Helper()
	var sql strings.Builder
	for id := from; id < to; id++ {
		fmt.Fprintf(&sql, "INSERT INTO visits VALUES (%d, 'c%d', 1);", id, id%10)
	}
	settle := func() {
		r.t.Helper()
		if err := r.Settle(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
	settle() // a statement waits for the queries to follow what it rolled out, but not for ever
	r.must(sql.String())
	settle()
	scores := map[int]string{}
	for _, row := range r.rows(fmt.Sprintf("SELECT id, score, v FROM graded WHERE id >= %d AND id < %d;", from, to)) {
		var id, v int
		var score float64
		if _, err := fmt.Sscan(row, &id, &score, &v); err != nil {
			r.t.Fatal(row, err)
		}
		if scores[id] != "" || int(score) != v {
			r.t.Errorf("row %d: scored %v by version %d, and before %s", id, score, v, scores[id])
		}
		scores[id] = fmt.Sprint(v)
	}
	if len(scores) != to-from {
		r.t.Fatalf("%d rows of %d were scored", len(scores), to-from)
	}
	return scores
}

// only says that one version scored all.
func only(scores map[int]string, version string) bool {
	for _, s := range scores {
		if s != version {
			return false
		}
	}
	return true
}

func (r *rig) versions() string {
	r.t.Helper()
	var out []string
	for _, v := range r.must("SHOW MODEL VERSIONS grade;")[0].Body.(engine.ModelVersionsList).Versions {
		out = append(out, fmt.Sprintf("%d %s", v.Version, v.Status))
	}
	return strings.Join(out, ", ")
}

func TestRollout(t *testing.T) {
	r := newModelRig(t)
	expect := func(what, version string, from, to int) {
		t.Helper()
		if got := r.visit(from, to); !only(got, version) {
			t.Errorf("%s: %v", what, got)
		}
	}
	expect("at first", "1", 0, 10)
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx');")
	expect("replaced", "2", 10, 20)
	r.must("ALTER MODEL grade ROLLBACK;")
	expect("rolled back", "1", 20, 30)
	r.refuse("ALTER MODEL grade ROLLBACK;", "model.rollout", "nothing to go back to")
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v3.onnx', ACTIVE='false'); ALTER MODEL grade SHADOW 3;")
	expect("shadowed", "1", 30, 40)
	if got := r.versions(); got != "1 ACTIVE, 2 IDLE, 3 SHADOW" {
		t.Error(got)
	}
	r.must("ALTER MODEL grade PROMOTE 3;")
	expect("promoted", "3", 40, 50)
	r.must("DROP MODEL grade@2;")
	if got := r.versions(); got != "1 IDLE, 2 RETIRED, 3 ACTIVE" {
		t.Error(got)
	}
	for _, row := range r.rows("SELECT score, v FROM pinned;") {
		if row != "1 1" {
			t.Errorf("pinned: %s", row)
		}
	}
	r.reopen(engine.Options{})
	expect("after a start", "3", 50, 60)
	if got := r.versions(); got != "1 IDLE, 2 RETIRED, 3 ACTIVE" {
		t.Error(got)
	}
	d := r.must("DESCRIBE MODEL grade;")[0].Body.(engine.ModelDescription)
	if d.Rollout != "version 3" || d.URI != "v3.onnx" || !strings.Contains(d.Statement, "v3.onnx") {
		t.Errorf("described as %+v", d)
	}
}

func TestTrafficSplit(t *testing.T) {
	r := newModelRig(t)
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false'); ALTER MODEL grade SET TRAFFIC (1 = 70, 2 = 30);")
	byKey := r.visit(0, 100)
	if n := countOf(byKey, "2"); n < 15 || n > 45 {
		t.Errorf("30%% of 100 rows are %d", n)
	}
	r.must("ALTER MODEL grade SET TRAFFIC (2 = 50, 1 = 50) BY city;")
	byCity := r.visit(100, 200)
	for id, v := range byCity {
		if v != byCity[100+id%10] {
			t.Fatalf("city c%d was scored by both versions", id%10)
		}
	}
	if s := r.must("SHOW MODELS;")[0].Body.(engine.ModelsList).Models[1]; s.Rollout != "1 = 50%, 2 = 50% by CITY; stable 1" {
		t.Errorf("shown as %q", s.Rollout)
	}
	r.must("ALTER MODEL grade ROLLBACK;")
	if got := r.visit(200, 210); !only(got, "1") {
		t.Errorf("after the rollback: %v", got)
	}
}

func countOf(scores map[int]string, version string) (n int) {
	for _, v := range scores {
		if v == version {
			n++
		}
	}
	return n
}

func TestRolloutRefusals(t *testing.T) {
	r := newModelRig(t)
	r.refuse("CREATE MODEL grade WITH (URI='v2.onnx');", "model.exists", "CREATE OR REPLACE")
	r.refuse("CREATE OR REPLACE MODEL grade WITH (URI='wide.onnx');", "model.incompatible", "CSAS_GRADED", "2 numbers")
	r.refuse("CREATE MODEL grade@2 WITH (URI='v2.onnx');", "model.name")
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false'); CREATE OR REPLACE MODEL grade WITH (URI='wide.onnx', ACTIVE='false');")
	r.refuse("ALTER MODEL grade PROMOTE 3;", "model.incompatible", "CSAS_GRADED")
	r.refuse("ALTER MODEL grade SHADOW 3;", "model.incompatible")
	r.refuse("ALTER MODEL grade SET TRAFFIC (1 = 90, 2 = 9);", "model.rollout", "99 percent")
	r.refuse("ALTER MODEL grade SET TRAFFIC (1 = 50, 1 = 50);", "model.rollout", "twice")
	r.refuse("ALTER MODEL grade SET TRAFFIC (1 = 101);", "model.rollout", "0 to 100")
	r.refuse("ALTER MODEL grade SET TRAFFIC (1 = 50, 7 = 50);", "model.version", "7")
	r.refuse("ALTER MODEL grade SET TRAFFIC (1 = 50, 2 = 50) BY country;", "model.split", "CSAS_GRADED", "COUNTRY")
	r.refuse("ALTER MODEL grade SHADOW 1;", "model.rollout")
	r.refuse("ALTER MODEL nobody PROMOTE 1;", "name.model", "NOBODY")
	r.refuse("DROP MODEL grade@1;", "model.in-use", "CSAS_PINNED", "rollout")
	r.refuse("DROP MODEL grade@9;", "model.version")
	r.refuse("DROP MODEL grade;", "model.in-use", "CSAS_GRADED", "CSAS_PINNED")
	r.refuse("SELECT PREDICT(grade@9, x) FROM visits EMIT CHANGES;", "model.version", "no version 9")
	r.refuse("SELECT MODEL_VERSION(grade, x) FROM visits EMIT CHANGES;", "model.arguments")
	r.refuse("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='perhaps');", "with.value")
	if got := r.visit(0, 10); !only(got, "1") {
		t.Errorf("after the refusals: %v", got)
	}
}

// TestSameVersionTwice: a deployment that is run again changes nothing.
func TestSameVersionTwice(t *testing.T) {
	r := newModelRig(t)
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx');")
	if w, ok := r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx');")[0].Body.(engine.WarningEntity); !ok || r.versions() != "1 IDLE, 2 ACTIVE" {
		t.Errorf("%v, %s", w, r.versions())
	}
}
