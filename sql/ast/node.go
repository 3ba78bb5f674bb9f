package ast

// Span is a range of byte offsets in the source text: Start is the first byte, End is behind the last.
type Span struct{ Start, End int }

// Span returns s, so that every struct that embeds Loc has the method.
func (s Span) Span() Span { return s }

// Loc is the embedded Span of a node; the other name leaves the word Span to the method.
type Loc = Span

// Node is any part of a syntax tree.
type Node interface {
	// Span is where the node stands in the source text; the zero Span if it was made by hand.
	Span() Span
	// String is SQL that parses to an equal node.
	String() string
}

// Statement is a whole statement, without its semicolon.
type Statement interface {
	Node
	stmt()
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Relation is what may stand after FROM or JOIN.
type Relation interface {
	Node
	relation()
}

// QueryBody is a Select, a SetOp, or a Query in parentheses with clauses of its own.
type QueryBody interface {
	Node
	queryBody()
}

// Ident is a name. Name is already folded: in upper case unless it was quoted. Two identifiers are the same if their
// Names are; Quoted says only how the name was written.
type Ident struct {
	Loc
	Name   string
	Quoted bool
}
