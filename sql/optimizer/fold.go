package optimizer

import "github.com/millrace/millrace/sql/plan"

// foldConstants evaluates expressions over literals once instead of for every row.
func foldConstants(n plan.Node, o Options) plan.Node {
	if o.Fold == nil {
		return n
	}
	fold := func(e plan.Expr) plan.Expr {
		return plan.RewriteExpr(e, func(x plan.Expr) plan.Expr { return foldOne(x, o) })
	}
	return plan.Rewrite(n, func(n plan.Node) plan.Node { return plan.MapExprs(n, fold) })
}

func foldOne(e plan.Expr, o Options) plan.Expr {
	switch e.(type) {
	case *plan.Literal, *plan.Column, *plan.Lambda, *plan.LambdaParam:
		return e
	}
	constant := true
	plan.WalkExpr(e, func(x plan.Expr) bool {
		switch x.(type) {
		case *plan.Column, *plan.Lambda, *plan.LambdaParam:
			constant = false
		}
		return constant
	})
	if !constant || isVolatile(e, o) {
		return e
	}
	v, ok := o.Fold(e)
	if !ok {
		return e
	}
	return &plan.Literal{Value: v, T: e.Type()}
}
