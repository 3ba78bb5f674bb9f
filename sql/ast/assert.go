package ast

// AssertTopic is ASSERT [NOT EXISTS] TOPIC name [WITH (...)] [TIMEOUT n unit].
type AssertTopic struct {
	Loc
	NotExists bool
	Topic     Ident
	With      *Properties // nil if there is none
	Timeout   *Duration   // nil if there is none
}

// AssertSchema is ASSERT [NOT EXISTS] SCHEMA [SUBJECT name] [ID n] [TIMEOUT n unit].
type AssertSchema struct {
	Loc
	NotExists bool
	Subject   *Ident    // nil if there is none
	ID        *IntLit   // nil if there is none
	Timeout   *Duration // nil if there is none
}

// AssertValues is ASSERT VALUES source [(columns)] VALUES (values). The test runner alone accepts it.
type AssertValues struct {
	Loc
	Source  Ident
	Columns []Ident
	Values  []Expr
}

// AssertTombstone is ASSERT NULL VALUES source [(columns)] KEY (values). The test runner alone accepts it.
type AssertTombstone struct {
	Loc
	Source  Ident
	Columns []Ident
	Values  []Expr
}

// AssertSource is ASSERT STREAM|TABLE name [(elements)] [WITH (...)]. The test runner alone accepts it.
type AssertSource struct {
	Loc
	Kind     SourceKind
	Name     Ident
	Elements []*Element
	With     *Properties // nil if there is none
}

func (*AssertTopic) stmt()     {}
func (*AssertSchema) stmt()    {}
func (*AssertValues) stmt()    {}
func (*AssertTombstone) stmt() {}
func (*AssertSource) stmt()    {}
