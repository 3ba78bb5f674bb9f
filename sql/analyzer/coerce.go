package analyzer

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Lists that a user writes (IN, ARRAY, MAP) are brought to one type, found from left to right: the first typed element says what
// is wanted, each next one may widen it. Literals bend further than other expressions, and constructors are looked into.

// unify finds the type of the elements and converts them. Without a typed element it is NULL's.
func unify(items []plan.Expr, at []ast.Expr) ([]plan.Expr, *types.Type, error) {
	t := types.Null
	for i, e := range items {
		var err error
		if t, err = widen(t, e, at[i]); err != nil {
			return nil, nil, err
		}
	}
	out := make([]plan.Expr, len(items))
	for i, e := range items {
		var err error
		if out[i], err = convert(e, t, at[i]); err != nil {
			return nil, nil, err
		}
	}
	return out, t, nil
}

// widen gives the type that holds target's values and e.
func widen(target *types.Type, e plan.Expr, at ast.Expr) (*types.Type, error) {
	switch x := e.(type) {
	case *plan.MakeArray:
		if target.Kind == types.KindArray {
			elem, err := widenAll(target.Elem, x.Items, at)
			return types.ArrayOf(elem), err
		}
	case *plan.MakeMap:
		if target.Kind == types.KindMap {
			k, err := widenAll(target.Key, x.Keys, at)
			if err != nil {
				return nil, err
			}
			v, err := widenAll(target.Elem, x.Values, at)
			return types.MapOf(k, v), err
		}
	case *plan.MakeStruct:
		if target.Kind == types.KindStruct {
			return widenStruct(target, x, at)
		}
	case *plan.Literal:
		return widenLiteral(target, x, at)
	}
	return common(target, e, at, types.CommonStrict)
}

func widenAll(t *types.Type, items []plan.Expr, at ast.Expr) (*types.Type, error) {
	for _, e := range items {
		var err error
		if t, err = widen(t, e, at); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// widenStruct is the union of the fields, those of x first.
func widenStruct(target *types.Type, x *plan.MakeStruct, at ast.Expr) (*types.Type, error) {
	out := types.StructOf()
	for i, f := range x.T.Fields {
		ft := f.Type
		if j := target.FieldIndex(f.Name); j >= 0 {
			var err error
			if ft, err = widen(target.Fields[j].Type, x.Items[i], at); err != nil {
				return nil, err
			}
		}
		out.Fields = append(out.Fields, types.Field{Name: f.Name, Type: ft})
	}
	for _, f := range target.Fields {
		if out.FieldIndex(f.Name) < 0 {
			out.Fields = append(out.Fields, f)
		}
	}
	return out, nil
}

func common(target *types.Type, e plan.Expr, at ast.Expr, table func(a, b *types.Type) (*types.Type, bool)) (*types.Type, error) {
	t, ok := table(target, e.Type())
	if !ok {
		return nil, advise(fail("type.in-mismatch", at.Span(), "%s is %s where %s is wanted", at, e.Type(), target), "add a CAST")
	}
	return t, nil
}

func widenLiteral(target *types.Type, l *plan.Literal, at ast.Expr) (*types.Type, error) {
	s, isText := l.Value.(string)
	if isText && target.Kind.IsNumeric() {
		t, err := numberType(s, target, at)
		if err != nil {
			return nil, err
		}
		return types.CommonNumeric(target, t), nil
	}
	if isText && target.Kind == types.KindBoolean {
		if _, ok := booleanText(s); !ok {
			return nil, badText(s, target, at)
		}
		return target, nil
	}
	return common(target, l, at, types.CommonLax)
}

// numberType is the type of the number that a text spells.
func numberType(s string, target *types.Type, at ast.Expr) (*types.Type, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, ".eE") {
		if f, err := strconv.ParseFloat(s, 64); err != nil || f != f {
			return nil, badText(s, target, at)
		}
		if d, err := types.ParseDecimal(s); err == nil {
			return types.DecimalOf(max(d.Precision(), d.Scale()+1), d.Scale()), nil
		}
		return types.Double, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil && n > -1<<31 && n < 1<<31-1:
		return types.Int, nil
	case err == nil && n > -1<<63 && n < 1<<63-1:
		return types.Bigint, nil
	}
	d, err := types.ParseDecimal(s)
	if err != nil {
		return nil, badText(s, target, at)
	}
	return types.DecimalOf(d.Precision(), 0), nil
}

func badText(s string, t *types.Type, at ast.Expr) error {
	return fail("type.in-literal", at.Span(), "'%s' is no %s", s, t.Kind)
}

// booleanText reads a prefix of true, yes, false or no.
func booleanText(s string) (value, ok bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case s == "":
		return false, false
	case strings.HasPrefix("true", s) || strings.HasPrefix("yes", s):
		return true, true
	}
	return false, strings.HasPrefix("false", s) || strings.HasPrefix("no", s)
}

