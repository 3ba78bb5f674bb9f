// Package xgboost scores XGBoost models in the process, from the files that save_model writes: JSON and UBJSON.
//
// UBJSON is rewritten as JSON first (ubj.go), so there is one reader. It takes the trees one by one (tree.go), so that a
// file cannot ask for much more memory than it has bytes, and the objective's link, the form of the result and the
// margin of base_score from one table (objective.go).
//
// A model that was stopped early is scored up to its best iteration, as the library's scikit-learn classes do.
package xgboost

import (
	"fmt"

	"github.com/millrace/millrace/udf/model/boost"
)

// Backend is the native backend for XGBoost's files.
var Backend = boost.Backend{Library: "xgboost", Read: readModel}

func readModel(b []byte) (m boost.Model, err error) {
	f, err := read(b)
	if err != nil {
		return m, err
	}
	return f.model()
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
