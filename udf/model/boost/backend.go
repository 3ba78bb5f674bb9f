package boost

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

const backendName = "native"

// Backend is the native backend for one library's files.
type Backend struct {
	Library string // begins the errors
	// Read reads a file, which is not above the limit of its load. What it does not cover is an error of Uncovered.
	Read func(file []byte) (Model, error)
}

var _ model.Backend = Backend{}

// Name returns "native".
func (Backend) Name() string { return backendName }

// Load implements model.Backend.
func (b Backend) Load(_ context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	s, err := b.load(a.Bytes, o.Limit())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Library, err)
	}
	return s, nil
}

func (b Backend) load(file []byte, limit int) (model.Scorer, error) {
	if len(file) > limit {
		return nil, fmt.Errorf("%d bytes exceed the limit of %d", len(file), limit)
	}
	m, err := b.Read(file)
	if err != nil {
		return nil, err
	}
	return New(m)
}

// Uncovered is what a sound file has that the native backend does not score.
func Uncovered(format string, args ...any) error {
	return &model.UnsupportedError{Backend: backendName, Missing: []string{fmt.Sprintf(format, args...)}}
}
