package ast_test

import (
	"errors"
	"testing"

	"github.com/millrace/millrace/sql/ast"
)

func column(name string) *ast.ColumnRef { return &ast.ColumnRef{Name: ast.Ident{Name: name}} }

func TestStringParenthesises(t *testing.T) {
	a, b, c := column("A"), column("B"), column("C")
	sum := &ast.Binary{Op: ast.Add, Left: a, Right: b}
	or := &ast.Logical{Op: ast.Or, Left: a, Right: b}
	for want, e := range map[string]ast.Expr{
		"(A + B) * C":      &ast.Binary{Op: ast.Mul, Left: sum, Right: c},
		"A + B + C":        &ast.Binary{Op: ast.Add, Left: sum, Right: c},
		"C - (A + B)":      &ast.Binary{Op: ast.Sub, Left: c, Right: sum},
		"(A OR B) AND C":   &ast.Logical{Op: ast.And, Left: or, Right: c},
		"NOT (A OR B)":     &ast.Not{Expr: or},
		"(A OR B) IS NULL": &ast.IsNull{Expr: or},
		"-(-A)":            &ast.Unary{Op: ast.Neg, Expr: &ast.Unary{Op: ast.Neg, Expr: a}},
		"-(-1)":            &ast.Unary{Op: ast.Neg, Expr: &ast.IntLit{Value: -1}},
		"(A + B)[1]->C":    &ast.Deref{Base: &ast.Subscript{Base: sum, Index: &ast.IntLit{Value: 1}}, Field: c.Name},
	} {
		if got := e.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestIdentString(t *testing.T) {
	for name, want := range map[string]string{
		"A_1": "A_1", "FRAUD@2": "FRAUD@2", "a": "`a`", "FROM": "`FROM`", "A B": "`A B`", "x`y": "`x``y`", "1A": "`1A`", "ARRAY": "`ARRAY`",
	} {
		if got := (ast.Ident{Name: name}).String(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestEqual(t *testing.T) {
	at := ast.Span{Start: 3, End: 4}
	quoted := &ast.ColumnRef{Loc: at, Name: ast.Ident{Loc: at, Name: "A", Quoted: true}}
	if !ast.Equal(column("A"), quoted) {
		t.Error("place and quotes make a difference")
	}
	for _, other := range []ast.Expr{column("B"), &ast.StringLit{Value: "A"}, &ast.ColumnRef{Qualifier: &ast.Ident{Name: "S"}, Name: ast.Ident{Name: "A"}}} {
		if ast.Equal(column("A"), other) {
			t.Errorf("A is equal to %s", other)
		}
	}
	if !ast.Equal(&ast.Call{}, &ast.Call{Args: []ast.Expr{}}) {
		t.Error("an empty list differs from none")
	}
}

func TestDurationMillis(t *testing.T) {
	for text, d := range map[string]*ast.Duration{"1": {Value: 1, Unit: "MILLISECOND"}, "172800000": {Value: 2, Unit: "DAYS"}} {
		if ms, ok := d.Millis(); !ok || (&ast.IntLit{Value: ms}).String() != text {
			t.Errorf("%s: got %d, %v, want %s", d, ms, ok, text)
		}
	}
	if ms, ok := (&ast.Duration{Value: 1 << 60, Unit: "DAYS"}).Millis(); ok {
		t.Errorf("2^60 days are %d ms", ms)
	}
}

func TestPropertiesGet(t *testing.T) {
	p := &ast.Properties{Items: []*ast.Property{
		{Name: ast.Ident{Name: "kafka_topic"}, Value: &ast.StringLit{Value: "a"}},
		{Name: ast.Ident{Name: "KAFKA_TOPIC"}, Value: &ast.StringLit{Value: "b"}},
	}}
	if v := p.Get("KAFKA_TOPIC"); v == nil || v.String() != "'b'" {
		t.Errorf("got %v, want the last value", v)
	}
	if v := (*ast.Properties)(nil).Get("X"); v != nil {
		t.Errorf("no clause gives %v", v)
	}
}

func TestRender(t *testing.T) {
	text := "SELECT\n\tä, b FROM s;\r\n"
	err := error(&ast.Error{Code: "name.column", Message: "no column b", Hint: "did you mean c?", Span: ast.Span{Start: 12, End: 13}})
	want := "line 2:5: no column b\n    \tä, b FROM s;\n    \t   ^\nhint: did you mean c?"
	if got := ast.Render(err, text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A span outside the text must not matter, nor an error of another kind.
	ast.Render(&ast.Error{Message: "x", Span: ast.Span{Start: 900, End: -4}}, text)
	if got := ast.Render(errors.New("other"), text); got != "other" {
		t.Errorf("got %s", got)
	}
}
