package plan

import "fmt"

// WalkExpr calls f for e and, where f returns true, for everything below it, from left to right.
func WalkExpr(e Expr, f func(Expr) bool) {
	if !f(e) {
		return
	}
	mapChildren(e, func(c Expr) Expr {
		WalkExpr(c, f)
		return c
	})
}

// RewriteExpr returns e with f applied to every expression in it, innermost first. e itself is not changed.
func RewriteExpr(e Expr, f func(Expr) Expr) Expr {
	return f(mapChildren(e, func(c Expr) Expr { return RewriteExpr(c, f) }))
}

// Columns returns the set of column positions that e reads.
func Columns(e Expr) map[int]bool {
	set := map[int]bool{}
	WalkExpr(e, func(x Expr) bool {
		if c, ok := x.(*Column); ok {
			set[c.Index] = true
		}
		return true
	})
	return set
}

// mapChildren copies e with f applied to each child; a leaf is returned as it is.
func mapChildren(e Expr, f func(Expr) Expr) Expr {
	switch x := e.(type) {
	case *Column, *Literal, *LambdaParam, *ModelVersion:
		return e
	case *Arithmetic:
		return &Arithmetic{Op: x.Op, Left: f(x.Left), Right: f(x.Right), T: x.T}
	case *Negate:
		return &Negate{Expr: f(x.Expr)}
	case *Comparison:
		return &Comparison{Op: x.Op, Left: f(x.Left), Right: f(x.Right)}
	case *And:
		return &And{Left: f(x.Left), Right: f(x.Right)}
	case *Or:
		return &Or{Left: f(x.Left), Right: f(x.Right)}
	case *Not:
		return &Not{Expr: f(x.Expr)}
	case *IsNull:
		return &IsNull{Expr: f(x.Expr)}
	case *In:
		return &In{Expr: f(x.Expr), List: mapList(x.List, f)}
	case *Like:
		return &Like{Expr: f(x.Expr), Pattern: f(x.Pattern), Escape: x.Escape}
	case *Case:
		c := &Case{T: x.T}
		for _, w := range x.Whens {
			c.Whens = append(c.Whens, When{Cond: f(w.Cond), Then: f(w.Then)})
		}
		if x.Else != nil {
			c.Else = f(x.Else)
		}
		return c
	}
	return mapPrimary(e, f)
}

func mapPrimary(e Expr, f func(Expr) Expr) Expr {
	switch x := e.(type) {
	case *Cast:
		return &Cast{Expr: f(x.Expr), T: x.T}
	case *Subscript:
		return &Subscript{Base: f(x.Base), Index: f(x.Index), T: x.T}
	case *Field:
		return &Field{Base: f(x.Base), Index: x.Index, Name: x.Name, T: x.T}
	case *MakeArray:
		return &MakeArray{Items: mapList(x.Items, f), T: x.T}
	case *MakeMap:
		return &MakeMap{Keys: mapList(x.Keys, f), Values: mapList(x.Values, f), T: x.T}
	case *MakeStruct:
		return &MakeStruct{Items: mapList(x.Items, f), T: x.T}
	case *Lambda:
		return &Lambda{Params: x.Params, Types: x.Types, Body: f(x.Body)}
	case *Call:
		return &Call{Name: x.Name, Params: x.Params, Args: mapList(x.Args, f), T: x.T}
	case *Predict:
		return &Predict{Model: x.Model, Version: x.Version, Args: mapList(x.Args, f), T: x.T}
	}
	panic(fmt.Sprintf("plan: unknown expression %T", e))
}
