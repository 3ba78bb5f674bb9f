package parser_test

import (
	"math/rand"
	"testing"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// The binding strengths of the dialect, loosest first.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelPredicate
	levelConcat
	levelAdd
	levelMul
	levelUnary
	levelPrimary
)

// generator makes random expressions: the text has only the parentheses that the dialect's grammar needs, and the
// tree is made beside it, not from it.
type generator struct{ *rand.Rand }

func (g generator) expr(least, depth int) (string, ast.Expr) {
	level := least + g.Intn(levelPrimary-least+1)
	if depth <= 0 {
		level = levelPrimary
	}
	if least == levelPrimary && depth > 0 && g.Intn(3) == 0 {
		text, e := g.expr(levelOr, depth-1)
		return "(" + text + ")", e
	}
	switch level {
	case levelOr:
		l, x, r, y := g.pair(levelOr, levelAnd, depth)
		return l + " OR " + r, &ast.Logical{Op: ast.Or, Left: x, Right: y}
	case levelAnd:
		l, x, r, y := g.pair(levelAnd, levelNot, depth)
		return l + " AND " + r, &ast.Logical{Op: ast.And, Left: x, Right: y}
	case levelNot:
		t, x := g.expr(levelNot, depth-1)
		return "NOT " + t, &ast.Not{Expr: x}
	case levelPredicate:
		return g.predicate(depth)
	case levelConcat:
		return g.binary(depth, levelConcat, ast.Concat)
	case levelAdd:
		return g.binary(depth, levelAdd, ast.Add, ast.Sub)
	case levelMul:
		return g.binary(depth, levelMul, ast.Mul, ast.Div, ast.Mod)
	case levelUnary:
		t, x := g.expr(levelUnary, depth-1)
		return "- " + t, &ast.Unary{Op: ast.Neg, Expr: x}
	}
	return g.primary(depth)
}

func (g generator) pair(left, right, depth int) (string, ast.Expr, string, ast.Expr) {
	l, x := g.expr(left, depth-1)
	r, y := g.expr(right, depth-1)
	return l, x, r, y
}

func (g generator) binary(depth, level int, ops ...ast.BinaryOp) (string, ast.Expr) {
	l, x, r, y := g.pair(level, level+1, depth)
	op := ops[g.Intn(len(ops))]
	return l + " " + string(op) + " " + r, &ast.Binary{Op: op, Left: x, Right: y}
}

func (g generator) predicate(depth int) (string, ast.Expr) {
	l, x, r, y := g.pair(levelConcat, levelConcat, depth)
	not, no := "", g.Intn(2) == 0
	if no {
		not = "NOT "
	}
	switch g.Intn(5) {
	case 0:
		h, z := g.expr(levelConcat, depth-1)
		return l + " " + not + "BETWEEN " + r + " AND " + h, &ast.Between{Expr: x, Low: y, High: z, Not: no}
	case 1:
		return l + " " + not + "LIKE " + r, &ast.Like{Expr: x, Pattern: y, Not: no}
	case 2:
		m, z := g.expr(levelOr, depth-1)
		return l + " " + not + "IN (" + r + ", " + m + ")", &ast.In{Expr: x, List: []ast.Expr{y, z}, Not: no}
	case 3:
		return l + " IS " + not + "NULL", &ast.IsNull{Expr: x, Not: no}
	}
	ops := []ast.CompareOp{ast.Eq, ast.NotEq, ast.Lt, ast.Le, ast.Gt, ast.Ge, ast.IsDistinct, ast.IsNotDistinct}
	op := ops[g.Intn(len(ops))]
	return l + " " + string(op) + " " + r, &ast.Comparison{Op: op, Left: x, Right: y}
}

func (g generator) primary(depth int) (string, ast.Expr) {
	letter := string(rune('a' + g.Intn(26)))
	name := ast.Ident{Name: "C" + string(letter[0]-'a'+'A')}
	column := &ast.ColumnRef{Name: name}
	if depth <= 0 {
		if g.Intn(2) == 0 {
			return "7", &ast.IntLit{Value: 7}
		}
		return "c" + letter, column
	}
	b, y := g.expr(levelOr, depth-1)
	switch g.Intn(7) {
	case 0:
		a, x := g.base(depth)
		return a + "->c" + letter, &ast.Deref{Base: x, Field: name}
	case 1:
		a, x := g.base(depth)
		return a + "[" + b + "]", &ast.Subscript{Base: x, Index: y}
	case 2:
		two := []ast.Ident{{Name: "X"}, {Name: "Y"}}
		return "f(" + b + ", (x, y) => " + b + ")", &ast.Call{
			Name: ast.Ident{Name: "F"}, Args: []ast.Expr{y, &ast.Lambda{Params: two, Body: y}},
		}
	case 3:
		return "CASE WHEN " + b + " THEN c" + letter + " ELSE " + b + " END", &ast.Case{Whens: []ast.When{{Cond: y, Result: column}}, Else: y}
	case 4:
		t := &ast.TypeName{Name: ast.Ident{Name: "ARRAY"}, Elem: &ast.TypeName{Name: ast.Ident{Name: "INT"}}}
		return "CAST(" + b + " AS ARRAY<INT>)", &ast.Cast{Expr: y, Type: t}
	case 5:
		return "MAP('k' := " + b + ")", &ast.MapLit{Entries: []ast.MapEntry{{Key: &ast.StringLit{Value: "k"}, Value: y}}}
	}
	array := &ast.ArrayLit{Elems: []ast.Expr{y, column}}
	return "STRUCT(s := ARRAY[" + b + ", c" + letter + "])", &ast.StructLit{Fields: []ast.StructEntry{{Name: ast.Ident{Name: "S"}, Value: array}}}
}

// base is what a bracket or an arrow can bind to: a literal would read otherwise.
func (g generator) base(depth int) (string, ast.Expr) {
	for {
		t, x := g.expr(levelPrimary, depth-1)
		if _, literal := x.(*ast.IntLit); !literal {
			return t, x
		}
	}
}

// TestPrecedence compares random expressions with the trees they were made from, and again after printing.
func TestPrecedence(t *testing.T) {
	g := generator{rand.New(rand.NewSource(7))}
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	for range n {
		text, want := g.expr(levelOr, 4)
		got, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatal(ast.Render(err, text))
		}
		want = signs(want)
		if !ast.Equal(want, got) {
			t.Fatalf("sql  %s\ngot  %s\nwant %s", text, got, want)
		}
		printed := got.String()
		again, err := parser.ParseExpr(printed)
		if err != nil {
			t.Fatal(ast.Render(err, printed))
		}
		if !ast.Equal(got, again) {
			t.Fatalf("printed %s\nagain   %s", printed, again)
		}
	}
}

// signs gives a minus directly before a number to the number, as the parser does. The generator writes 7 in
// parentheses never, so that any number below a minus stands directly behind it.
func signs(e ast.Expr) ast.Expr {
	return ast.Rewrite(e, func(e ast.Expr) ast.Expr {
		if u, ok := e.(*ast.Unary); ok {
			if n, ok := u.Expr.(*ast.IntLit); ok && n.Value > 0 {
				return &ast.IntLit{Value: -n.Value}
			}
		}
		return e
	})
}
