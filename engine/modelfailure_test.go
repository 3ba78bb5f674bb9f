package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// brittle is a backend whose models take a number: "steady" returns it, "brittle" panics.
type brittle struct{}

func (brittle) Name() string { return "brittle" }

func (brittle) Load(_ context.Context, a model.Artifact, _ model.Options) (model.Scorer, error) {
	return brittleScorer(string(a.Bytes) == "brittle"), nil
}

type brittleScorer bool

func (brittleScorer) Signature() model.Signature {
	one := func(name string) []model.Tensor {
		return []model.Tensor{{Name: name, Type: model.Float64, Shape: []int64{-1}}}
	}
	return model.Signature{Inputs: one("x"), Outputs: one("y")}
}

func (s brittleScorer) Score(_ context.Context, in []model.Column, rows int, out []model.Column) error {
	if s {
		panic("it broke")
	}
	out[0].Resize(model.Float64, rows)
	copy(out[0].Float64, in[0].Float64)
	return nil
}

func (brittleScorer) Close() error { return nil }

// TestScorerPanics: a scorer that panics fails its query, which goes on at once when the version is taken back: by a canary's condition, or by
// somebody who reads which version it was.
func TestScorerPanics(t *testing.T) {
	dir := t.TempDir()
	e, _ := openTest(t, dir)
	e.models.Backends = []model.Backend{brittle{}}
	for _, name := range []string{"steady", "brittle"} {
		if err := os.WriteFile(filepath.Join(dir, "models", name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(sql string) {
		t.Helper()
		// A query that nobody wakes comes back too late for the test.
		props := map[string]any{"ksql.query.retry.backoff.initial.ms": "600000", "ksql.query.retry.backoff.max.ms": "600000", "auto.offset.reset": "earliest"}
		if _, err := e.Execute(t.Context(), Request{SQL: sql, Properties: props}); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	run(`CREATE MODEL m WITH (URI='steady');
		CREATE STREAM asked (id STRING KEY, x DOUBLE) WITH (KAFKA_TOPIC='asked', VALUE_FORMAT='JSON', PARTITIONS=1);
		CREATE STREAM scored AS SELECT id, PREDICT(m, x) AS y, MODEL_VERSION(m) AS v FROM asked EMIT CHANGES;
		CREATE OR REPLACE MODEL m WITH (URI='brittle', ACTIVE='false');
		INSERT INTO asked VALUES ('a', 1);`)
	eventually(t, e, "SELECT id, y, v FROM scored;", "a 1 1")
	run("ALTER MODEL m CANARY 2 TRAFFIC 100 ROLLBACK WHEN errors > 0; INSERT INTO asked VALUES ('b', 2);")
	eventually(t, e, "SELECT id, y, v FROM scored;", "a 1 1", "b 2 1")
	run("ALTER MODEL m PROMOTE 2; INSERT INTO asked VALUES ('c', 3);")
	id := e.queries.IDs()[0]
	const want = "version 2 of model M: the scorer panicked: it broke"
	for deadline := time.Now().Add(enough); !strings.Contains(e.queries.Status(id).Error, want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the query's error is %q", e.queries.Status(id).Error)
		}
	}
	run("ALTER MODEL m ROLLBACK;")
	eventually(t, e, "SELECT id, y, v FROM scored;", "a 1 1", "b 2 1", "c 3 1")
	waitFor(t, "three rows to be counted for version 1", func() bool { // readers see a commit a moment before
		return e.scored.Of(model.VersionID{Model: "M", Version: 1}).Rows == 3
	})
	if got := e.scored.Of(model.VersionID{Model: "M", Version: 2}); got.Rows != 0 || got.Errors < 2 {
		t.Errorf("version 2: %d rows, %d errors", got.Rows, got.Errors)
	}
}
