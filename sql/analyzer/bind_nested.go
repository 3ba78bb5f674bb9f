package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func (b *binder) subscript(x *ast.Subscript) (plan.Expr, error) {
	base, index, err := b.two(x.Base, x.Index)
	if err != nil {
		return nil, err
	}
	switch t := base.Type(); t.Kind {
	case types.KindArray:
		if k := index.Type().Kind; k != types.KindInt && k != types.KindBigint {
			return nil, fail("type.subscript", x.Index.Span(), "an ARRAY is subscripted by an integer, not %s", index.Type())
		}
		return &plan.Subscript{Base: base, Index: castTo(index, types.Int), T: t.Elem}, nil
	case types.KindMap:
		if !types.ImplicitCast(index.Type(), t.Key) {
			return nil, fail("type.subscript", x.Index.Span(), "the keys of %s are %s, not %s", x.Base, t.Key, index.Type())
		}
		return &plan.Subscript{Base: base, Index: castTo(index, t.Key), T: t.Elem}, nil
	}
	return nil, fail("type.subscript", x.Span(), "%s is %s and has no subscript", x.Base, base.Type())
}

func (b *binder) deref(x *ast.Deref) (plan.Expr, error) {
	base, err := b.bind(x.Base)
	if err != nil {
		return nil, err
	}
	t := base.Type()
	if t.Kind != types.KindStruct {
		return nil, fail("type.field", x.Span(), "%s is %s and has no fields", x.Base, t)
	}
	i := t.FieldIndex(x.Field.Name)
	if _, model := base.(*plan.Predict); model && i < 0 {
		i = foldedField(t, x.Field.Name)
	}
	if i < 0 {
		var fields []string
		for _, f := range t.Fields {
			fields = append(fields, f.Name)
		}
		return nil, advise(fail("name.field", x.Field.Span(), "%s has no field %s", x.Base, x.Field), "%s", ast.Suggest(x.Field.Name, fields))
	}
	return &plan.Field{Base: base, Index: i, Name: t.Fields[i].Name, T: t.Fields[i].Type}, nil
}

// foldedField finds an output of a model, whose names are seldom upper case, by its name in any case.
func foldedField(t *types.Type, name string) int {
	for i, f := range t.Fields {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

func (b *binder) list(es []ast.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(es))
	for i, e := range es {
		var err error
		if out[i], err = b.bind(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *binder) array(x *ast.ArrayLit) (plan.Expr, error) {
	if len(x.Elems) == 0 {
		return nil, fail("type.empty-constructor", x.Span(), "ARRAY[] has no elements, so its type is not known")
	}
	items, err := b.list(x.Elems)
	if err != nil {
		return nil, err
	}
	items, t, err := unify(items, x.Elems)
	if err != nil {
		return nil, err
	}
	if t.Kind == types.KindNull {
		return nil, fail("type.null-constructor", x.Span(), "all elements of the ARRAY are NULL, so its type is not known")
	}
	return &plan.MakeArray{Items: items, T: types.ArrayOf(t)}, nil
}

func (b *binder) mapOf(x *ast.MapLit) (plan.Expr, error) {
	if len(x.Entries) == 0 {
		return nil, fail("type.empty-constructor", x.Span(), "MAP() has no entries, so its type is not known")
	}
	var keys, values []ast.Expr
	for _, e := range x.Entries {
		keys, values = append(keys, e.Key), append(values, e.Value)
	}
	m := &plan.MakeMap{}
	kt, err := b.mapSide("keys", keys, x, &m.Keys)
	if err != nil {
		return nil, err
	}
	vt, err := b.mapSide("values", values, x, &m.Values)
	if err != nil {
		return nil, err
	}
	m.T = types.MapOf(kt, vt)
	return m, nil
}

func (b *binder) mapSide(side string, es []ast.Expr, x *ast.MapLit, out *[]plan.Expr) (*types.Type, error) {
	items, err := b.list(es)
	if err != nil {
		return nil, err
	}
	items, t, err := unify(items, es)
	if err != nil {
		return nil, err
	}
	if t.Kind == types.KindNull {
		return nil, fail("type.null-constructor", x.Span(), "all %s of the MAP are NULL, so its type is not known", side)
	}
	*out = items
	return t, nil
}

func (b *binder) structOf(x *ast.StructLit) (plan.Expr, error) {
	m := &plan.MakeStruct{T: types.StructOf()}
	for _, f := range x.Fields {
		v, err := b.bind(f.Value)
		if err != nil {
			return nil, err
		}
		switch {
		case m.T.FieldIndex(f.Name.Name) >= 0:
			return nil, fail("struct.duplicate-field", f.Name.Span(), "field %s is there twice", f.Name)
		case isNull(v):
			return nil, advise(fail("type.null-field", f.Value.Span(), "field %s is NULL, so its type is not known", f.Name), "cast the NULL to a type")
		}
		m.Items = append(m.Items, v)
		m.T.Fields = append(m.T.Fields, types.Field{Name: f.Name.Name, Type: v.Type()})
	}
	return m, nil
}
