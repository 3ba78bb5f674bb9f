package xgboost

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

// TestZoo scores models that the library trained and compares with what the library predicts.
func TestZoo(t *testing.T) {
	found := 0
	for _, path := range files(t) {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".json"), ".ubj")
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

// TestRefused loads sound models that are not covered: the message names why.
func TestRefused(t *testing.T) {
	for name, reason := range map[string]string{
		"refused_linear":      `booster "gblinear"`,
		"refused_vector_leaf": "vector leaves (multi_strategy=multi_output_tree)",
	} {
		b, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Backend.Load(context.Background(), model.NewArtifact(name, b), model.Options{})
		var u *model.UnsupportedError
		if !errors.As(err, &u) || len(u.Missing) != 1 || u.Missing[0] != reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func files(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	var models []string
	for _, path := range all {
		if strings.HasSuffix(path, ".ubj") || strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".rows.json") {
			models = append(models, path)
		}
	}
	return models
}
