package ast

import "strings"

func (p *Properties) String() string { return "WITH (" + list(p.Items) + ")" }
func (p *Property) String() string   { return p.Name.String() + " = " + p.Value.String() }

// Get returns the last value given for name, in whatever case, or nil.
func (p *Properties) Get(name string) Expr {
	if p == nil {
		return nil
	}
	for i := len(p.Items) - 1; i >= 0; i-- {
		if strings.EqualFold(p.Items[i].Name.Name, name) {
			return p.Items[i].Value
		}
	}
	return nil
}

func (e *Element) String() string {
	s := e.Name.String() + " " + e.Type.String()
	switch e.Constraint {
	case NoConstraint:
		return s
	case Header:
		return s + " HEADER(" + quote(e.HeaderKey) + ")"
	}
	return s + " " + string(e.Constraint)
}

// elements is the column list, or nothing where it was left out.
func elements(es []*Element) string {
	if es == nil {
		return ""
	}
	return "(" + list(es) + ")"
}

// clause is the WITH clause, or nothing.
func (p *Properties) clause() string {
	if p == nil {
		return ""
	}
	return p.String()
}

const (
	ifNotExists = "IF NOT EXISTS"
	ifExists    = "IF EXISTS"
	orReplace   = "OR REPLACE"
)

// sentence is the words with one space between any two; empty ones are left out.
func sentence(ws ...string) string {
	return compose(func(p *printer) { p.words(ws...) })
}

func (s *CreateSource) String() string {
	return sentence("CREATE", when(s.OrReplace, orReplace), when(s.ReadOnly, "SOURCE"), string(s.Kind),
		when(s.IfNotExists, ifNotExists), s.Name.String(), elements(s.Elements), s.With.clause())
}

func (s *CreateAs) String() string {
	return sentence("CREATE", when(s.OrReplace, orReplace), string(s.Kind), when(s.IfNotExists, ifNotExists),
		s.Name.String(), s.With.clause(), "AS", s.Query.String())
}

func (s *DropSource) String() string {
	return sentence("DROP", string(s.Kind), when(s.IfExists, ifExists), s.Name.String(), when(s.DeleteTopic, "DELETE TOPIC"))
}

func (s *AlterSource) String() string {
	return compose(func(p *printer) {
		p.words("ALTER", string(s.Kind), s.Name.String())
		for i, c := range s.Add {
			if i > 0 {
				p.WriteByte(',')
			}
			p.words("ADD COLUMN", c.String())
		}
	})
}

func (s *CreateType) String() string {
	return sentence("CREATE TYPE", when(s.IfNotExists, ifNotExists), s.Name.String(), "AS", s.Type.String())
}

func (s *DropType) String() string {
	return sentence("DROP TYPE", when(s.IfExists, ifExists), s.Name.String())
}

func (s *CreateConnector) String() string {
	return sentence("CREATE", string(s.Kind), "CONNECTOR", when(s.IfNotExists, ifNotExists), s.Name.String(), s.With.clause())
}

func (s *DropConnector) String() string {
	return sentence("DROP CONNECTOR", when(s.IfExists, ifExists), s.Name.String())
}

func (s *CreateModel) String() string {
	return compose(func(p *printer) {
		p.words("CREATE", when(s.OrReplace, orReplace), "MODEL", when(s.IfNotExists, ifNotExists), s.Name.String())
		if s.Input != nil {
			p.words("INPUT", elements(s.Input))
		}
		if s.Output != nil {
			p.words("OUTPUT", elements(s.Output))
		}
		p.words(s.With.clause())
	})
}

func (s *DropModel) String() string {
	return sentence("DROP MODEL", when(s.IfExists, ifExists), s.Name.String())
}
