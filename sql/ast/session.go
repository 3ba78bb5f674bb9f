package ast

// Set is SET 'name' = 'value'.
type Set struct {
	Loc
	Name, Value string
}

// Unset is UNSET 'name'.
type Unset struct {
	Loc
	Name string
}

// AlterSystem is ALTER SYSTEM 'name' = 'value'.
type AlterSystem struct {
	Loc
	Name, Value string
}

// Define is DEFINE name = 'value'.
type Define struct {
	Loc
	Name  Ident
	Value string
}

// Undefine is UNDEFINE name.
type Undefine struct {
	Loc
	Name Ident
}

// RunScript is RUN SCRIPT 'path'.
type RunScript struct {
	Loc
	Path string
}

func (*Set) stmt()         {}
func (*Unset) stmt()       {}
func (*AlterSystem) stmt() {}
func (*Define) stmt()      {}
func (*Undefine) stmt()    {}
func (*RunScript) stmt()   {}
