package plan

import "github.com/millrace/millrace/sql/types"

// Expr is a bound expression over the columns of its node's input. Expressions are immutable trees; String prints
// SQL-like text for EXPLAIN and the processing log.
//
// An expression that fails for a row (division by zero, a bad cast, a function's error) yields NULL for that row and one
// entry in the processing log; it never fails the batch.
type Expr interface {
	Type() *types.Type
	String() string
	expr()
}

// Column reads column Index of the input.
type Column struct {
	Index int
	Name  string // for printing
	T     *types.Type
}

// Literal is a constant in the boxed form of package types; Value nil is NULL (of type T).
type Literal struct {
	Value any
	T     *types.Type
}

// Arithmetic is + - * / % on numbers (operands already of one common type, or DECIMALs of different
// precision), or + on strings. Integer division truncates; a zero divisor is an error of the row.
type Arithmetic struct {
	Op          string
	Left, Right Expr
	T           *types.Type
}

// Negate is unary minus.
type Negate struct{ Expr Expr }

// Comparison is = <> < <= > >= (false if an operand is NULL, as ksqlDB has it) or IS [NOT] DISTINCT FROM, written
// "is distinct from" and "is not distinct from". Operands are of one type: the analyzer casts.
type Comparison struct {
	Op          string
	Left, Right Expr
}

// And, Or and Not treat NULL as ksqlDB does: a NULL operand counts as false.
type (
	And struct{ Left, Right Expr }
	Or  struct{ Left, Right Expr }
	Not struct{ Expr Expr }
)

// IsNull is IS NULL; IS NOT NULL is Not of it.
type IsNull struct{ Expr Expr }

// In compares Expr with each item by =; all of one type.
type In struct {
	Expr Expr
	List []Expr
}

// Like matches % and _ ; Escape is 0 for none.
type Like struct {
	Expr, Pattern Expr
	Escape        rune
}

// Case is a searched CASE: the first When that is true gives its Then. Else may be nil (NULL).
type Case struct {
	Whens []When
	Else  Expr
	T     *types.Type
}

// When is one branch of a Case.
type When struct{ Cond, Then Expr }

// Cast converts Expr to T by the rules of CAST.
type Cast struct {
	Expr Expr
	T    *types.Type
}

// Subscript is a[i] (1-based, negative from the end) or m[k]; absent gives NULL.
type Subscript struct {
	Base, Index Expr
	T           *types.Type
}

// Field is s->f, by position in the STRUCT.
type Field struct {
	Base  Expr
	Index int
	Name  string
	T     *types.Type
}

// MakeArray, MakeMap and MakeStruct are the constructors; items are already of the common type.
type (
	MakeArray struct {
		Items []Expr
		T     *types.Type
	}
	MakeMap struct {
		Keys, Values []Expr
		T            *types.Type
	}
	MakeStruct struct {
		Items []Expr
		T     *types.Type
	}
)

// Lambda is a function argument. Its parameters are read in Body by LambdaParam.
type Lambda struct {
	Params []string
	Types  []*types.Type
	Body   Expr
}

// LambdaParam reads a parameter of an enclosing Lambda: Depth 0 is the innermost.
type LambdaParam struct {
	Depth, Index int
	Name         string
	T            *types.Type
}

// Call calls a scalar function. Params are the parameter types of the overload that was resolved, after generics
// and variadics were expanded (one an argument); with Name they find the same overload when a stored plan is loaded.
type Call struct {
	Name   string // registered name, upper case
	Params []*types.Type
	Args   []Expr
	T      *types.Type
}

// Predict scores a model over a batch. Version 0 follows the model's rollout.
type Predict struct {
	Model   string
	Version int
	Args    []Expr
	T       *types.Type
}

// ModelVersion is the number of the version that the model's rollout gives the row: the one that a Predict with Version 0
// beside it scores the row with.
type ModelVersion struct{ Model string }

func (e *Column) Type() *types.Type      { return e.T }
func (e *Literal) Type() *types.Type     { return e.T }
func (e *Arithmetic) Type() *types.Type  { return e.T }
func (e *Negate) Type() *types.Type      { return e.Expr.Type() }
func (e *Comparison) Type() *types.Type  { return types.Boolean }
func (e *And) Type() *types.Type         { return types.Boolean }
func (e *Or) Type() *types.Type          { return types.Boolean }
func (e *Not) Type() *types.Type         { return types.Boolean }
func (e *IsNull) Type() *types.Type      { return types.Boolean }
func (e *In) Type() *types.Type          { return types.Boolean }
func (e *Like) Type() *types.Type        { return types.Boolean }
func (e *Case) Type() *types.Type        { return e.T }
func (e *Cast) Type() *types.Type        { return e.T }
func (e *Subscript) Type() *types.Type   { return e.T }
func (e *Field) Type() *types.Type       { return e.T }
func (e *MakeArray) Type() *types.Type   { return e.T }
func (e *MakeMap) Type() *types.Type     { return e.T }
func (e *MakeStruct) Type() *types.Type  { return e.T }
func (e *Lambda) Type() *types.Type      { return &types.Type{Kind: types.KindLambda} }
func (e *LambdaParam) Type() *types.Type { return e.T }
func (e *Call) Type() *types.Type        { return e.T }
func (e *Predict) Type() *types.Type     { return e.T }

func (e *ModelVersion) Type() *types.Type { return types.Int }

func (*Column) expr()      {}
func (*Literal) expr()     {}
func (*Arithmetic) expr()  {}
func (*Negate) expr()      {}
func (*Comparison) expr()  {}
func (*And) expr()         {}
func (*Or) expr()          {}
func (*Not) expr()         {}
func (*IsNull) expr()      {}
func (*In) expr()          {}
func (*Like) expr()        {}
func (*Case) expr()        {}
func (*Cast) expr()        {}
func (*Subscript) expr()   {}
func (*Field) expr()       {}
func (*MakeArray) expr()   {}
func (*MakeMap) expr()     {}
func (*MakeStruct) expr()  {}
func (*Lambda) expr()      {}
func (*LambdaParam) expr() {}
func (*Call) expr()        {}
func (*Predict) expr()     {}

func (*ModelVersion) expr() {}
