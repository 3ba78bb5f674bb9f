package udf

import (
	"time"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Function is a function as SQL sees it: a name with overloads of one kind.
type Function struct {
	Name        string // upper case
	Kind        analyzer.FunctionKind
	Category    string // as SHOW FUNCTIONS groups them: STRING, MATHEMATICAL ...
	Description string
	Overloads   []Overload
}

// Overload is one signature with its implementation: Call, Table or Aggregate, as the function's kind says.
type Overload struct {
	Signature   string // see Signature
	Description string

	// Nulls says that Call and Table want rows with NULL arguments too. Otherwise a NULL argument makes the result
	// NULL (or no rows) without a call.
	Nulls bool

	// Volatile results differ between calls with equal arguments: they are never folded into constants.
	Volatile bool

	// Returns computes the result type from the parameter types where the signature cannot express it.
	Returns func(params []*types.Type) (*types.Type, error)

	// Defined says that a statement defined the scalar function, and may define it otherwise: who evaluates calls finds the definition
	// that holds. It has no implementation here.
	Defined bool

	// Call evaluates a scalar function for one row. The arguments are boxed values of Call.Params' types (nil: NULL) and
	// a Lambda where the parameter is one; args is reused between calls, its values are not. An error makes the row's
	// result NULL and goes to the processing log.
	Call func(c *Call, args []any) (any, error)

	// Rows is Call for many rows at once, without boxes, where it is worth its own loop; nil: there is only Call. For every row
	// it must give what Call gives, and a test sees to that.
	Rows Rows

	// Table evaluates a table function for one row: one value per output row.
	Table func(c *Call, args []any) ([]any, error)

	// Aggregate builds an aggregate. With Call.Init nil only its types are asked for.
	Aggregate func(c *Call) (Aggregate, error)

	// Undo says that the aggregate can take rows back.
	Undo bool

	signature *Signature
}

// Rows evaluates a scalar function for the rows listed, which ascend. The arguments are flat or const vectors; no argument of a row
// is NULL unless Overload.Nulls is set. Out has an element for each row of the batch if its type has a fixed width, and Rows sets
// those of its rows; a STRING or BYTES out is empty, and Rows appends up to each row's (see vector.PadTo). A row whose result is NULL
// gets its bit in out.Nulls; fail does that too and tells why.
type Rows func(c *Call, args []*vector.Vector, rows []int32, out *vector.Vector, fail func(row int, err error))

// Call is a resolved call: what an implementation may ask about where it stands. It is built once per expression and
// belongs to the goroutine of the task that evaluates it.
type Call struct {
	Name    string
	Params  []*types.Type // one an argument
	Returns *types.Type
	Init    []any // an aggregate's constants
	Env     *Env

	// Cache is the implementation's own: compiled patterns and the like.
	Cache any
}

// Env is what functions may know of the world outside their arguments.
type Env struct {
	Now    func() time.Time
	Random func() float64 // uniform in [0, 1)
	Props  map[string]string
}

// Lambda is a function argument of a call in progress: it evaluates the lambda's body for boxed arguments.
type Lambda func(args ...any) (any, error)

// Scalar is a resolved overload of a scalar function.
type Scalar struct {
	Call    *Call
	Nulls   bool
	Defined bool // see Overload.Defined: neither Rows nor Eval is there
	// Rows is Eval for many rows, or nil; see Overload.Rows.
	Rows Rows
	f    func(c *Call, args []any) (any, error)
}

// Eval evaluates one row; see Overload.Call. The caller has dealt with NULL arguments unless Nulls is set.
func (s *Scalar) Eval(args []any) (any, error) { return s.f(s.Call, args) }

// Table is a resolved overload of a table function.
type Table struct {
	Call  *Call
	Nulls bool
	f     func(c *Call, args []any) ([]any, error)
}

// Eval gives the rows for one row of arguments; NULL arguments give none unless Nulls is set.
func (t *Table) Eval(args []any) ([]any, error) {
	if !t.Nulls {
		for _, a := range args {
			if a == nil {
				return nil, nil
			}
		}
	}
	return t.f(t.Call, args)
}
