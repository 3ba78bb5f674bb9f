package plan

import "fmt"

// Walk calls f for n and, where f returns true, for everything it reads, left first.
func Walk(n Node, f func(Node) bool) {
	if !f(n) {
		return
	}
	for _, in := range n.Inputs() {
		Walk(in, f)
	}
}

// Rewrite returns n with f applied to every node, leaves first: f sees a node whose inputs are already rewritten and returns
// it or another. n itself is not changed.
func Rewrite(n Node, f func(Node) Node) Node {
	old := n.Inputs()
	inputs := make([]Node, len(old))
	changed := false
	for i, in := range old {
		inputs[i] = Rewrite(in, f)
		changed = changed || inputs[i] != in
	}
	if changed {
		n = WithInputs(n, inputs...)
	}
	return f(n)
}

// WithInputs copies n with other inputs, as many as it has.
func WithInputs(n Node, inputs ...Node) Node {
	switch x := n.(type) {
	case *Source:
		return x
	case *Filter:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Project:
		c := *x
		c.Input = inputs[0]
		return &c
	case *FlatMap:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Rekey:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Repartition:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Aggregate:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Join:
		c := *x
		c.Left, c.Right = inputs[0], inputs[1]
		return &c
	case *ForeignKeyJoin:
		c := *x
		c.Left, c.Right = inputs[0], inputs[1]
		return &c
	case *Sink:
		c := *x
		c.Input = inputs[0]
		return &c
	case *Result:
		c := *x
		c.Input = inputs[0]
		return &c
	}
	panic(fmt.Sprintf("plan: unknown node %T", n))
}

// MapExprs copies n with f applied to each of its expressions (to their roots: f walks on by RewriteExpr). All of them
// read columns of the node's input; the foreign key of a ForeignKeyJoin reads Left.
func MapExprs(n Node, f func(Expr) Expr) Node {
	switch x := n.(type) {
	case *Filter:
		c := *x
		c.Predicate = f(x.Predicate)
		return &c
	case *Project:
		c := *x
		c.Items = mapItems(x.Items, f)
		return &c
	case *Rekey:
		c := *x
		c.Keys = mapItems(x.Keys, f)
		return &c
	case *FlatMap:
		c := *x
		c.Calls = append([]TableCall{}, x.Calls...)
		for i := range c.Calls {
			c.Calls[i].Args = mapList(c.Calls[i].Args, f)
		}
		return &c
	case *Aggregate:
		c := *x
		c.Calls = append([]AggregateCall{}, x.Calls...)
		for i := range c.Calls {
			c.Calls[i].Args = mapList(c.Calls[i].Args, f)
		}
		return &c
	case *ForeignKeyJoin:
		c := *x
		c.ForeignKey = f(x.ForeignKey)
		return &c
	}
	return n
}

func mapItems(items []Item, f func(Expr) Expr) []Item {
	out := append([]Item{}, items...)
	for i := range out {
		out[i].Expr = f(out[i].Expr)
	}
	return out
}

func mapList(list []Expr, f func(Expr) Expr) []Expr {
	out := make([]Expr, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}

// Exprs lists the expressions of n itself, in order.
func Exprs(n Node) []Expr {
	var out []Expr
	MapExprs(n, func(e Expr) Expr {
		out = append(out, e)
		return e
	})
	return out
}

// Find returns the position of the first column with the name, or -1.
func Find(cols []OutColumn, name string) int {
	for i := range cols {
		if cols[i].Name == name {
			return i
		}
	}
	return -1
}

// Keys returns how many Key columns lead the list.
func Keys(cols []OutColumn) int {
	n := 0
	for n < len(cols) && cols[n].Role == Key {
		n++
	}
	return n
}
