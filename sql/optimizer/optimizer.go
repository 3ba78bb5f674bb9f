// Package optimizer makes plans cheaper without changing what they give.
//
// A rule is a function from plan to plan; rules lists them in the order in which they run. Each one alone keeps the meaning of
// a plan, row for row and in the same order, so any of them can be left out: results with the optimizer on and off are equal, and
// tests hold it to that. Ids of nodes with state never change.
package optimizer

import "github.com/millrace/millrace/sql/plan"

// Options say how to optimize.
type Options struct {
	// Off leaves the plan as it is.
	Off bool
	// Fold evaluates an expression that reads no column and calls no volatile function. Ok is false if it fails: then the expression stays, and
	// fails for every row as it should. Nil: constants are not folded.
	Fold func(e plan.Expr) (value any, ok bool)
	// Volatile names the functions, beside the built-in ones, whose result is not a function of their arguments.
	Volatile func(call *plan.Call) bool
}

// rule is one step.
type rule struct {
	name  string
	apply func(plan.Node, Options) plan.Node
}

var rules = []rule{
	{"fold constants", foldConstants},
	{"push filters below joins with tables", pushFilters},
	{"merge projections", mergeProjections},
	{"drop unread columns", pruneColumns},
	{"drop projections that change nothing", dropProjections},
}

// Optimize applies all rules.
func Optimize(n plan.Node, o Options) plan.Node {
	if o.Off {
		return n
	}
	for _, r := range rules {
		n = r.apply(n, o)
	}
	return n
}

// volatile names the built-in functions that are never evaluated ahead, nor more or less often than written.
var volatile = map[string]bool{"NOW": true, "RANDOM": true, "UUID": true, "UNIX_TIMESTAMP": true, "UNIX_DATE": true}

// isVolatile says whether e must be evaluated just where it stands: it calls a volatile function or scores a model.
func isVolatile(e plan.Expr, o Options) bool {
	found := false
	plan.WalkExpr(e, func(x plan.Expr) bool {
		switch c := x.(type) {
		case *plan.Call:
			found = found || volatile[c.Name] || o.Volatile != nil && o.Volatile(c)
		case *plan.Predict, *plan.ModelVersion:
			found = true
		}
		return !found
	})
	return found
}
