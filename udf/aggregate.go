package udf

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Aggregate folds rows into one accumulator a group. It is one resolved overload of an aggregate function, with its
// constant parameters bound; it holds no accumulator itself, is immutable, and may be used by many tasks at once.
//
// The operator owns the accumulators. For a batch it finds the distinct groups, loads the accumulator of each into a row of
// a State (or calls Init for a new group), calls Fold once for the whole batch, and stores what changed:
//
//	state.Reset()
//	for each distinct group: state.Load... or agg.Init(state)   // rows 0..groups-1, in the same order for every aggregate
//	agg.Fold(state, &fold, out)                                 // out: a result after every folded row (exact emission)
//	agg.Result(state, groups, out)                              // or: results once a group (coalesced emission)
//
// Results never change an accumulator, so both may be asked of the same State. Where the accumulator's columns have a fixed
// width, and for STRING and BYTES, nothing is allocated per row.
type Aggregate interface {
	// State lists the types of the accumulator's columns, in order. The operator stores them as they are: the list
	// is part of the format of persisted state and never changes for a released function.
	State() []*types.Type

	// Returns is the type of the result.
	Returns() *types.Type

	// CanUndo says whether Fold takes rows back, so that the function may run on a table.
	CanUndo() bool

	// Init appends the accumulator of a group that has seen no row.
	Init(s State)

	// Fold adds (or takes back) the rows of f to their groups, in order. If out is not nil, the result of the row's group
	// is appended to it after every row: one element a row of f.
	//
	// An error (a SUM that overflows, a failing custom function) stops the fold; it is a *FoldError that names the row. That
	// row has not changed its accumulator, those before it have, those behind it were not read.
	Fold(s State, f *Fold, out *vector.Vector) error

	// Merge adds group from of src to group into of dst, as if into had also seen from's rows. Session windows
	// call it with from later in time than into or the other way round; src may be dst.
	Merge(dst State, into int, src State, from int) error

	// Result appends the results of the groups to out, in order. A failing result is NULL.
	Result(s State, groups []int32, out *vector.Vector)
}

// Fold is the part of a batch that an aggregate folds. Its slices belong to the caller and are read only.
type Fold struct {
	// Rows are the row numbers of Args to fold, in order; Group[i] is the accumulator that Rows[i] belongs to.
	Rows, Group []int32

	// Undo[i] says that Rows[i] is taken back. Nil: all are added.
	Undo []bool

	// Args are the evaluated arguments, flat or const. COUNT(*) has one, ROWTIME.
	Args []*vector.Vector

	// Seq numbers the rows over the life of the operator: row Rows[i] has Seq+i. BY_OFFSET functions keep it to
	// order sessions that are merged, so the operator commits its counter with its stream time.
	Seq int64
}

// Undone says whether the i-th row is taken back.
func (f *Fold) Undone(i int) bool { return f.Undo != nil && f.Undo[i] }

// FoldError is an aggregate function's failure at a row.
type FoldError struct {
	Function string
	Index    int // position in Fold.Rows; -1 outside a fold
	Err      error
}

// Error implements error.
func (e *FoldError) Error() string { return "aggregate " + e.Function + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *FoldError) Unwrap() error { return e.Err }
