package parser

import (
	"strconv"

	"github.com/millrace/millrace/sql/ast"
)

// typeName reads a type; `INT ARRAY` is another way to write ARRAY<INT>.
func (p *parser) typeName() (*ast.TypeName, error) {
	lo := p.i
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.nest-- }()
	t, err := p.plainType()
	for err == nil && p.tok().is("ARRAY") {
		if err = p.deeper(); err != nil {
			return nil, err
		}
		defer func() { p.nest-- }()
		name := p.tok().ident()
		p.i++
		t = &ast.TypeName{Loc: p.span(lo), Name: name, Elem: t}
	}
	return t, err
}

func (p *parser) plainType() (*ast.TypeName, error) {
	lo := p.i
	word := p.tok()
	if !word.isName() {
		return nil, p.unexpected(p.i, "a type")
	}
	p.i++
	t := &ast.TypeName{Name: word.ident()}
	var err error
	switch {
	case word.is("STRUCT") && p.accept("<>"): // no fields
	case word.is("STRUCT") && p.peek("<"):
		t.Fields, err = p.fields()
	case word.is("ARRAY") && p.peek("<"):
		t.Elem, _, err = p.typeArguments(false)
	case word.is("MAP") && p.peek("<"):
		t.Key, t.Value, err = p.typeArguments(true)
	case word.is("STRUCT", "ARRAY", "MAP"):
		err = p.unexpected(p.i, "<")
	case p.peek("("):
		t.Params, err = parenList(p, p.typeParam)
	}
	t.Loc = p.span(lo)
	return t, err
}

// typeArguments reads <type>, or <type, type>.
func (p *parser) typeArguments(two bool) (first, second *ast.TypeName, err error) {
	if err = p.expect("<"); err != nil {
		return nil, nil, err
	}
	if first, err = p.typeName(); err != nil {
		return nil, nil, err
	}
	if two {
		if err = p.expect(","); err != nil {
			return nil, nil, err
		}
		if second, err = p.typeName(); err != nil {
			return nil, nil, err
		}
	}
	return first, second, p.expect(">")
}

func (p *parser) fields() ([]ast.StructField, error) {
	if err := p.expect("<"); err != nil {
		return nil, err
	}
	if p.accept(">") {
		return nil, nil
	}
	fields, err := commaList(p, func() (ast.StructField, error) {
		name, err := p.name()
		if err != nil {
			return ast.StructField{}, err
		}
		t, err := p.typeName()
		return ast.StructField{Name: name, Type: t}, err
	})
	if err != nil {
		return nil, err
	}
	return fields, p.expect(">")
}

func (p *parser) typeParam() (ast.TypeParam, error) {
	if p.accept("STRING") {
		return ast.TypeParam{Word: true}, nil
	}
	t := p.tok()
	n, err := strconv.Atoi(t.text)
	if t.kind != numberToken || err != nil {
		return ast.TypeParam{}, p.unexpected(p.i, "a whole number or STRING")
	}
	p.i++
	return ast.TypeParam{Value: n}, nil
}
