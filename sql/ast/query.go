package ast

// EmitMode says what a query gives out.
type EmitMode string

// The modes; without EMIT a transient query is a pull query, and a persistent one emits changes.
const (
	EmitNone    EmitMode = ""
	EmitChanges EmitMode = "CHANGES"
	EmitFinal   EmitMode = "FINAL"
)

// Query is a whole query: WITH, a body, and the clauses that hold for all of it.
type Query struct {
	Loc
	With    []*CTE
	Body    QueryBody
	OrderBy []*OrderItem
	Emit    EmitMode
	EmitAt  Span    // where EMIT stands
	Limit   *IntLit // nil if there is none
}

// CTE is one `name [(columns)] AS (query)` of WITH.
type CTE struct {
	Loc
	Name    Ident
	Columns []Ident
	Query   *Query
}

// SetOp is Left UNION [ALL] Right.
type SetOp struct {
	Loc
	All         bool
	Left, Right QueryBody
}

// Select is one SELECT.
type Select struct {
	Loc
	Distinct    bool
	Items       []*SelectItem
	From        Relation // never nil
	Window      *Window  // nil if there is none
	Where       Expr     // nil if there is none
	GroupBy     *GroupBy // nil if there is none
	PartitionBy []Expr
	Having      Expr // nil if there is none
}

// SelectItem is an expression with an optional alias (Expr may be a DerefStar), or a star with an optional qualifier.
type SelectItem struct {
	Loc
	Expr      Expr   // nil for a star
	Alias     *Ident // nil if there is none
	Star      bool
	Qualifier *Ident // s.*
}

// GroupBy is GROUP BY a, b or GROUP BY (a, b); GROUP BY () has no expression.
type GroupBy struct {
	Loc
	Exprs []Expr
	Paren bool // the list stands in parentheses
}

// OrderItem is one expression of ORDER BY.
type OrderItem struct {
	Loc
	Expr Expr
	Desc bool
}

func (*Query) queryBody()  {}
func (*SetOp) queryBody()  {}
func (*Select) queryBody() {}
