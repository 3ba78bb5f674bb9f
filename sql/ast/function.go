package ast

// CreateFunction is CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] name(parameter type, ...) RETURNS type LANGUAGE language WITH (...).
type CreateFunction struct {
	Loc
	OrReplace   bool
	IfNotExists bool
	Name        Ident
	Params      []*Element // without constraints
	Returns     *TypeName
	Language    Ident
	With        *Properties
}

// DropFunction is DROP FUNCTION [IF EXISTS] name.
type DropFunction struct {
	Loc
	IfExists bool
	Name     Ident
}

func (*CreateFunction) stmt() {}
func (*DropFunction) stmt()   {}

func (s *CreateFunction) String() string {
	return sentence("CREATE", when(s.OrReplace, orReplace), "FUNCTION", when(s.IfNotExists, ifNotExists), s.Name.String(),
		"("+list(s.Params)+")", "RETURNS", s.Returns.String(), "LANGUAGE", s.Language.String(), s.With.clause())
}

func (s *DropFunction) String() string {
	return sentence("DROP FUNCTION", when(s.IfExists, ifExists), s.Name.String())
}