// convert brings e to type t, as unify found it.
func convert(e plan.Expr, t *types.Type, at ast.Expr) (plan.Expr, error) {
	switch x := e.(type) {
	case *plan.Literal:
		return convertLiteral(x, t, at)
	case *plan.MakeArray:
		items, err := convertAll(x.Items, t.Elem, at)
		return &plan.MakeArray{Items: items, T: t}, err
	case *plan.MakeMap:
		keys, err := convertAll(x.Keys, t.Key, at)
		if err != nil {
			return nil, err
		}
		values, err := convertAll(x.Values, t.Elem, at)
		return &plan.MakeMap{Keys: keys, Values: values, T: t}, err
	case *plan.MakeStruct:
		return convertStruct(x, t, at)
	}
	return castTo(e, t), nil
}

func convertAll(items []plan.Expr, t *types.Type, at ast.Expr) ([]plan.Expr, error) {
	out := make([]plan.Expr, len(items))
	for i, e := range items {
		var err error
		if out[i], err = convert(e, t, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func convertStruct(x *plan.MakeStruct, t *types.Type, at ast.Expr) (plan.Expr, error) {
	out := &plan.MakeStruct{T: t}
	for _, f := range t.Fields {
		i := x.T.FieldIndex(f.Name)
		if i < 0 {
			out.Items = append(out.Items, &plan.Literal{T: f.Type})
			continue
		}
		v, err := convert(x.Items[i], f.Type, at)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func convertLiteral(l *plan.Literal, t *types.Type, at ast.Expr) (plan.Expr, error) {
	if l.Value == nil || types.Equal(l.T, t) {
		return &plan.Literal{Value: l.Value, T: t}, nil
	}
	if s, ok := l.Value.(string); ok && t.Kind == types.KindBoolean {
		v, _ := booleanText(s)
		return &plan.Literal{Value: v, T: t}, nil
	}
	v, err := types.Cast(l.Value, l.T, t)
	if err != nil {
		return nil, fail("type.in-literal", at.Span(), "%s is no %s: %v", l, t, err)
	}
	return &plan.Literal{Value: v, T: t}, nil
}

// in compares the left side with each item, all brought to one type; NULL items match nothing and are left out.
func (b *binder) in(x *ast.In) (plan.Expr, error) {
	if x.Query != nil {
		return nil, b.unsupported(&ast.Subquery{Loc: x.Loc, Query: x.Query})
	}
	left, err := b.bind(x.Expr)
	if err != nil {
		return nil, err
	}
	items, at := []plan.Expr{left}, []ast.Expr{x.Expr}
	for _, e := range x.List {
		v, err := b.bind(magicTime(x.Expr, e))
		if err != nil {
			return nil, err
		}
		if !isNull(v) {
			items, at = append(items, v), append(at, e)
		}
	}
	if items, _, err = unify(items, at); err != nil {
		return nil, err
	}
	if len(items) == 1 {
		return not(&plan.Literal{Value: false, T: types.Boolean}, x.Not), nil
	}
	return not(&plan.In{Expr: items[0], List: items[1:]}, x.Not), nil
}
