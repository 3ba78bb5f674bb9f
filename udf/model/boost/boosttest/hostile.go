package boosttest

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// Limit is the largest file that hostile tests load.
const Limit = 1 << 20

// Try loads whatever it is given, and scores one row of what loads.
func Try(b model.Backend, file []byte) error {
	s, err := b.Load(context.Background(), model.NewArtifact("hostile", file), model.Options{MaxBytes: Limit})
	if err != nil {
		return err
	}
	width := s.Signature().Inputs[0].Width()
	return s.Score(context.Background(), []model.Column{{Float32: make([]float32, width)}}, 1, make([]model.Column, len(s.Signature().Outputs)))
}

// Fuzz tries files that come of the models at the paths: whatever they hold, nothing panics.
func Fuzz(f *testing.F, b model.Backend, paths []string) {
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(_ *testing.T, file []byte) { _ = Try(b, file) })
}

// Broken makes each of the changes alone in a sound file: what is replaced, by what, and what the error must say.
func Broken(t *testing.T, b model.Backend, path string, changes [][3]string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		old, changed, want := c[0], c[1], c[2]
		if !bytes.Contains(file, []byte(old)) {
			t.Errorf("the model has no %s", old)
			continue
		}
		err := Try(b, bytes.Replace(file, []byte(old), []byte(changed), 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", changed, err, want)
		}
	}
}

// Bombs are small files that ask for much: each is refused, and takes little memory on the way.
func Bombs(t *testing.T, b model.Backend, files map[string][]byte) {
	t.Helper()
	for name, file := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Try(b, file)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s loads", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*Limit {
			t.Errorf("%s took %d bytes", name, got)
		}
	}
}
