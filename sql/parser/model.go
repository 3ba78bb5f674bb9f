package parser

import "github.com/millrace/millrace/sql/ast"

func (p *parser) createModel(lo int, orReplace bool) (ast.Statement, error) {
	s := &ast.CreateModel{OrReplace: orReplace, IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	var err error
	if s.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.accept("INPUT") {
		if s.Input, err = p.plainElements("column %s of a model"); err != nil {
			return nil, err
		}
	}
	if p.accept("OUTPUT") {
		if s.Output, err = p.plainElements("column %s of a model"); err != nil {
			return nil, err
		}
	}
	if s.With, err = p.withClause(); err == nil && s.With == nil {
		err = p.unexpected(p.i, "WITH")
	}
	s.Loc = p.span(lo)
	return s, err
}

// alterModel reads what follows ALTER MODEL.
func (p *parser) alterModel(lo int) (ast.Statement, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	action, err := p.modelAction()
	return &ast.AlterModel{Loc: p.span(lo), Name: name, Action: action}, err
}

func (p *parser) modelAction() (ast.ModelAction, error) {
	switch {
	case p.accept("SET"):
		return p.setTraffic()
	case p.accept("SHADOW"):
		if p.accept("OFF") {
			return &ast.SetShadow{}, nil
		}
		versions, err := commaList(p, p.count)
		return &ast.SetShadow{Versions: versions}, err
	case p.accept("CANARY"):
		return p.setCanary()
	case p.accept("PROMOTE"):
		version, err := p.count()
		return &ast.Promote{Version: version}, err
	case p.accept("ROLLBACK"):
		return &ast.Rollback{}, nil
	}
	return nil, p.oneOf("SET TRAFFIC", "SHADOW", "CANARY", "PROMOTE", "ROLLBACK")
}

func (p *parser) setTraffic() (ast.ModelAction, error) {
	if err := p.expect("TRAFFIC"); err != nil {
		return nil, err
	}
	shares, err := parenList(p, p.trafficShare)
	if err != nil {
		return nil, err
	}
	by, err := p.nameAfter("BY")
	return &ast.SetTraffic{Shares: shares, By: by}, err
}

func (p *parser) setCanary() (ast.ModelAction, error) {
	a := &ast.SetCanary{}
	for _, step := range []func() error{
		func() (err error) { a.Version, err = p.count(); return err },
		func() error { return p.expect("TRAFFIC") },
		func() (err error) { a.Percent, err = p.count(); return err },
		func() (err error) { a.By, err = p.nameAfter("BY"); return err },
		func() (err error) { a.Labels, err = p.nameAfter("LABELS"); return err },
		func() (err error) { a.Promote, err = p.exprAfter("PROMOTE", "WHEN"); return err },
		func() (err error) { a.Rollback, err = p.exprAfter("ROLLBACK", "WHEN"); return err },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// nameAfter reads a name where the words come next.
func (p *parser) nameAfter(words ...string) (*ast.Ident, error) {
	if !p.accept(words...) {
		return nil, nil //nolint:nilnil // there need be none
	}
	name, err := p.name()
	return &name, err
}

// exprAfter reads an expression where the words come next.
func (p *parser) exprAfter(words ...string) (ast.Expr, error) {
	if !p.accept(words...) {
		return nil, nil //nolint:nilnil // there need be none
	}
	return p.expr()
}

func (p *parser) trafficShare() (s ast.TrafficShare, err error) {
	if s.Version, err = p.count(); err != nil {
		return s, err
	}
	if err = p.expect("="); err != nil {
		return s, err
	}
	s.Percent, err = p.count()
	return s, err
}

// showModel reads what follows SHOW MODEL.
func (p *parser) showModel(lo int) (ast.Statement, error) {
	switch {
	case p.accept("VERSIONS"):
		name := p.optionalName()
		return &ast.ShowModelVersions{Loc: p.span(lo), Name: name}, nil
	case p.accept("STATISTICS"):
		name := p.optionalName()
		return &ast.ShowModelStatistics{Loc: p.span(lo), Name: name}, nil
	}
	return nil, p.oneOf("VERSIONS", "STATISTICS")
}

// optionalName reads a name if one comes next.
func (p *parser) optionalName() *ast.Ident {
	if !p.tok().isName() {
		return nil
	}
	name := p.tok().ident()
	p.i++
	return &name
}
