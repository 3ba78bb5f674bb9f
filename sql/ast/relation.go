package ast

// TableRef is a stream, a table or the name of a CTE.
type TableRef struct {
	Loc
	Name  Ident
	Alias *Ident // nil if there is none
}

// JoinKind is the kind of a Join.
type JoinKind string

// The kinds of joins.
const (
	InnerJoin JoinKind = "INNER"
	LeftJoin  JoinKind = "LEFT"
	RightJoin JoinKind = "RIGHT"
	FullJoin  JoinKind = "FULL"
)

// Join is Left JOIN Right [WITHIN ...] ON On; a chain of joins leans to the left.
type Join struct {
	Loc
	Kind        JoinKind
	Left, Right Relation
	Within      *Within // nil if there is none
	On          Expr    // never nil
}

// SubqueryRef is a query in parentheses used as a relation.
type SubqueryRef struct {
	Loc
	Query *Query
	Alias *Ident // nil if there is none
}

// TableFunctionRef is a function used as a relation.
type TableFunctionRef struct {
	Loc
	Name  Ident
	Args  []Expr
	Alias *Ident // nil if there is none
}

func (*TableRef) relation()         {}
func (*Join) relation()             {}
func (*SubqueryRef) relation()      {}
func (*TableFunctionRef) relation() {}
