package lightgbm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/boost/boosttest"
)

func files(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var models []string
	for _, path := range paths {
		if filepath.Base(path) != "requirements.txt" {
			models = append(models, path)
		}
	}
	return models
}

// TestZoo scores models that the library trained and compares with what the library predicts.
func TestZoo(t *testing.T) {
	found := 0
	for _, path := range files(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if strings.HasPrefix(name, "refused_") {
			continue
		}
		found++
		t.Run(name, func(t *testing.T) { boosttest.Compare(t, Backend, path) })
	}
	if found < 20 {
		t.Errorf("%d models", found)
	}
}

// TestRefused loads a sound model that is not covered: the message names why.
func TestRefused(t *testing.T) {
	b, err := os.ReadFile("testdata/refused_linear_tree.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Backend.Load(context.Background(), model.NewArtifact("refused_linear_tree", b), model.Options{})
	var u *model.UnsupportedError
	if !errors.As(err, &u) || len(u.Missing) != 1 || u.Missing[0] != "linear trees" {
		t.Error(err)
	}
}
