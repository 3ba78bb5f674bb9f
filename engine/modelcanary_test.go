package engine_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
)

// rollout is what DESCRIBE MODEL says of it.
func (r *rig) rollout() string {
	r.t.Helper()
	return r.must("DESCRIBE MODEL grade;")[0].Body.(engine.ModelDescription).Rollout
}

// TestCanary: a version on trial is rolled back or promoted by what it does, and it is told why.
func TestCanary(t *testing.T) {
	r := newModelRig(t)
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false');")
	r.must("ALTER MODEL grade CANARY 2 TRAFFIC 30 BY city PROMOTE WHEN rows > 1000000 ROLLBACK WHEN compared >= 10 AND difference > 0.5;")
	if got := r.versions(); got != "1 70%, 2 CANARY 30%" {
		t.Error(got)
	}
	if got := r.rollout(); got != "1 = 70%, 2 = 30% by CITY; stable 1; canary 2 promote when ROWS > 1000000 rollback when COMPARED >= 10 AND DIFFERENCE > 0.5" {
		t.Error(got)
	}
	got := r.visit(0, 100)
	for id, v := range got {
		if v != got[id%10] {
			t.Fatalf("city c%d was scored by both versions", id%10)
		}
	}
	r.awaitVersions("1 ACTIVE, 2 IDLE")
	if got := r.visit(100, 120); !only(got, "1") {
		t.Errorf("after the rollback: %v", got)
	}
	if got := r.rollout(); !strings.HasPrefix(got, "version 1; canary 2 rolled back: COMPARED >= 10 AND DIFFERENCE > 0.5 (COMPARED = ") || !strings.HasSuffix(got, ", DIFFERENCE = 1)") {
		t.Error(got)
	}
	// Without a share it scores as a shadow; its counts begin anew.
	r.must("ALTER MODEL grade CANARY 2 TRAFFIC 0 PROMOTE WHEN rows >= 20 AND error_rate = 0 AND missing_rate = 0 ROLLBACK WHEN seconds > 3600;")
	if got := r.versions(); got != "1 ACTIVE, 2 CANARY" {
		t.Error(got)
	}
	r.reopen(engine.Options{})
	if got := r.visit(120, 130); !only(got, "1") {
		t.Errorf("beside a canary without rows: %v", got)
	}
	r.visit(130, 150)
	r.awaitVersions("1 IDLE, 2 ACTIVE")
	if got := r.visit(150, 160); !only(got, "2") {
		t.Errorf("after the promotion: %v", got)
	}
	if got := r.rollout(); !strings.HasPrefix(got, "version 2; canary 2 promoted: ROWS >= 20 AND ") {
		t.Error(got)
	}
	r.must("ALTER MODEL grade ROLLBACK;")
	if got := r.versions(); got != "1 ACTIVE, 2 IDLE" || r.rollout() != "version 1" {
		t.Error(got, r.rollout())
	}
}

// TestCanaryEndedByStatement: what people say counts.
func TestCanaryEndedByStatement(t *testing.T) {
	r := newModelRig(t)
	r.must("CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false'); CREATE OR REPLACE MODEL grade WITH (URI='v3.onnx', ACTIVE='false');")
	begin := func(percent string) {
		t.Helper()
		r.must("ALTER MODEL grade CANARY 2 TRAFFIC " + percent + " ROLLBACK WHEN rows > 1000000;")
	}
	for _, c := range []struct{ percent, sql, versions string }{
		{"10", "ALTER MODEL grade ROLLBACK;", "1 ACTIVE, 2 IDLE, 3 IDLE"},
		{"0", "ALTER MODEL grade ROLLBACK;", "1 ACTIVE, 2 IDLE, 3 IDLE"},
		{"10", "ALTER MODEL grade SET TRAFFIC (1 = 50, 2 = 50);", "1 50%, 2 50%, 3 IDLE"},
		{"10", "ALTER MODEL grade SHADOW 3;", "1 90%, 2 CANARY 10%, 3 SHADOW"},
		{"0", "ALTER MODEL grade SHADOW 3;", "1 ACTIVE, 2 IDLE, 3 SHADOW"},
		{"0", "ALTER MODEL grade SHADOW 2, 3;", "1 ACTIVE, 2 CANARY, 3 SHADOW"},
		{"10", "ALTER MODEL grade PROMOTE 2;", "1 IDLE, 2 ACTIVE, 3 IDLE"},
	} {
		begin(c.percent)
		if r.must(c.sql); r.versions() != c.versions {
			t.Errorf("%s%% and %s: %s, want %s", c.percent, c.sql, r.versions(), c.versions)
		}
		if c.versions != "1 IDLE, 2 ACTIVE, 3 IDLE" {
			r.must("ALTER MODEL grade PROMOTE 1;")
		}
	}
}

