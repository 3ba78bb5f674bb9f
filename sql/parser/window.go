package parser

import "github.com/millrace/millrace/sql/ast"

// windowAt says whether a WINDOW clause begins at token i. A column may be called WINDOW.
func (p *parser) windowAt(i int) bool {
	at := func(d int) *token { return &p.toks[min(i+d, len(p.toks)-1)] }
	if !at(0).is("WINDOW") {
		return false
	}
	kinds := []string{"TUMBLING", "HOPPING", "SESSION"}
	return at(1).is(kinds...) || at(1).isName() && at(2).is(kinds...) || at(1).isName() && at(2).is("(")
}

// window reads WINDOW [name] kind (...).
func (p *parser) window() (*ast.Window, error) {
	lo := p.i
	p.i++
	w := &ast.Window{}
	if p.at(1).is("TUMBLING", "HOPPING", "SESSION") {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		w.Name = &name
	}
	if !p.tok().is("TUMBLING", "HOPPING", "SESSION") {
		return nil, p.oneOf("TUMBLING", "HOPPING", "SESSION")
	}
	w.Kind = ast.WindowKind(p.tok().text)
	p.i++
	err := p.expect("(")
	if err == nil && w.Kind != ast.Session {
		err = p.expect("SIZE")
	}
	if err != nil {
		return nil, err
	}
	if w.Size, err = p.duration(); err != nil {
		return nil, err
	}
	if w.Kind == ast.Hopping {
		if !p.accept(",", "ADVANCE", "BY") {
			return nil, p.unexpected(p.i, ", ADVANCE BY")
		}
		if w.Advance, err = p.duration(); err != nil {
			return nil, err
		}
	}
	err = p.windowRest(w)
	w.Loc = p.span(lo)
	return w, err
}

// windowRest reads [, RETENTION d] [, GRACE PERIOD d] ).
func (p *parser) windowRest(w *ast.Window) (err error) {
	if p.accept(",", "RETENTION") {
		if w.Retention, err = p.duration(); err != nil {
			return err
		}
	}
	if p.accept(",", "GRACE") {
		if err = p.expect("PERIOD"); err != nil {
			return err
		}
		if w.Grace, err = p.duration(); err != nil {
			return err
		}
	}
	if w.Grace == nil && p.accept(",") {
		return p.oneOf("RETENTION", "GRACE PERIOD")
	}
	return p.expect(")")
}

// within reads WITHIN d, or WITHIN (before, after), and GRACE PERIOD d.
func (p *parser) within() (*ast.Within, error) {
	lo := p.i
	p.i++
	w := &ast.Within{}
	var err error
	if p.peek("(") {
		if err = p.withinPair(w); err != nil {
			return nil, err
		}
	} else {
		if w.Before, err = p.duration(); err != nil {
			return nil, err
		}
		w.After = w.Before
	}
	if p.accept("GRACE") {
		if err = p.expect("PERIOD"); err != nil {
			return nil, err
		}
		if w.Grace, err = p.duration(); err != nil {
			return nil, err
		}
	}
	w.Loc = p.span(lo)
	return w, nil
}

func (p *parser) withinPair(w *ast.Within) error {
	err := p.expect("(")
	if err != nil {
		return err
	}
	if w.Before, err = p.duration(); err != nil {
		return err
	}
	if err = p.expect(","); err != nil {
		return err
	}
	if w.After, err = p.duration(); err != nil {
		return err
	}
	return p.expect(")")
}
