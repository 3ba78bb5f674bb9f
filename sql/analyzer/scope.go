package analyzer

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// source is one stream or table of FROM.
type source struct {
	alias string
	at    ast.Span
	cat   *catalog.Source
	cols  []plan.OutColumn // in the order of a star
	used  []string         // pseudo columns that the query reads
}

func (s *source) has(name string) bool { return plan.Find(s.cols, name) >= 0 || pseudo(name) }

func (s *source) table() bool { return s.cat.Kind == catalog.Table }

// scope is what names mean in one SELECT.
type scope struct {
	sources []*source
	// windowed: unqualified WINDOWSTART and WINDOWEND are those of the WINDOW clause, not a source's.
	windowed bool
	// words are references that name no column: lambda parameters, units of time, models.
	words map[*ast.ColumnRef]bool
}

func (sc *scope) join() bool { return len(sc.sources) > 1 }

func (sc *scope) source(alias string) *source {
	for _, s := range sc.sources {
		if s.alias == alias {
			return s
		}
	}
	return nil
}

// holders are the sources that have the column.
func (sc *scope) holders(name string) []*source {
	var out []*source
	for _, s := range sc.sources {
		if s.has(name) {
			out = append(out, s)
		}
	}
	return out
}

// columnNames are all names that could have been meant, for suggestions.
func (sc *scope) columnNames() []string {
	var out []string
	for _, s := range sc.sources {
		for _, c := range s.cols {
			out = append(out, c.Name)
		}
	}
	return out
}

// relations flattens FROM into sources, left to right.
func (s *statement) relations(from ast.Relation) ([]*source, error) {
	switch x := from.(type) {
	case *ast.TableRef:
		src, ok := s.cat.Source(x.Name.Name)
		if !ok {
			return nil, s.unknownSource(x.Name)
		}
		alias := x.Name.Name
		if x.Alias != nil {
			alias = x.Alias.Name
		}
		return []*source{{alias: alias, at: x.Span(), cat: src, cols: schemaColumns(src)}}, nil
	case *ast.Join:
		left, err := s.relations(x.Left)
		if err != nil {
			return nil, err
		}
		if _, ok := x.Right.(*ast.Join); ok {
			return nil, advise(fail("join.nested", x.Right.Span(), "the right side of a join must be a stream or table"), "write the joins in a chain, without parentheses")
		}
		right, err := s.relations(x.Right)
		if err != nil {
			return nil, err
		}
		return s.noRepeats(append(left, right...))
	case *ast.SubqueryRef:
		return nil, advise(fail("syntax.subquery", x.Span(), "a continuous query cannot read a query in parentheses"), "create a stream or table from it first (CREATE ... AS SELECT)")
	case *ast.TableFunctionRef:
		return nil, advise(fail("syntax.table-function", x.Span(), "a table function cannot stand in FROM"), "call %s in the SELECT list", x.Name)
	}
	return nil, fail("syntax", from.Span(), "%s cannot stand in FROM", from)
}

// noRepeats refuses a source or an alias that is there twice.
func (s *statement) noRepeats(all []*source) ([]*source, error) {
	last := all[len(all)-1]
	for _, o := range all[:len(all)-1] {
		if o.cat.Name == last.cat.Name {
			return nil, fail("join.same-source", last.at, "%s is joined with itself: each source can be there once", last.cat.Name)
		}
		if o.alias == last.alias {
			return nil, fail("name.alias", last.at, "the alias %s is there twice", last.alias)
		}
	}
	return all, nil
}

// names joins things for a message: "A, B or C".
func names(list []string, last string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " " + last + " " + list[len(list)-1]
}

func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
