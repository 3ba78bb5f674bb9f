package engine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/udf/model/modeltest"
)

// uploadedTo keeps a model's bytes on a server, and returns their digest.
func uploadedTo(t *testing.T, e *Engine, slope float32) string {
	t.Helper()
	b := modeltest.Linear(slope, 0)
	sha, _, err := e.UploadModel(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// held says which artifacts the topic holds whole.
func held(t *testing.T, e *Engine, digests ...string) []bool {
	t.Helper()
	other := *e.artifacts
	other.dir = t.TempDir() // where no copy is
	var out []bool
	for _, sha := range digests {
		_, err := other.load(t.Context(), sha)
		out = append(out, err == nil)
	}
	return out
}

// TestSweepArtifacts: bytes go when nothing names them and they were stored long ago, and never before.
func TestSweepArtifacts(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	wasm, err := os.ReadFile(filepath.Join("..", "udf", "wasm", "testdata", "text.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	function, _, err := e.UploadModel(t.Context(), bytes.NewReader(wasm), int64(len(wasm)))
	if err != nil {
		t.Fatal(err)
	}
	first, second, retired, dropped, idle := uploadedTo(t, e, 1), uploadedTo(t, e, 2), uploadedTo(t, e, 3), uploadedTo(t, e, 4), uploadedTo(t, e, 5)
	execute(t, e, "CREATE MODEL kept WITH (URI='sha256:"+first+"'); CREATE OR REPLACE MODEL kept WITH (URI='sha256:"+retired+"');"+
		"CREATE OR REPLACE MODEL kept WITH (URI='sha256:"+second+"'); DROP MODEL kept@2;"+
		"CREATE MODEL other WITH (URI='sha256:"+dropped+"'); CREATE MODEL again WITH (URI='sha256:"+first+"'); DROP MODEL other; DROP MODEL again;"+
		"CREATE FUNCTION stars(s STRING) RETURNS STRING LANGUAGE WASM WITH (URI='sha256:"+function+"', EXPORT='mask');")
	all := []string{first, second, retired, function, dropped, idle}
	sweep := func(before time.Time, lately map[string]bool) {
		t.Helper()
		if err := e.sweepOnce(t.Context(), before, lately); err != nil {
			t.Fatal(err)
		}
	}
	copies := func() (n int) {
		files, err := os.ReadDir(e.artifacts.dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	sweep(time.Now().Add(-artifactGrace), nil)
	if got := held(t, e, all...); slices.Contains(got, false) || copies() != len(all) {
		t.Fatalf("of what was just stored there is %v, %d copies", got, copies())
	}
	sweep(time.Now().Add(time.Minute), nil)
	if got := held(t, e, all...); !slices.Equal(got, []bool{true, true, true, true, false, false}) || copies() != 4 {
		t.Errorf("of four that are named, one dropped and one idle there is %v, %d copies", got, copies())
	}
	lately, err := e.namedArtifacts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, e, "DROP FUNCTION stars; DROP MODEL kept;")
	sweep(time.Now().Add(time.Minute), lately)
	if got := held(t, e, all...); !slices.Equal(got, []bool{true, true, true, true, false, false}) || copies() != 4 {
		t.Errorf("of four that were named lately there is %v, %d copies", got, copies())
	}
	sweep(time.Now().Add(time.Minute), nil)
	if got := held(t, e, all...); slices.Contains(got, true) || copies() != 0 {
		t.Errorf("of what nothing names there is %v, %d copies", got, copies())
	}
	if sha := uploadedTo(t, e, 4); sha != dropped || !held(t, e, dropped)[0] {
		t.Error("what was removed cannot come again")
	}
	sweep(time.Now().Add(-artifactGrace), nil)
	if !held(t, e, dropped)[0] {
		t.Error("what came again is removed by what it was before")
	}
}

// TestStoredWhileSwept: bytes that are stored, and named, while a server removes them stay.
func TestStoredWhileSwept(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	sha := uploadedTo(t, e, 1)
	err := e.artifacts.sweepTopic(t.Context(), time.Now().Add(time.Minute), func(ctx context.Context) (map[string]bool, error) {
		named, err := e.namedArtifacts(ctx)
		uploadedTo(t, e, 1) // which a CREATE MODEL on another server does, whose command comes too late
		return named, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !held(t, e, sha)[0] {
		t.Error("they are gone")
	}
}
