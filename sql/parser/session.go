package parser

import "github.com/millrace/millrace/sql/ast"

// setting reads 'name' = 'value'.
func (p *parser) setting() (name, value string, err error) {
	if name, err = p.str("the name of a property as a string"); err != nil {
		return "", "", err
	}
	if err = p.expect("="); err != nil {
		return "", "", err
	}
	value, err = p.str("a value as a string")
	return name, value, err
}

func (p *parser) set(lo int) (ast.Statement, error) {
	name, value, err := p.setting()
	return &ast.Set{Loc: p.span(lo), Name: name, Value: value}, err
}

func (p *parser) unset(lo int) (ast.Statement, error) {
	name, err := p.str("the name of a property as a string")
	return &ast.Unset{Loc: p.span(lo), Name: name}, err
}

func (p *parser) define(lo int) (ast.Statement, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if err = p.expect("="); err != nil {
		return nil, err
	}
	value, err := p.str("a value as a string")
	return &ast.Define{Loc: p.span(lo), Name: name, Value: value}, err
}

func (p *parser) undefine(lo int) (ast.Statement, error) {
	name, err := p.name()
	return &ast.Undefine{Loc: p.span(lo), Name: name}, err
}

func (p *parser) run(lo int) (ast.Statement, error) {
	if !p.test {
		e := p.unexpected(lo, "a statement")
		e.Hint = "RUN SCRIPT is a command of the shell"
		return nil, e
	}
	if err := p.expect("SCRIPT"); err != nil {
		return nil, err
	}
	path, err := p.str("the path of a file as a string")
	return &ast.RunScript{Loc: p.span(lo), Path: path}, err
}

// queryOrAll reads the name of a query, or ALL, which is nil.
func (p *parser) queryOrAll() (*ast.Ident, error) {
	if p.accept("ALL") {
		return nil, nil
	}
	name, err := p.name()
	return &name, err
}

func (p *parser) terminate(lo int) (ast.Statement, error) {
	q, err := p.queryOrAll()
	return &ast.Terminate{Loc: p.span(lo), Query: q}, err
}

func (p *parser) pause(lo int) (ast.Statement, error) {
	q, err := p.queryOrAll()
	return &ast.Pause{Loc: p.span(lo), Query: q}, err
}

func (p *parser) resume(lo int) (ast.Statement, error) {
	q, err := p.queryOrAll()
	return &ast.Resume{Loc: p.span(lo), Query: q}, err
}
