// Package inference tells the analyzer what columns a schema registry knows of: it stands between sql/analyzer, which asks and does no
// I/O, and the formats, which read schemas.
package inference

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
)

// Schemas implements analyzer.Schemas over a registry.
type Schemas struct{ Registry registry.Registry }

// Of returns what an analyzer asks about the registry; nil where there is none.
func Of(r registry.Registry) analyzer.Schemas {
	if r == nil {
		return nil
	}
	return Schemas{r}
}

// Infer implements analyzer.Schemas.
func (s Schemas) Infer(r analyzer.SchemaRequest) ([]types.Field, error) {
	fields, err := format.Infer(r.Format, format.Options{Key: r.Key, Schemas: s.Registry, Topic: r.Topic}, r.Alone)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil, fmt.Errorf("%w: %w", analyzer.ErrNoSchema, err)
	case errors.Is(err, registry.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", analyzer.ErrNoRegistry, err)
	}
	return fields, err
}
