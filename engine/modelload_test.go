package engine

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/model"
)

// frail is a backend that a file can panic.
type frail struct{}

func (frail) Name() string { return "frail" }

func (frail) Load(context.Context, model.Artifact, model.Options) (model.Scorer, error) {
	panic("index out of range")
}

// TestModelThatPanicsBackend: such a file is refused like any other, since the next one to load it would be the server that starts again.
func TestModelThatPanicsBackend(t *testing.T) {
	var logged strings.Builder
	e := &Engine{log: slog.New(slog.NewTextHandler(&logged, nil)), models: model.Library{Backends: []model.Backend{frail{}}}}
	err := e.tryModel(t.Context(), &catalog.ModelVersion{Name: "M"}, []byte("a file"))
	if err == nil || !strings.Contains(err.Error(), "backend fail") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(logged.String(), "index out of range") || !strings.Contains(logged.String(), "model=M") {
		t.Errorf("the log says %q", logged.String())
	}
}