func TestCanaryRefusals(t *testing.T) {
	r := newModelRig(t)
	r.must(`CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false'); CREATE OR REPLACE MODEL grade WITH (URI='wide.onnx', ACTIVE='false');
		CREATE TABLE wrong AS SELECT v, COUNT(*) AS rows FROM graded GROUP BY v;
		CREATE TABLE windows AS SELECT v, COUNT(*) AS n FROM graded WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY v;`)
	for sql, want := range map[string][2]string{
		"CANARY 1 TRAFFIC 10 PROMOTE WHEN rows > 5":                 {"model.canary", "active"},
		"CANARY 7 TRAFFIC 10 PROMOTE WHEN rows > 5":                 {"model.version", "7"},
		"CANARY 2 TRAFFIC 101 PROMOTE WHEN rows > 5":                {"model.canary", "0 to 100"},
		"CANARY 2 TRAFFIC 10":                                       {"model.canary", "nothing would end"},
		"CANARY 3 TRAFFIC 10 PROMOTE WHEN rows > 5":                 {"model.incompatible", ""},
		"CANARY 2 TRAFFIC 10 BY country PROMOTE WHEN rows > 5":      {"model.split", "COUNTRY"},
		"CANARY 2 TRAFFIC 10 PROMOTE WHEN raws > 5":                 {"name.column", "ROWS"},
		"CANARY 2 TRAFFIC 10 PROMOTE WHEN rows":                     {"type.boolean", "BIGINT"},
		"CANARY 2 TRAFFIC 10 ROLLBACK WHEN PREDICT(grade, 1.0) > 5": {"model.canary", "no models"},
		"CANARY 2 TRAFFIC 10 LABELS nowhere PROMOTE WHEN rows > 5":  {"name.source", "NOWHERE"},
		"CANARY 2 TRAFFIC 10 LABELS visits PROMOTE WHEN rows > 5":   {"model.canary", "table"},
		"CANARY 2 TRAFFIC 10 LABELS windows PROMOTE WHEN rows > 5":  {"model.canary", "without windows"},
		"CANARY 2 TRAFFIC 10 LABELS wrong PROMOTE WHEN rows > 5":    {"model.canary", "ROWS"},
	} {
		r.refuse("ALTER MODEL grade "+sql+";", want[0], want[1])
	}
	if got := r.versions(); got != "1 ACTIVE, 2 IDLE, 3 IDLE" {
		t.Error(got)
	}
}

// TestCanaryOfLabels: a table of what turned out to be right, for each version, decides.
func TestCanaryOfLabels(t *testing.T) {
	r := newModelRig(t)
	r.must(`CREATE OR REPLACE MODEL grade WITH (URI='v2.onnx', ACTIVE='false');
		CREATE TABLE quality AS SELECT v, COUNT(*) AS labelled, AVG(CASE WHEN score = 2 THEN 1 ELSE 0 END) AS accuracy FROM graded GROUP BY v;
		ALTER MODEL grade CANARY 2 TRAFFIC 50 LABELS quality PROMOTE WHEN labelled >= 5 AND accuracy > 0.9 ROLLBACK WHEN labelled >= 5 AND accuracy < 0.5;`)
	r.visit(0, 50)
	r.awaitVersions("1 IDLE, 2 ACTIVE")
	if got := r.rollout(); !strings.Contains(got, "ACCURACY = 1") {
		t.Error(got)
	}
}
