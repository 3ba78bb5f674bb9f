package parser

import (
	"github.com/millrace/millrace/sql/ast"
)

// elements is a list of columns, without parentheses.
func (p *parser) elements() ([]*ast.Element, error) { return commaList(p, p.element) }

// elementList is a list of columns in parentheses.
func (p *parser) elementList() ([]*ast.Element, error) { return parenList(p, p.element) }

// plainElements are elements that are neither keys nor headers; what names one in an error.
func (p *parser) plainElements(what string) ([]*ast.Element, error) {
	list, err := p.elementList()
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.Constraint != ast.NoConstraint {
			return nil, errorAt(e.Loc, codeSyntax, what+" cannot be a %s", e.Name, e.Constraint)
		}
	}
	return list, nil
}

func (p *parser) element() (*ast.Element, error) {
	lo := p.i
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	t, err := p.typeName()
	if err != nil {
		return nil, err
	}
	e := &ast.Element{Name: name, Type: t}
	switch {
	case p.accept("PRIMARY"):
		e.Constraint, err = ast.PrimaryKey, p.expect("KEY")
	case p.accept("KEY"):
		e.Constraint = ast.Key
	case p.accept("HEADERS"):
		e.Constraint, err = ast.Headers, headersType(t)
	case p.accept("HEADER"):
		e.Constraint = ast.Header
		if err = p.expect("("); err != nil {
			return nil, err
		}
		if e.HeaderKey, err = p.str("the header's key as a string"); err != nil {
			return nil, err
		}
		if err = p.expect(")"); err == nil {
			err = headerType(t)
		}
	}
	e.Loc = p.span(lo)
	return e, err
}

// builtin are the types that a custom type cannot be; what a custom type is, only the analyzer knows.
var builtin = map[string]bool{
	"BOOLEAN": true, "INT": true, "INTEGER": true, "BIGINT": true, "DOUBLE": true, "DECIMAL": true, "STRING": true,
	"VARCHAR": true, "BYTES": true, "DATE": true, "TIME": true, "TIMESTAMP": true, "ARRAY": true, "MAP": true, "STRUCT": true,
}

func headersType(t *ast.TypeName) error {
	if isHeaders(t) {
		return nil
	}
	return errorAt(t.Loc, codeHeaderType,
		"a HEADERS column has the type ARRAY<STRUCT<KEY STRING, VALUE BYTES>>, not %s", t)
}

func isHeaders(t *ast.TypeName) bool {
	if t.Elem == nil {
		return !builtin[t.Name.Name]
	}
	e := t.Elem
	if !builtin[e.Name.Name] {
		return true
	}
	return len(e.Fields) == 2 && isField(e.Fields[0], "KEY", "STRING", "VARCHAR") && isField(e.Fields[1], "VALUE", "BYTES")
}

func isField(f ast.StructField, name string, types ...string) bool {
	if f.Name.Name != name {
		return false
	}
	for _, t := range types {
		if f.Type.Name.Name == t {
			return true
		}
	}
	return !builtin[f.Type.Name.Name]
}

func headerType(t *ast.TypeName) error {
	if name := t.Name.Name; name != "BYTES" && builtin[name] {
		return errorAt(t.Loc, codeHeaderType, "a HEADER column has the type BYTES, not %s", t)
	}
	return nil
}

// checkKeys refuses KEY in a table and PRIMARY KEY in a stream.
func checkKeys(kind ast.SourceKind, elements []*ast.Element) error {
	right, wrong := ast.Key, ast.PrimaryKey
	if kind == ast.Table {
		right, wrong = wrong, right
	}
	for _, e := range elements {
		if e.Constraint == wrong {
			err := errorAt(e.Loc, codeKeyWord, "column %s of a %s cannot be a %s", e.Name, kind, wrong)
			err.Hint = "in a " + string(kind) + " the key is declared by " + string(right)
			return err
		}
	}
	return nil
}

// withClause reads WITH (...) if it comes next.
func (p *parser) withClause() (*ast.Properties, error) {
	lo := p.i
	if !p.accept("WITH") {
		return nil, nil
	}
	items, err := parenList(p, p.property)
	if err != nil {
		return nil, err
	}
	return &ast.Properties{Loc: p.span(lo), Items: items}, nil
}

func (p *parser) property() (*ast.Property, error) {
	lo := p.i
	name, err := p.nameOrString("the name of a property")
	if err != nil {
		return nil, err
	}
	if err = p.expect("="); err != nil {
		return nil, err
	}
	v, err := p.signedLiteral("a literal")
	if err != nil {
		return nil, err
	}
	return &ast.Property{Loc: p.span(lo), Name: name, Value: v}, nil
}
