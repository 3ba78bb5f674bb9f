package parser

import "github.com/millrace/millrace/sql/ast"

func (p *parser) insert(lo int) (ast.Statement, error) {
	if err := p.expect("INTO"); err != nil {
		return nil, err
	}
	target, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.peek("VALUES") || p.peek("(") && !p.queryAt(p.i) {
		return p.insertValues(lo, target)
	}
	s := &ast.InsertSelect{Target: target}
	if s.With, err = p.withClause(); err != nil {
		return nil, err
	}
	if !p.tok().is("SELECT", "WITH", "(") {
		return nil, p.oneOf("SELECT", "VALUES")
	}
	s.Query, err = p.query()
	s.Loc = p.span(lo)
	return s, err
}

func (p *parser) insertValues(lo int, target ast.Ident) (ast.Statement, error) {
	s := &ast.InsertValues{Target: target}
	var err error
	if p.peek("(") {
		if s.Columns, err = p.names(); err != nil {
			return nil, err
		}
	}
	if err = p.expect("VALUES"); err != nil {
		return nil, err
	}
	if s.Values, err = p.values(); err != nil {
		return nil, err
	}
	if p.peek(",") {
		return nil, errorAt(p.tok().span(), codeSyntax, "INSERT takes one row of values")
	}
	s.Loc = p.span(lo)
	return s, nil
}

// values is a list of expressions in parentheses.
func (p *parser) values() ([]ast.Expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	values, err := p.exprs()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.unexpected(p.i, ", or )")
	}
	return values, nil
}

func (p *parser) explain(lo int) (ast.Statement, error) {
	t := p.tok()
	if t.is("EXPLAIN") {
		return nil, p.unexpected(p.i, "a statement or the id of a query")
	}
	if t.kind != quotedToken && (t.is("(") || p.at(1).kind != endToken) {
		s, err := p.statement()
		return &ast.Explain{Loc: p.span(lo), Statement: s}, err
	}
	name, err := p.name()
	return &ast.Explain{Loc: p.span(lo), Query: &name}, err
}

func (p *parser) print(lo int) (ast.Statement, error) {
	s := &ast.Print{}
	var err error
	if s.Topic, err = p.outside("the name of a topic"); err != nil {
		return nil, err
	}
	s.FromBeginning = p.accept("FROM", "BEGINNING")
	if p.accept("INTERVAL") || p.accept("SAMPLE") {
		if s.Interval, err = p.count(); err != nil {
			return nil, err
		}
	}
	if p.accept("LIMIT") {
		if s.Limit, err = p.count(); err != nil {
			return nil, err
		}
	}
	s.Loc = p.span(lo)
	return s, nil
}
