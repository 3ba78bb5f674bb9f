package parser

import "github.com/millrace/millrace/sql/ast"

func (p *parser) assert(lo int) (ast.Statement, error) {
	notExists := p.accept("NOT", "EXISTS")
	switch {
	case p.accept("TOPIC"):
		return p.assertTopic(lo, notExists)
	case p.accept("SCHEMA"):
		return p.assertSchema(lo, notExists)
	case notExists:
	case p.test && p.accept("VALUES"):
		s := &ast.AssertValues{}
		var err error
		s.Source, s.Columns, s.Values, err = p.assertRow("VALUES")
		s.Loc = p.span(lo)
		return s, err
	case p.test && p.accept("NULL", "VALUES"):
		s := &ast.AssertTombstone{}
		var err error
		s.Source, s.Columns, s.Values, err = p.assertRow("KEY")
		s.Loc = p.span(lo)
		return s, err
	case p.test && p.tok().is("STREAM", "TABLE"):
		return p.assertSource(lo)
	}
	return nil, p.oneOf("TOPIC", "SCHEMA")
}

// assertRow reads source [(columns)] word (values).
func (p *parser) assertRow(word string) (source ast.Ident, columns []ast.Ident, values []ast.Expr, err error) {
	if source, err = p.name(); err != nil {
		return source, nil, nil, err
	}
	if p.peek("(") {
		if columns, err = p.names(); err != nil {
			return source, nil, nil, err
		}
	}
	if err = p.expect(word); err != nil {
		return source, nil, nil, err
	}
	values, err = p.values()
	return source, columns, values, err
}

func (p *parser) assertSource(lo int) (ast.Statement, error) {
	kind, _ := p.sourceKind()
	s := &ast.AssertSource{Kind: kind}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.peek("(") {
		if s.Elements, err = p.elementList(); err != nil {
			return nil, err
		}
	}
	s.With, err = p.withClause()
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) assertTopic(lo int, notExists bool) (ast.Statement, error) {
	s := &ast.AssertTopic{NotExists: notExists}
	var err error
	if s.Topic, err = p.outside("the name of a topic"); err != nil {
		return nil, err
	}
	if s.With, err = p.withClause(); err != nil {
		return nil, err
	}
	s.Timeout, err = p.timeout()
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) assertSchema(lo int, notExists bool) (ast.Statement, error) {
	s := &ast.AssertSchema{NotExists: notExists}
	if p.accept("SUBJECT") {
		subject, err := p.outside("the name of a subject")
		if err != nil {
			return nil, err
		}
		s.Subject = &subject
	}
	var err error
	if p.accept("ID") {
		if s.ID, err = p.count(); err != nil {
			return nil, err
		}
	}
	if s.Subject == nil && s.ID == nil {
		return nil, p.oneOf("SUBJECT", "ID")
	}
	s.Timeout, err = p.timeout()
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) timeout() (*ast.Duration, error) {
	if !p.accept("TIMEOUT") {
		return nil, nil
	}
	return p.duration()
}
