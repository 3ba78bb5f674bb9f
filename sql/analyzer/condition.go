package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Condition binds a condition that stands alone, over the columns that it is given: those of no stream or table.
func (a *Analyzer) Condition(e ast.Expr, columns []types.Field, cat *catalog.Catalog) (plan.Expr, error) {
	source := &plan.Source{}
	rel := &relation{node: source}
	for _, c := range columns {
		source.Out = append(source.Out, plan.OutColumn{Name: c.Name, Type: c.Type})
		rel.names = append(rel.names, columnName{name: c.Name})
	}
	s := &statement{Analyzer: a, cat: cat}
	return s.binder(rel).condition(e)
}
