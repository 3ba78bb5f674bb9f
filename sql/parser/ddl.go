package parser

import "github.com/millrace/millrace/sql/ast"

func (p *parser) create(lo int) (ast.Statement, error) {
	orReplace := p.accept("OR", "REPLACE")
	if !orReplace && p.peek("OR") {
		p.i++
		return nil, p.unexpected(p.i, "REPLACE")
	}
	if !orReplace {
		switch {
		case p.accept("TYPE"):
			return p.createType(lo)
		case p.accept("SOURCE", "CONNECTOR"):
			return p.createConnector(lo, ast.SourceConnector)
		case p.accept("SINK", "CONNECTOR"):
			return p.createConnector(lo, ast.SinkConnector)
		}
	}
	if p.accept("MODEL") {
		return p.createModel(lo, orReplace)
	}
	if p.accept("FUNCTION") {
		return p.createFunction(lo, orReplace)
	}
	readOnly := p.accept("SOURCE")
	kind, ok := p.sourceKind()
	if !ok {
		return nil, p.oneOf("STREAM", "TABLE", "MODEL", "FUNCTION", "TYPE", "CONNECTOR")
	}
	return p.createSource(lo, ast.CreateSource{Kind: kind, OrReplace: orReplace, ReadOnly: readOnly})
}

// createSource reads the rest of CREATE STREAM or TABLE, with or without a query.
func (p *parser) createSource(lo int, s ast.CreateSource) (_ ast.Statement, err error) {
	s.IfNotExists = p.accept("IF", "NOT", "EXISTS")
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.peek("(") {
		if s.Elements, err = p.elementList(); err != nil {
			return nil, err
		}
		if err = checkKeys(s.Kind, s.Elements); err != nil {
			return nil, err
		}
	}
	if s.With, err = p.withClause(); err != nil {
		return nil, err
	}
	if !p.peek("AS") {
		s.Loc = p.span(lo)
		return &s, nil
	}
	if s.Elements != nil || s.ReadOnly {
		e := p.unexpected(p.i, "")
		e.Hint = "what a query fills has the query's columns, and is not a SOURCE"
		return nil, e
	}
	p.i++
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	if q.Limit != nil {
		return nil, errorAt(q.Limit.Loc, codeLimitAs, "a %s that a query fills cannot have a LIMIT", s.Kind)
	}
	return &ast.CreateAs{
		Loc: p.span(lo), Kind: s.Kind, OrReplace: s.OrReplace, IfNotExists: s.IfNotExists,
		Name: s.Name, With: s.With, Query: q,
	}, nil
}

func (p *parser) createType(lo int) (ast.Statement, error) {
	s := &ast.CreateType{IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if err = p.expect("AS"); err != nil {
		return nil, err
	}
	s.Type, err = p.typeName()
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) createConnector(lo int, kind ast.ConnectorKind) (ast.Statement, error) {
	s := &ast.CreateConnector{Kind: kind, IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if s.With, err = p.withClause(); err == nil && s.With == nil {
		err = p.unexpected(p.i, "WITH")
	}
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) drop(lo int) (ast.Statement, error) {
	if !p.tok().is("STREAM", "TABLE", "MODEL", "FUNCTION", "TYPE", "CONNECTOR") {
		return nil, p.oneOf("STREAM", "TABLE", "MODEL", "FUNCTION", "TYPE", "CONNECTOR")
	}
	what := p.tok().text
	p.i++
	ifExists := p.accept("IF", "EXISTS")
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	switch what {
	case "MODEL":
		return &ast.DropModel{Loc: p.span(lo), IfExists: ifExists, Name: name}, nil
	case "FUNCTION":
		return &ast.DropFunction{Loc: p.span(lo), IfExists: ifExists, Name: name}, nil
	case "TYPE":
		return &ast.DropType{Loc: p.span(lo), IfExists: ifExists, Name: name}, nil
	case "CONNECTOR":
		return &ast.DropConnector{Loc: p.span(lo), IfExists: ifExists, Name: name}, nil
	}
	s := &ast.DropSource{Kind: ast.SourceKind(what), IfExists: ifExists, Name: name, DeleteTopic: p.accept("DELETE", "TOPIC")}
	s.Loc = p.span(lo)
	return s, nil
}

func (p *parser) alter(lo int) (ast.Statement, error) {
	if p.accept("SYSTEM") {
		name, value, err := p.setting()
		return &ast.AlterSystem{Loc: p.span(lo), Name: name, Value: value}, err
	}
	if p.accept("MODEL") {
		return p.alterModel(lo)
	}
	kind, ok := p.sourceKind()
	if !ok {
		return nil, p.oneOf("STREAM", "TABLE", "MODEL", "SYSTEM")
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	columns, err := commaList(p, p.addColumn)
	return &ast.AlterSource{Loc: p.span(lo), Kind: kind, Name: name, Add: columns}, err
}

func (p *parser) addColumn() (*ast.Element, error) {
	if err := p.expect("ADD"); err != nil {
		return nil, err
	}
	// A column may be called COLUMN: then a type follows, and no second name.
	if p.peek("COLUMN") && p.at(2).isName() {
		p.i++
	}
	lo := p.i
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	t, err := p.typeName()
	return &ast.Element{Loc: p.span(lo), Name: name, Type: t}, err
}
