package analyzer

import (
	"slices"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

func (s *statement) alterSource(x *ast.AlterSource) (Result, error) {
	src, ok := s.cat.Source(x.Name.Name)
	if !ok {
		return nil, s.unknownSource(x.Name)
	}
	switch {
	case src.Kind != catalog.SourceKind(x.Kind):
		return nil, fail("alter.kind", x.Name.Span(), "%s is a %s, not a %s", src.Name, src.Kind, x.Kind)
	case src.ReadOnly:
		return nil, fail("alter.read-only", x.Name.Span(), "%s is read-only: its columns cannot change", src.Name)
	case src.Query != "":
		return nil, advise(fail("alter.query", x.Name.Span(), "%s is written by query %s: its columns come from there", src.Name, src.Query), "use CREATE OR REPLACE")
	}
	n := *src
	n.Schema.Columns = slices.Clone(src.Schema.Columns)
	for _, e := range x.Add {
		c, err := s.column(e, x.Kind)
		if err != nil {
			return nil, err
		}
		switch {
		case e.Constraint != ast.NoConstraint:
			return nil, fail("alter.column", e.Span(), "only value columns can be added")
		case reserved(c.Name):
			return nil, fail("name.reserved-column", e.Name.Span(), "%s is the name of a system column", types.QuoteName(c.Name))
		case n.Schema.Find(c.Name) >= 0:
			return nil, fail("name.duplicate-column", e.Name.Span(), "%s has a column %s already", src.Name, types.QuoteName(c.Name))
		}
		n.Schema.Columns = append(n.Schema.Columns, c)
	}
	n.Statement = s.text
	values := roles(schemaColumns(&n), 0)
	if err := checkColumns("value", n.ValueFormat, values, x.Span()); err != nil {
		return nil, err
	}
	if len(src.Schema.Values()) == 1 {
		n.ValueFormat.Wrap = nil
	}
	return &Alter{Source: &n}, nil
}
