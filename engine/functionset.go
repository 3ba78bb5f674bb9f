package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf"
)

// functionResolver answers the analyzer from the functions as they are now.
type functionResolver struct{ e *Engine }

// Kind implements analyzer.Functions.
func (r functionResolver) Kind(name string) analyzer.FunctionKind { return r.e.functions().Kind(name) }

// Names implements analyzer.Functions.
func (r functionResolver) Names() []string { return r.e.functions().Names() }

// Resolve implements analyzer.Functions.
func (r functionResolver) Resolve(name string, args []analyzer.Arg) (analyzer.Match, error) {
	return r.e.functions().Resolve(name, args)
}

// functions are those that calls find: the built-in ones, and those that statements defined.
func (e *Engine) functions() *udf.Registry { return e.callable.Load() }

// defineFunctions makes the functions of a catalog those that calls find.
func (e *Engine) defineFunctions(cat *catalog.Catalog) error {
	var list []udf.Function
	var names []string
	for _, f := range cat.Functions() {
		def := f.Last()
		names = append(names, def.Name)
		list = append(list, udf.Function{
			Name: def.Name, Kind: analyzer.ScalarFunction, Category: def.Language, Description: describeDefinition(def),
			// Another definition may give another result, so it is not folded into plans.
			Overloads: []udf.Overload{{Signature: signatureOf(def), Defined: true, Volatile: true}},
		})
	}
	// A release may have a new function whose name was taken: queries go on with the one that they were written for.
	r, err := e.builtin.Without(names...).With(list...)
	if err != nil {
		return fmt.Errorf("functions of the command log: %w", err)
	}
	e.callable.Store(r)
	return nil
}

// keepFunctions compiles the functions as they are now. Where one cannot be compiled the queries that need it fail, and are tried again.
func (e *Engine) keepFunctions(ctx context.Context, cat *catalog.Catalog) {
	if err := e.modules.Keep(ctx, cat.Functions()); err != nil {
		e.log.Error("a function cannot be compiled", "error", err)
	}
}

// signatureOf is a definition as the registry writes it.
func signatureOf(def *catalog.FunctionVersion) string {
	params := make([]string, len(def.Params))
	for i, p := range def.Params {
		params[i] = p.Name + " " + signatureType(p.Type.String())
	}
	return strings.TrimSpace(strings.Join(params, ", ") + " -> " + signatureType(def.Returns.String()))
}

// signatureType is a type's name in signatures.
func signatureType(name string) string {
	if name == "INTEGER" {
		return "INT"
	}
	return name
}

// describeDefinition says what there is to say of a function that has no words of its own.
func describeDefinition(def *catalog.FunctionVersion) string {
	return fmt.Sprintf("%s of %s, in %s: at most %s a row and %d KB of memory; sha256 %s.",
		def.Export, def.URI, def.Language, def.Timeout, def.Memory>>10, def.SHA256)
}
