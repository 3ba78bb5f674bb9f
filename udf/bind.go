package udf

import "github.com/millrace/millrace/sql/types"

// bindings are the types that type variables stand for.
type bindings map[string]*types.Type

// accepts says whether an argument of type t fits the pattern, and binds variables on the way. A bare NULL fits all.
func (b bindings) accepts(p *Pattern, t *types.Type, casts bool) bool {
	switch {
	case t.Kind == types.KindNull || p.Any:
		return true
	case p.Var != "":
		if old := b[p.Var]; old != nil {
			return types.Equal(old, t)
		}
		b[p.Var] = t
		return true
	case p.Kind == types.KindArray:
		return t.Kind == types.KindArray && b.accepts(p.Elem, t.Elem, casts)
	case p.Kind == types.KindMap:
		return t.Kind == types.KindMap && b.accepts(p.Key, t.Key, casts) && b.accepts(p.Elem, t.Elem, casts)
	case p.Kind == t.Kind:
		return true
	case !casts || p.Kind == types.KindStruct || p.Kind == types.KindLambda:
		return false
	case p.Kind == types.KindDecimal:
		return types.AsDecimal(t) != nil
	}
	return types.ImplicitCast(t, &types.Type{Kind: p.Kind})
}

// substitute gives the concrete type of a pattern that accepted an argument of type arg (nil where there is none).
func (b bindings) substitute(p *Pattern, arg *types.Type) *types.Type {
	part := func(of func(*types.Type) *types.Type) *types.Type {
		if arg == nil || arg.Kind != p.Kind {
			return nil
		}
		return of(arg)
	}
	switch {
	case p.Var != "":
		if t := b[p.Var]; t != nil {
			return t
		}
		return types.Null
	case p.Any || p.Kind == types.KindStruct:
		if arg != nil {
			return arg
		}
		return types.Null
	case p.Kind == types.KindArray:
		return types.ArrayOf(b.substitute(p.Elem, part(func(t *types.Type) *types.Type { return t.Elem })))
	case p.Kind == types.KindMap:
		return types.MapOf(b.substitute(p.Key, part(func(t *types.Type) *types.Type { return t.Key })),
			b.substitute(p.Elem, part(func(t *types.Type) *types.Type { return t.Elem })))
	case p.Kind == types.KindDecimal:
		if arg != nil {
			if d := types.AsDecimal(arg); d != nil {
				return d
			}
		}
		return types.Null
	}
	return &types.Type{Kind: p.Kind}
}
