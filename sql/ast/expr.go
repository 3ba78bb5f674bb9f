package ast

// ColumnRef names a column, or a lambda's parameter, or a word that a function takes (the DAYS of TIMESTAMPADD), or a
// model: only the analyzer can tell.
type ColumnRef struct {
	Loc
	Qualifier *Ident // nil if there is none
	Name      Ident
}

// UnaryOp is the sign of a Unary.
type UnaryOp string

// The signs.
const (
	Neg UnaryOp = "-"
	Pos UnaryOp = "+"
)

// Unary is a sign before an expression. A minus directly before a number belongs to the number.
type Unary struct {
	Loc
	Op   UnaryOp
	Expr Expr
}

// BinaryOp is an arithmetic operator or concatenation.
type BinaryOp string

// The operators of Binary.
const (
	Add    BinaryOp = "+"
	Sub    BinaryOp = "-"
	Mul    BinaryOp = "*"
	Div    BinaryOp = "/"
	Mod    BinaryOp = "%"
	Concat BinaryOp = "||"
)

// Binary is Left Op Right.
type Binary struct {
	Loc
	Op          BinaryOp
	Left, Right Expr
}

// CompareOp is a comparison operator.
type CompareOp string

// The operators of Comparison; != is read as <>.
const (
	Eq            CompareOp = "="
	NotEq         CompareOp = "<>"
	Lt            CompareOp = "<"
	Le            CompareOp = "<="
	Gt            CompareOp = ">"
	Ge            CompareOp = ">="
	IsDistinct    CompareOp = "IS DISTINCT FROM"
	IsNotDistinct CompareOp = "IS NOT DISTINCT FROM"
)

// Comparison is Left Op Right with a boolean result.
type Comparison struct {
	Loc
	Op          CompareOp
	Left, Right Expr
}

// LogicalOp is AND or OR.
type LogicalOp string

// The operators of Logical.
const (
	And LogicalOp = "AND"
	Or  LogicalOp = "OR"
)

// Logical is Left AND Right, or Left OR Right.
type Logical struct {
	Loc
	Op          LogicalOp
	Left, Right Expr
}

// Not is NOT Expr.
type Not struct {
	Loc
	Expr Expr
}

// IsNull is Expr IS [NOT] NULL.
type IsNull struct {
	Loc
	Expr Expr
	Not  bool
}

// Between is Expr [NOT] BETWEEN Low AND High.
type Between struct {
	Loc
	Expr, Low, High Expr
	Not             bool
}

// In is Expr [NOT] IN (List), or IN (Query); one of List and Query is set.
type In struct {
	Loc
	Expr  Expr
	List  []Expr
	Query *Query
	Not   bool
}

// Like is Expr [NOT] LIKE Pattern [ESCAPE Escape].
type Like struct {
	Loc
	Expr, Pattern Expr
	Escape        *StringLit // nil if there is none
	Not           bool
}

// Case is CASE [Operand] WHEN ... THEN ... [ELSE Else] END.
type Case struct {
	Loc
	Operand Expr // nil in a searched CASE
	Whens   []When
	Else    Expr // nil if there is none
}

// When is one branch of a Case.
type When struct{ Cond, Result Expr }

// Cast is CAST(Expr AS Type).
type Cast struct {
	Loc
	Expr Expr
	Type *TypeName
}

// Subscript is Base[Index]: an element of an array or a value of a map.
type Subscript struct {
	Loc
	Base, Index Expr
}

// Deref is Base->Field.
type Deref struct {
	Loc
	Base  Expr
	Field Ident
}

// DerefStar is Base->*, which stands only as an item of a SELECT.
type DerefStar struct {
	Loc
	Base Expr
}

// ArrayLit is ARRAY[Elems].
type ArrayLit struct {
	Loc
	Elems []Expr
}

// MapLit is MAP(key := value, ...).
type MapLit struct {
	Loc
	Entries []MapEntry
}

// MapEntry is one entry of a MapLit.
type MapEntry struct{ Key, Value Expr }

// StructLit is STRUCT(name := value, ...). The names differ.
type StructLit struct {
	Loc
	Fields []StructEntry
}

// StructEntry is one field of a StructLit.
type StructEntry struct {
	Name  Ident
	Value Expr
}

// Subquery is a query in parentheses used as a value.
type Subquery struct {
	Loc
	Query *Query
}

// Exists is EXISTS (Query).
type Exists struct {
	Loc
	Query *Query
}

func (*ColumnRef) expr()  {}
func (*Unary) expr()      {}
func (*Binary) expr()     {}
func (*Comparison) expr() {}
func (*Logical) expr()    {}
func (*Not) expr()        {}
func (*IsNull) expr()     {}
func (*Between) expr()    {}
func (*In) expr()         {}
func (*Like) expr()       {}
func (*Case) expr()       {}
func (*Cast) expr()       {}
func (*Subscript) expr()  {}
func (*Deref) expr()      {}
func (*DerefStar) expr()  {}
func (*ArrayLit) expr()   {}
func (*MapLit) expr()     {}
func (*StructLit) expr()  {}
func (*Subquery) expr()   {}
func (*Exists) expr()     {}
