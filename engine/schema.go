package engine

import (
	"errors"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
)

// schemas makes the schemas of a new source's topic known to the registry: of a sink always, else where the topic has none. A registry
// that does not answer, or refuses, fails the statement before anything is defined.
func (d *definition) schemas(src *catalog.Source, missing bool) error {
	err := format.RegisterSource(src, d.e.schemas, missing)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrUnavailable):
		return &ast.Error{Code: "schema.registry", Message: err.Error(), Hint: "nothing was defined; try again"}
	}
	return &ast.Error{Code: "schema.invalid", Message: err.Error(), Hint: "the columns and the registry's rules for the topic must agree"}
}
