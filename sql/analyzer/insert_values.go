package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func (s *statement) insertValues(x *ast.InsertValues) (Result, error) {
	if len(x.Columns) > 0 && len(x.Columns) != len(x.Values) {
		return nil, fail("insert.count", x.Span(), "%d columns and %d values", len(x.Columns), len(x.Values))
	}
	target, ok := s.cat.Source(x.Target.Name)
	at := x.Target.Span()
	switch {
	case !ok:
		return nil, s.unknownSource(x.Target)
	case target.ReadOnly:
		return nil, fail("insert.read-only", at, "%s is a source %s, which cannot be written", target.Name, target.Kind)
	case target.Window != nil:
		return nil, fail("insert.windowed", at, "%s has windowed keys, which INSERT VALUES cannot make", target.Name)
	}
	columns, err := valueColumns(x, target)
	if err != nil {
		return nil, err
	}
	out := &InsertValues{Target: target}
	bind := s.binder(nil)
	given := map[string]plan.Expr{}
	for i, c := range columns {
		e, err := bind.bind(x.Values[i])
		if err != nil {
			return nil, err
		}
		t := types.Bigint
		if c.Name != "ROWTIME" {
			t = target.Schema.Columns[target.Schema.Find(c.Name)].Type
		}
		if given[c.Name], err = fit(e, t, c.Name, x.Values[i]); err != nil {
			return nil, err
		}
	}
	out.RowTime = given["ROWTIME"]
	for _, c := range append(target.Schema.Keys(), target.Schema.Values()...) {
		e, ok := given[c.Name]
		if !ok && c.Role == types.RoleKey && target.Kind == catalog.Table {
			return nil, fail("insert.key", x.Span(), "the primary key column %s has no value", types.QuoteName(c.Name))
		}
		if !ok {
			e = &plan.Literal{T: c.Type}
		}
		out.Values = append(out.Values, ColumnValue{Column: c, Expr: e})
	}
	return out, nil
}

// valueColumns are the columns that the values are for: as written, else keys and values in order.
func valueColumns(x *ast.InsertValues, target *catalog.Source) ([]ast.Ident, error) {
	headers := target.Schema.With(types.RoleHeader)
	if len(x.Columns) == 0 {
		if len(headers) > 0 {
			return nil, fail("insert.headers", x.Target.Span(), "%s has header columns, which cannot be written", target.Name)
		}
		var out []ast.Ident
		for _, c := range append(target.Schema.Keys(), target.Schema.Values()...) {
			out = append(out, ast.Ident{Name: c.Name})
		}
		if len(out) != len(x.Values) {
			return nil, fail("insert.count", x.Span(), "%s has %d columns, and there are %d values", target.Name, len(out), len(x.Values))
		}
		return out, nil
	}
	seen := map[string]bool{}
	for _, c := range x.Columns {
		i := target.Schema.Find(c.Name)
		switch {
		case seen[c.Name]:
			return nil, fail("insert.column-twice", c.Span(), "column %s is there twice", c)
		case c.Name == "ROWPARTITION" || c.Name == "ROWOFFSET":
			return nil, fail("insert.column", c.Span(), "column %s cannot be written", c)
		case i < 0 && c.Name != "ROWTIME":
			var all []string
			for _, t := range target.Schema.Columns {
				all = append(all, t.Name)
			}
			return nil, advise(fail("name.column", c.Span(), "%s has no column %s", target.Name, c), "%s", ast.Suggest(c.Name, all))
		case i >= 0 && target.Schema.Columns[i].Role == types.RoleHeader:
			return nil, fail("insert.headers", c.Span(), "header column %s cannot be written", c)
		}
		seen[c.Name] = true
	}
	return x.Columns, nil
}

// fit brings a value to the column's type by the strict rules: numbers widen, text becomes dates, nothing becomes text. Fields that a
// STRUCT column does not have are left out.
func fit(e plan.Expr, t *types.Type, column string, at ast.Expr) (plan.Expr, error) {
	if !types.ImplicitCast(shared(e.Type(), t), t) && (e.Type().Kind != types.KindDecimal || t.Kind != types.KindDecimal) {
		return nil, advise(fail("insert.type", at.Span(), "%s is %s and does not fit column %s of type %s", at, e.Type(), column, t), "add a CAST")
	}
	if l, ok := e.(*plan.Literal); ok && l.Value != nil {
		v, err := types.Coerce(l.Value, l.T, t)
		if err != nil {
			return nil, fail("insert.type", at.Span(), "%s does not fit column %s of type %s: %v", at, column, t, err)
		}
		return &plan.Literal{Value: v, T: t}, nil
	}
	return castTo(e, t), nil
}

// shared is a type without the fields that the other one lacks, however deep; one that has no field in common stays as it is.
func shared(t, other *types.Type) *types.Type {
	if t.Kind != other.Kind {
		return t
	}
	switch t.Kind {
	case types.KindArray:
		return types.ArrayOf(shared(t.Elem, other.Elem))
	case types.KindMap:
		return types.MapOf(t.Key, shared(t.Elem, other.Elem))
	case types.KindStruct:
		var fields []types.Field
		for _, f := range t.Fields {
			if i := other.FieldIndex(f.Name); i >= 0 {
				fields = append(fields, types.Field{Name: f.Name, Type: shared(f.Type, other.Fields[i].Type)})
			}
		}
		if len(fields) > 0 {
			return types.StructOf(fields...)
		}
	}
	return t
}
