package parser

import "github.com/millrace/millrace/sql/ast"

func (p *parser) createModel(lo int, orReplace bool) (ast.Statement, error) {
	s := &ast.CreateModel{OrReplace: orReplace, IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.accept("INPUT") {
		if s.Input, err = p.modelColumns(); err != nil {
			return nil, err
		}
	}
	if p.accept("OUTPUT") {
		if s.Output, err = p.modelColumns(); err != nil {
			return nil, err
		}
	}
	if s.With, err = p.withClause(); err == nil && s.With == nil {
		err = p.unexpected(p.i, "WITH")
	}
	s.Loc = p.span(lo)
	return s, err
}

// modelColumns are columns that are neither keys nor headers.
func (p *parser) modelColumns() ([]*ast.Element, error) {
	columns, err := p.elementList()
	if err != nil {
		return nil, err
	}
	for _, c := range columns {
		if c.Constraint != ast.NoConstraint {
			return nil, errorAt(c.Loc, codeSyntax, "column %s of a model cannot be a %s", c.Name, c.Constraint)
		}
	}
	return columns, nil
}

// showModel reads what follows SHOW MODEL.
func (p *parser) showModel(lo int) (ast.Statement, error) {
	switch {
	case p.accept("VERSIONS"):
		name, err := p.name()
		return &ast.ShowModelVersions{Loc: p.span(lo), Name: name}, err
	case p.accept("STATISTICS"):
		s := &ast.ShowModelStatistics{}
		if p.tok().isName() {
			name := p.tok().ident()
			p.i++
			s.Name = &name
		}
		s.Loc = p.span(lo)
		return s, nil
	}
	return nil, p.oneOf("VERSIONS", "STATISTICS")
}
