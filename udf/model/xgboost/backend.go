// Package xgboost scores XGBoost models in the process, from the files that save_model writes: JSON and UBJSON.
//
// UBJSON is rewritten as JSON first (ubj.go), so there is one reader. It takes the trees one by one (tree.go), so that a
// file cannot ask for much more memory than it has bytes, and the objective's link, the form of the result and the
// margin of base_score from one table (objective.go).
//
// A model that was stopped early is scored up to its best iteration, as the library's scikit-learn classes do.
package xgboost

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/boost"
)

const backendName = "native"

// Backend is the native backend for XGBoost's files. The zero value is ready.
type Backend struct{}

var _ model.Backend = Backend{}

// Name returns "native".
func (Backend) Name() string { return backendName }

// Load implements model.Backend.
func (Backend) Load(_ context.Context, a model.Artifact, o model.Options) (model.Scorer, error) {
	s, err := load(a.Bytes, o.Limit())
	if err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return s, nil
}

func load(b []byte, limit int) (model.Scorer, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("%d bytes exceed the limit of %d", len(b), limit)
	}
	f, err := read(b)
	if err != nil {
		return nil, err
	}
	m, err := f.model()
	if err != nil {
		return nil, err
	}
	return boost.New(m)
}

// read reads either format.
func read(b []byte) (*file, error) {
	if IsUBJ(b) {
		text, err := ubjToJSON(b)
		if err != nil {
			return nil, fmt.Errorf("ubj: %w", err)
		}
		b = text
	}
	return parse(b)
}

func uncovered(format string, args ...any) error {
	return &model.UnsupportedError{Backend: backendName, Missing: []string{fmt.Sprintf(format, args...)}}
}
