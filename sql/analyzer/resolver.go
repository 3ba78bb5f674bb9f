package analyzer

import "github.com/millrace/millrace/sql/types"

// FunctionKind tells what a function name stands for.
type FunctionKind uint8

// The kinds of function; None is an unknown name.
const (
	NoFunction FunctionKind = iota
	ScalarFunction
	AggregateFunction
	TableFunction
)

// Arg is the type of a function's argument as far as it is known before the function is resolved. A lambda has no type of
// its own: Lambda is its number of parameters and Body types it once the function has told its parameter types.
type Arg struct {
	Type   *types.Type // nil for a lambda
	Lambda int         // > 0: a lambda with that many parameters
	Body   func(params []*types.Type) (*types.Type, error)
}

// Match is a resolved overload. Params has one type an argument: where it differs from the argument's, the analyzer casts.
type Match struct {
	Params  []*types.Type
	Returns *types.Type
	// Lambdas holds, per argument, the parameter types of a lambda; nil for the others.
	Lambdas [][]*types.Type
	// Init is the number of trailing arguments of an aggregate that must be literals (the k of TOPK).
	Init int
	// Undo says that an aggregate may run on a table.
	Undo bool
	// State is the type of an aggregate's accumulator: a format must be able to hold it.
	State *types.Type
}

// Functions resolves function calls; udf.Registry implements it. Names are upper case. A failed Resolve returns an error
// with code function.arguments or function.ambiguous and the valid alternatives.
type Functions interface {
	Kind(name string) FunctionKind
	Resolve(name string, args []Arg) (Match, error)
	Names() []string // all, for suggestions
}

// Models resolves PREDICT; udf/model implements it. Version 0 is the current one. The error says what was expected.
type Models interface {
	ResolvePredict(model string, version int, args []*types.Type) (*types.Type, error)
}
