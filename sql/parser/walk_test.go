package parser_test

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// expressions collects all expressions below v by reflection, which knows nothing of the kinds of nodes.
func expressions(v reflect.Value, into map[ast.Expr]bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if e, ok := v.Interface().(ast.Expr); ok && v.Kind() == reflect.Pointer {
			into[e] = true
		}
		expressions(v.Elem(), into)
	case reflect.Slice:
		for i := range v.Len() {
			expressions(v.Index(i), into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			expressions(v.Field(i), into)
		}
	}
}

// TestInspectVisitsAll compares Inspect with reflection. Literals that are fields of a clause, and not operands, are
// not visited.
func TestInspectVisitsAll(t *testing.T) {
	checked := 0
	for _, text := range seeds(t) {
		statements, err := parser.Parse(text)
		if err != nil {
			continue
		}
		for _, s := range statements {
			want, got := map[ast.Expr]bool{}, map[ast.Expr]bool{}
			expressions(reflect.ValueOf(s), want)
			ast.Inspect(s, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok {
					got[e] = true
				}
				return true
			})
			for e := range want {
				if !got[e] && !clauseLiteral(e, s) {
					t.Errorf("%T %s of %s is not visited", e, e, s)
				}
				checked++
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d expressions", checked)
	}
}

// clauseLiteral says whether e is the value of a property, a LIMIT, an ESCAPE or a number of PRINT and ASSERT.
func clauseLiteral(e ast.Expr, s ast.Statement) bool {
	switch s.(type) {
	case *ast.CreateSource, *ast.CreateConnector, *ast.CreateModel, *ast.CreateFunction, *ast.AlterModel, *ast.Print, *ast.AssertTopic, *ast.AssertSchema:
		return true
	}
	found := false
	ast.Inspect(s, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Query:
			found = found || x.Limit != nil && ast.Expr(x.Limit) == e
		case *ast.Like:
			found = found || x.Escape != nil && ast.Expr(x.Escape) == e
		case *ast.CreateAs:
			found = found || x.With != nil && property(x.With, e)
		case *ast.InsertSelect:
			found = found || x.With != nil && property(x.With, e)
		}
		return true
	})
	return found
}

func property(p *ast.Properties, e ast.Expr) bool {
	for _, item := range p.Items {
		if item.Value == e {
			return true
		}
	}
	return false
}

// TestRewrite renames all columns of an expression that has every kind of node.
func TestRewrite(t *testing.T) {
	const text = `f(a, x => a + x) FILTER (WHERE a) OVER (PARTITION BY a ORDER BY a) + CASE a WHEN a THEN a ELSE a END +
		CAST(-a AS INT) || a[a]->b || MAP(a := a)[a] || STRUCT(q := ARRAY[a])->q = a AND a IN (a, 1) AND a LIKE a AND NOT a IS NULL
		OR a BETWEEN a AND a`
	e, err := parser.ParseExpr(text)
	if err != nil {
		t.Fatal(ast.Render(err, text))
	}
	before := e.String()
	renamed := ast.Rewrite(e, func(e ast.Expr) ast.Expr {
		if c, ok := e.(*ast.ColumnRef); ok && c.Name.Name == "A" {
			return &ast.ColumnRef{Name: ast.Ident{Name: "Z"}}
		}
		return e
	})
	if e.String() != before {
		t.Errorf("the original changed to %s", e)
	}
	left := 0
	all := map[ast.Expr]bool{}
	expressions(reflect.ValueOf(renamed), all)
	for n := range all {
		if c, ok := n.(*ast.ColumnRef); ok && c.Name.Name == "A" {
			left++
		}
	}
	if left > 0 || renamed.String() == before {
		t.Errorf("%d columns keep their name in %s", left, renamed)
	}
	if same := ast.Rewrite(e, func(e ast.Expr) ast.Expr { return e }); !ast.Equal(e, same) {
		t.Errorf("rewritten to itself: %s", same)
	}
}
