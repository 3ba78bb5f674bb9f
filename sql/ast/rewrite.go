package ast

import "slices"

// Rewrite returns e with f applied to every expression in it, innermost first: f sees a node whose children are
// already rewritten and returns it or another. e itself is not changed. Queries inside e are left as they are.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	r := rewriter(f)
	return f(r.below(e))
}

type rewriter func(Expr) Expr

func (r rewriter) expr(e Expr) Expr { return Rewrite(e, r) }

func (r rewriter) list(es []Expr) []Expr {
	out := slices.Clone(es)
	for i := range out {
		out[i] = r.expr(out[i])
	}
	return out
}

// below copies e with its children rewritten.
func (r rewriter) below(e Expr) Expr {
	switch x := e.(type) {
	case *Unary:
		c := *x
		c.Expr = r.expr(x.Expr)
		return &c
	case *Binary:
		c := *x
		c.Left, c.Right = r.expr(x.Left), r.expr(x.Right)
		return &c
	case *Comparison:
		c := *x
		c.Left, c.Right = r.expr(x.Left), r.expr(x.Right)
		return &c
	case *Logical:
		c := *x
		c.Left, c.Right = r.expr(x.Left), r.expr(x.Right)
		return &c
	case *Not:
		c := *x
		c.Expr = r.expr(x.Expr)
		return &c
	case *IsNull:
		c := *x
		c.Expr = r.expr(x.Expr)
		return &c
	case *Between:
		c := *x
		c.Expr, c.Low, c.High = r.expr(x.Expr), r.expr(x.Low), r.expr(x.High)
		return &c
	case *In:
		c := *x
		c.Expr, c.List = r.expr(x.Expr), r.list(x.List)
		return &c
	case *Like:
		c := *x
		c.Expr, c.Pattern = r.expr(x.Expr), r.expr(x.Pattern)
		return &c
	}
	return r.primary(e)
}

func (r rewriter) primary(e Expr) Expr {
	switch x := e.(type) {
	case *Case:
		c := *x
		c.Operand, c.Else, c.Whens = r.expr(x.Operand), r.expr(x.Else), slices.Clone(x.Whens)
		for i, w := range c.Whens {
			c.Whens[i] = When{Cond: r.expr(w.Cond), Result: r.expr(w.Result)}
		}
		return &c
	case *Cast:
		c := *x
		c.Expr = r.expr(x.Expr)
		return &c
	case *Subscript:
		c := *x
		c.Base, c.Index = r.expr(x.Base), r.expr(x.Index)
		return &c
	case *Deref:
		c := *x
		c.Base = r.expr(x.Base)
		return &c
	case *DerefStar:
		c := *x
		c.Base = r.expr(x.Base)
		return &c
	case *ArrayLit:
		c := *x
		c.Elems = r.list(x.Elems)
		return &c
	case *MapLit:
		c := *x
		c.Entries = slices.Clone(x.Entries)
		for i, m := range c.Entries {
			c.Entries[i] = MapEntry{Key: r.expr(m.Key), Value: r.expr(m.Value)}
		}
		return &c
	case *StructLit:
		c := *x
		c.Fields = slices.Clone(x.Fields)
		for i := range c.Fields {
			c.Fields[i].Value = r.expr(c.Fields[i].Value)
		}
		return &c
	case *Call:
		return r.call(x)
	case *Lambda:
		c := *x
		c.Body = r.expr(x.Body)
		return &c
	}
	return e
}

func (r rewriter) call(x *Call) *Call {
	c := *x
	c.Args, c.Filter = r.list(x.Args), r.expr(x.Filter)
	if x.Over == nil {
		return &c
	}
	o := *x.Over
	o.PartitionBy, o.OrderBy = r.list(o.PartitionBy), slices.Clone(o.OrderBy)
	for i, item := range o.OrderBy {
		o.OrderBy[i] = &OrderItem{Loc: item.Loc, Expr: r.expr(item.Expr), Desc: item.Desc}
	}
	c.Over = &o
	return &c
}
