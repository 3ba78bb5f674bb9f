package ort

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/udf/model"
)

const backendName = "ort"

// Backend scores ONNX models with ONNX Runtime.
type Backend struct {
	// Path is the library; "": the one that EnvPath names, or the system's by its usual names.
	Path string
}

var _ model.Backend = Backend{}

// Name returns "ort".
func (Backend) Name() string { return backendName }

// Open opens the library, as the first model would, and returns its version.
func (b Backend) Open() (string, error) {
	l, err := open(b.Path)
	if err != nil {
		return "", err
	}
	return l.version, nil
}

// Load implements model.Backend, but that how much memory a model takes is up to ONNX Runtime. Without the library no model is
// covered.
func (b Backend) Load(_ context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	if len(a.Bytes) > o.Limit() {
		return nil, fmt.Errorf("ort: %d bytes exceed the limit of %d", len(a.Bytes), o.Limit())
	}
	if err := contained(a.Bytes); err != nil {
		return nil, unsupported("%v", err)
	}
	l, err := open(b.Path)
	if err != nil {
		return nil, unsupported("any model, without ONNX Runtime (%v)", err)
	}
	s, err := newSession(l, a.Bytes)
	if err != nil {
		return nil, fmt.Errorf("ort: %w", err)
	}
	if err := s.probe(); err != nil {
		s.close()
		return nil, fmt.Errorf("ort: %w", err)
	}
	return newScorer(s), nil
}

func unsupported(format string, args ...any) error {
	return &model.UnsupportedError{Backend: backendName, Missing: []string{fmt.Sprintf(format, args...)}}
}
