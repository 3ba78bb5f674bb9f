package analyzer

import (
	"slices"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

// checkReplace verifies that a new source may have its name: it is free, or OR REPLACE and the new one can stand for the old.
func (s *statement) checkReplace(n *catalog.Source, replace bool, at ast.Span) error {
	old, ok := s.cat.Source(n.Name)
	if replace && (n.ReadOnly || ok && old.ReadOnly) {
		return fail("source.replace", at, "%s is a source %s: it cannot be replaced", n.Name, n.Kind)
	}
	if !ok {
		return nil
	}
	if !replace {
		return advise(fail("name.exists", at, "%s exists already as a %s", n.Name, old.Kind), "use CREATE OR REPLACE, or IF NOT EXISTS")
	}
	switch {
	case old.Kind != n.Kind:
		return fail("replace.not-allowed.kind", at, "%s is a %s and cannot become a %s", n.Name, old.Kind, n.Kind)
	case old.Topic != n.Topic || !old.KeyFormat.Same(n.KeyFormat) || !old.ValueFormat.Same(n.ValueFormat):
		return fail("replace.not-allowed.topic", at, "a replaced %s keeps its topic and formats", n.Name)
	case (old.Timestamp == nil) != (n.Timestamp == nil) || old.Timestamp != nil && *old.Timestamp != *n.Timestamp:
		return fail("replace.not-allowed.timestamp", at, "a replaced %s keeps its TIMESTAMP column", n.Name)
	}
	return replaceColumns(old, n, at)
}

// replaceColumns: keys stay as they are, values may only be added at the end.
func replaceColumns(old, n *catalog.Source, at ast.Span) error {
	same := func(a, b types.Column) bool { return a.Name == b.Name && types.Equal(a.Type, b.Type) }
	if !slices.EqualFunc(old.Schema.Keys(), n.Schema.Keys(), same) {
		return fail("replace.not-allowed.key", at, "the key of %s must stay %s", n.Name, types.Schema{Columns: old.Schema.Keys()})
	}
	was, is := old.Schema.Values(), n.Schema.Values()
	for i, c := range was {
		if i >= len(is) || !same(c, is[i]) {
			return advise(fail("replace.not-allowed.columns", at, "column %s of %s is changed, missing or moved", types.QuoteName(c.Name), n.Name),
				"columns can only be added at the end")
		}
	}
	return nil
}
