package optimizer

import "github.com/millrace/millrace/sql/plan"

// mergeProjections makes one projection of two, where no expression of the lower one would be computed more often for it.
func mergeProjections(n plan.Node, o Options) plan.Node {
	return plan.Rewrite(n, func(n plan.Node) plan.Node {
		upper, ok := n.(*plan.Project)
		if !ok {
			return n
		}
		lower, ok := upper.Input.(*plan.Project)
		if !ok || !mergeable(upper, lower, o) {
			return n
		}
		c := *upper
		c.Input = lower.Input
		c.Items = append([]plan.Item{}, upper.Items...)
		for i := range c.Items {
			c.Items[i].Expr = substitute(c.Items[i].Expr, lower.Items)
		}
		return &c
	})
}

func mergeable(upper, lower *plan.Project, o Options) bool {
	uses := make([]int, len(lower.Items))
	for _, it := range upper.Items {
		inLambda := false
		plan.WalkExpr(it.Expr, func(x plan.Expr) bool {
			switch c := x.(type) {
			case *plan.Column:
				uses[c.Index]++
			case *plan.Lambda:
				inLambda = true
			}
			return true
		})
		if inLambda {
			return false // a body runs once an element
		}
	}
	for i, it := range lower.Items {
		switch it.Expr.(type) {
		case *plan.Column, *plan.Literal:
		default:
			if uses[i] > 1 || isVolatile(it.Expr, o) {
				return false
			}
		}
	}
	return true
}

// dropProjections removes those that give what they get.
func dropProjections(n plan.Node, _ Options) plan.Node {
	return plan.Rewrite(n, func(n plan.Node) plan.Node {
		p, ok := n.(*plan.Project)
		if !ok || len(p.Items) != len(p.Input.Columns()) {
			return n
		}
		for i, c := range p.Input.Columns() {
			col, ok := p.Items[i].Expr.(*plan.Column)
			if !ok || col.Index != i || p.Items[i].Name != c.Name || p.Items[i].Role != c.Role {
				return n
			}
		}
		return p.Input
	})
}
