package engine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/ast"
)

// assertSchema is ASSERT [NOT EXISTS] SCHEMA: it waits until the registry has, or no longer has, what the statement names.
func (e *Engine) assertSchema(ctx context.Context, st *ast.AssertSchema) ([]EntityBody, error) {
	if e.schemas == nil {
		return nil, &StatementError{
			Code: CodeRegistryMissing, Rule: "schema.unavailable",
			Message: "the server has no schema registry, and so no schemas to look for; --schema-registry names one",
		}
	}
	out, what := AssertSchema{Exists: !st.NotExists}, "schema"
	if st.Subject != nil {
		out.Subject, what = &st.Subject.Name, what+" of subject "+st.Subject.Name
	}
	if st.ID != nil {
		if st.ID.Value > math.MaxInt32 {
			return nil, &ast.Error{Code: "assert.schema", Span: st.ID.Span(), Message: "numbers of schemas have 31 bits"}
		}
		id := int(st.ID.Value)
		out.ID, what = &id, fmt.Sprintf("%s with number %d", what, id)
	}
	err := awaitAssertion(ctx, st.Timeout, func() (string, error) {
		found, err := e.hasSchema(st)
		switch {
		case err != nil:
			return "", err
		case found && st.NotExists:
			return "a " + what + " exists", nil
		case !found && !st.NotExists:
			return "a " + what + " does not exist", nil
		}
		return "", nil
	})
	if err != nil {
		return nil, err
	}
	return one(out), nil
}

func (e *Engine) hasSchema(st *ast.AssertSchema) (bool, error) {
	var found bool
	var err error
	if st.ID == nil {
		_, _, err = e.schemas.Latest(st.Subject.Name)
		found = err == nil
		if errors.Is(err, registry.ErrNotFound) {
			err = nil
		}
	} else {
		subject := ""
		if st.Subject != nil {
			subject = st.Subject.Name
		}
		found, err = e.schemas.Has(subject, int(st.ID.Value))
	}
	if err != nil {
		return false, &ast.Error{Code: "schema.registry", Span: st.Span(), Message: err.Error()}
	}
	return found, nil
}
