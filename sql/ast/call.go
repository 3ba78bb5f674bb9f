package ast

// Call is a function applied to arguments: scalar, aggregate, table function or PREDICT.
type Call struct {
	Loc
	Name     Ident
	Args     []Expr
	Star     bool        // f(*), and Args is empty
	Distinct bool        // f(DISTINCT a)
	Filter   Expr        // f(a) FILTER (WHERE Filter), or nil
	Over     *WindowSpec // f(a) OVER (...), or nil
}

// Lambda is a function as an argument: x => Body, (x, y) => Body. It stands only among the arguments of a Call.
type Lambda struct {
	Loc
	Params []Ident
	Body   Expr
}

// WindowSpec is what stands between the parentheses of OVER.
type WindowSpec struct {
	Loc
	PartitionBy []Expr
	OrderBy     []*OrderItem
	Frame       *Frame // nil if there is none
}

// FrameUnit says how a Frame counts.
type FrameUnit string

// The units of a Frame.
const (
	Rows  FrameUnit = "ROWS"
	Range FrameUnit = "RANGE"
)

// Frame is ROWS or RANGE BETWEEN Start AND End; the short form `ROWS Start` ends at the current row.
type Frame struct {
	Loc
	Unit       FrameUnit
	Start, End FrameBound
}

// BoundKind is the kind of a FrameBound.
type BoundKind string

// The bounds of a Frame; Preceding and Following have an Offset.
const (
	UnboundedPreceding BoundKind = "UNBOUNDED PRECEDING"
	Preceding          BoundKind = "PRECEDING"
	CurrentRow         BoundKind = "CURRENT ROW"
	Following          BoundKind = "FOLLOWING"
	UnboundedFollowing BoundKind = "UNBOUNDED FOLLOWING"
)

// FrameBound is one end of a Frame.
type FrameBound struct {
	Kind   BoundKind
	Offset Expr // nil unless Kind is Preceding or Following
}

func (*Call) expr()   {}
func (*Lambda) expr() {}
