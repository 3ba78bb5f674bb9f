package topology

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/plan"
)

// Two expressions of different plans mean the same if they compute the same of the same columns of the sources, wherever projections lie
// and whatever columns are called on the way. So they are compared after each column was replaced by what it comes from.

// canonical prints an expression over the columns of n as one over the columns of the sources.
func canonical(n plan.Node, e plan.Expr) string { return traced(n, e).String() }

func traced(n plan.Node, e plan.Expr) plan.Expr {
	return plan.RewriteExpr(e, func(x plan.Expr) plan.Expr {
		if c, ok := x.(*plan.Column); ok {
			return trace(n, c.Index)
		}
		return x
	})
}

// trace says what column i of a node comes from.
func trace(n plan.Node, i int) plan.Expr {
	here := n.Columns()[i]
	switch x := n.(type) {
	case *plan.Filter:
		return trace(x.Input, i)
	case *plan.Repartition:
		return trace(x.Input, i)
	case *plan.Project:
		return traced(x.Input, x.Items[i].Expr)
	case *plan.Rekey:
		if i < len(x.Keys) {
			return traced(x.Input, x.Keys[i].Expr)
		}
		return trace(x.Input, i-len(x.Keys))
	case *plan.FlatMap:
		if i < len(x.Input.Columns()) {
			return trace(x.Input, i)
		}
		here.Name = x.ID + ".call-" + strconv.Itoa(i-len(x.Input.Columns()))
	case *plan.Aggregate:
		if i < plan.Keys(x.Out) {
			return trace(x.Input, i)
		}
		here.Name = x.ID + ".column-" + strconv.Itoa(i-plan.Keys(x.Out))
	case *plan.Join:
		return traceJoin(x, x.Left, x.Right, i)
	case *plan.ForeignKeyJoin:
		return traceJoin(x, x.Left, x.Right, i)
	case *plan.Source:
		here.Name = x.ID + "." + here.Name
	}
	return &plan.Column{Name: here.Name, T: here.Type}
}

// traceJoin finds the side that a column of a join comes from. The first columns are the join's own.
func traceJoin(n, left, right plan.Node, i int) plan.Expr {
	cols, l := n.Columns(), len(left.Columns())
	first := len(cols) - l - len(right.Columns())
	switch {
	case i < first:
		return &plan.Column{Name: plan.IDOf(n) + ".key-" + strconv.Itoa(i), T: cols[i].Type}
	case i < first+l:
		return trace(left, i-first)
	}
	return trace(right, i-first-l)
}

// sameExprs says whether expressions over two nodes mean the same.
func sameExprs(a, b plan.Node, as, bs []plan.Expr) bool {
	return slices.EqualFunc(as, bs, func(x, y plan.Expr) bool {
		return plan.SameExpr(traced(a, x), traced(b, y))
	})
}

func itemExprs(items []plan.Item) []plan.Expr {
	var out []plan.Expr
	for _, it := range items {
		out = append(out, it.Expr)
	}
	return out
}

// columnExprs reads all columns of a node, keyExprs its key columns.
func columnExprs(n plan.Node) []plan.Expr {
	var out []plan.Expr
	for i, c := range n.Columns() {
		out = append(out, &plan.Column{Index: i, Name: c.Name, T: c.Type})
	}
	return out
}

func keyExprs(n plan.Node) []plan.Expr { return columnExprs(n)[:plan.Keys(n.Columns())] }

// columnNames lists what columns of n come from, with their types.
func columnNames(n plan.Node, cols []plan.Expr) string {
	var names []string
	for _, c := range cols {
		names = append(names, canonical(n, c)+" "+c.Type().String())
	}
	return shown(n, strings.Join(names, ", "))
}

// sourceColumn is how trace prints columns of sources: `source-1.NAME`.
var sourceColumn = regexp.MustCompile("`(source-[0-9]+)\\.([^`]+)`")

// shown is canonical text for people, who know the sources by their names.
func shown(n plan.Node, text string) string {
	names := map[string]string{}
	plan.Walk(n, func(n plan.Node) bool {
		if s, ok := n.(*plan.Source); ok {
			names[s.ID] = s.Name
		}
		return true
	})
	return sourceColumn.ReplaceAllStringFunc(text, func(match string) string {
		parts := sourceColumn.FindStringSubmatch(match)
		return (&plan.Column{Name: names[parts[1]]}).String() + "." + (&plan.Column{Name: parts[2]}).String()
	})
}
