package parser

import "github.com/millrace/millrace/sql/ast"

// createFunction reads what follows CREATE [OR REPLACE] FUNCTION.
func (p *parser) createFunction(lo int, orReplace bool) (ast.Statement, error) {
	s := &ast.CreateFunction{OrReplace: orReplace, IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if !p.accept("(", ")") {
		if s.Params, err = p.plainElements("parameter %s of a function"); err != nil {
			return nil, err
		}
	}
	if err = p.expect("RETURNS"); err != nil {
		return nil, err
	}
	if s.Returns, err = p.typeName(); err != nil {
		return nil, err
	}
	if err = p.expect("LANGUAGE"); err != nil {
		return nil, err
	}
	if s.Language, err = p.name(); err != nil {
		return nil, err
	}
	if s.With, err = p.withClause(); err == nil && s.With == nil {
		err = p.unexpected(p.i, "WITH")
	}
	s.Loc = p.span(lo)
	return s, err
}
