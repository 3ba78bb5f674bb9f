package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
)

// condition is the ON of one join: a side for what is joined so far, a side for the source that is new.
type condition struct {
	on          *ast.Comparison
	left, right ast.Expr
}

// checkJoins reads the ON of every join, the innermost first.
func (b *query) checkJoins() error {
	b.ons = map[*ast.Join]condition{}
	return b.checkJoin(b.sel.From)
}

func (b *query) checkJoin(from ast.Relation) error {
	x, ok := from.(*ast.Join)
	if !ok {
		return nil
	}
	if err := b.checkJoin(x.Left); err != nil {
		return err
	}
	on, err := b.sc.qualify(x.On)
	if err != nil {
		return err
	}
	if err := b.sc.checkResolved("JOIN ON", func(string) bool { return false }, on); err != nil {
		return err
	}
	c, err := b.sides(on, x)
	if err != nil {
		return err
	}
	b.ons[x] = c
	return nil
}

// sides takes an equality apart: each side reads one source, one of them the new one.
func (b *query) sides(on ast.Expr, x *ast.Join) (condition, error) {
	var c condition
	if l, ok := on.(*ast.Logical); ok {
		return c, advise(fail("join.multiple-conditions", l.Span(), "a join has one condition, not several"), "join on one equality and filter by WHERE")
	}
	eq, ok := on.(*ast.Comparison)
	if !ok || eq.Op != ast.Eq {
		return c, advise(fail("join.condition", on.Span(), "a join needs an equality, not %s", on), "write ON a.x = b.y")
	}
	left, err := b.oneSource(eq.Left, eq)
	if err != nil {
		return c, err
	}
	right, err := b.oneSource(eq.Right, eq)
	if err != nil {
		return c, err
	}
	if left == right {
		return c, fail("join.one-source-per-side", eq.Span(), "both sides of the condition read %s", left)
	}
	joined := relationAliases(x.Right)[0]
	c = condition{on: eq, left: eq.Left, right: eq.Right}
	if left == joined {
		left, right, c.left, c.right = right, left, eq.Right, eq.Left
	}
	if right != joined {
		return c, fail("join.criteria-source", eq.Span(), "the condition does not read %s, which it joins", joined)
	}
	for _, a := range relationAliases(x.Left) {
		if a == left {
			return c, nil
		}
	}
	return c, fail("join.criteria-source", eq.Span(), "%s is joined further on and cannot be read yet", left)
}

// oneSource is the alias of the only source that a side of the condition reads.
func (b *query) oneSource(e ast.Expr, on *ast.Comparison) (string, error) {
	found := map[string]bool{}
	alias := ""
	ast.Inspect(e, func(n ast.Node) bool {
		if r, ok := n.(*ast.ColumnRef); ok && r.Qualifier != nil {
			alias = r.Qualifier.Name
			found[alias] = true
		}
		return true
	})
	if len(found) != 1 {
		return "", advise(fail("join.comparison", e.Span(), "%s, in %s, reads %d sources; each side of a join reads one", e, on, len(found)), "compare a column of one source with a column of the other")
	}
	return alias, nil
}

// relationAliases lists the aliases under a relation, left to right.
func relationAliases(from ast.Relation) []string {
	switch x := from.(type) {
	case *ast.TableRef:
		if x.Alias != nil {
			return []string{x.Alias.Name}
		}
		return []string{x.Name.Name}
	case *ast.Join:
		return append(relationAliases(x.Left), relationAliases(x.Right)...)
	}
	return nil
}
