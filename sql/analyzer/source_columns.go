package analyzer

import (
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// pseudoColumns are the columns of every source that no schema declares.
var pseudoColumns = []plan.OutColumn{
	{Name: "ROWTIME", Type: types.Bigint, Role: plan.Pseudo},
	{Name: "ROWPARTITION", Type: types.Int, Role: plan.Pseudo},
	{Name: "ROWOFFSET", Type: types.Bigint, Role: plan.Pseudo},
}

func pseudo(name string) bool { return plan.Find(pseudoColumns, name) >= 0 }

// windowColumns are the bounds of a windowed key.
func windowColumns() []plan.OutColumn {
	return []plan.OutColumn{
		{Name: windowStart, Type: types.Bigint, Role: plan.WindowBound},
		{Name: windowEnd, Type: types.Bigint, Role: plan.WindowBound},
	}
}

// schemaColumns are the columns of a source in the order of a star: keys, window bounds, values, headers.
func schemaColumns(src *catalog.Source) []plan.OutColumn {
	var out []plan.OutColumn
	for _, c := range src.Schema.Keys() {
		out = append(out, plan.OutColumn{Name: c.Name, Type: c.Type, Role: plan.Key})
	}
	if src.Window != nil {
		out = append(out, windowColumns()...)
	}
	for _, c := range src.Schema.Values() {
		out = append(out, plan.OutColumn{Name: c.Name, Type: c.Type})
	}
	for _, c := range src.Schema.With(types.RoleHeader) {
		out = append(out, plan.OutColumn{Name: c.Name, Type: c.Type, Role: plan.HeaderValue})
	}
	return out
}

// sourceNode reads src with the named pseudo columns behind its own.
func sourceNode(src *catalog.Source, alias string, pseudo []string) *plan.Source {
	n := &plan.Source{
		Name: src.Name, Alias: alias, Table: src.Kind == catalog.Table, Topic: src.Topic, Schema: src.Schema,
		KeyFormat: src.KeyFormat, ValueFormat: src.ValueFormat, Window: src.Window, Timestamp: src.Timestamp,
	}
	n.Out = schemaColumns(src)
	for _, p := range pseudo {
		n.Out = append(n.Out, pseudoColumns[plan.Find(pseudoColumns, p)])
	}
	return n
}

// sinkSchema is the schema of what a plan with these columns writes.
func sinkSchema(cols []plan.OutColumn) types.Schema {
	var s types.Schema
	for _, c := range cols {
		switch c.Role {
		case plan.Key:
			s.Columns = append(s.Columns, types.Column{Name: c.Name, Type: c.Type, Role: types.RoleKey})
		case plan.WindowBound:
		default:
			s.Columns = append(s.Columns, types.Column{Name: c.Name, Type: c.Type})
		}
	}
	return s
}
