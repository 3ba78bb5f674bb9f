// Package expr evaluates bound expressions over batches.
//
// Compile turns a plan.Expr into an Evaluator: a tree with one node an operator, each of which owns the vector that it
// returns. A node evaluates its operands over a selection of rows and runs one small loop over their slices; a const
// operand stays const, so literals cost nothing per row. AND, OR and CASE evaluate their later parts over narrowed
// selections, so an expression never runs for a row that does not need it.
//
// A row that fails is NULL and is reported to the Env's Sink; the other rows go on.
package expr

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// Env is what expressions are evaluated in.
type Env struct {
	Functions *udf.Registry
	UDF       *udf.Env // clock and random numbers of functions
	Models    Models   // nil: PREDICT is refused
	Callers   Callers  // nil: functions that statements defined are refused
	Place     Place    // where the expression stands; only models and callers ask
	Sink      Sink     // nil: failures are dropped
}

// Sink takes a row that failed, with the part of the expression that did. It is called in the task's goroutine.
type Sink func(b *vector.Batch, row int, e plan.Expr, err error)

// Models finds the model of a PREDICT or MODEL_VERSION.
type Models interface {
	Predictor(p *plan.Predict, at Place) (Predictor, error)
	Versioner(v *plan.ModelVersion, at Place) (Versioner, error)
}

// Place is where in a plan an expression stands: models choose a version by columns that their arguments need not be.
type Place struct {
	Columns []plan.OutColumn // of the batches; nil: not known
	// Fixed says that rows come again to be taken back, as old values of a table do: what they gave the first time they
	// must give again.
	Fixed bool
}

// Over is the environment for expressions over the rows of a node.
func (e *Env) Over(n plan.Node) *Env {
	c := *e
	c.Place = Place{Columns: n.Columns()}
	return &c
}

// Rows are the N elements that an expression is evaluated over: the rows of a batch or, inside a lambda, elements that all belong to
// one row of it.
type Rows struct {
	Batch *vector.Batch
	N     int
	// Lambda says that all elements belong to the batch's row Row.
	Lambda bool
	Row    int
}

// Predictor scores a model over elements: those of sel, which is ascending. The arguments are flat or const. It fills out, which is
// empty and of the PREDICT's type, with rows.N elements, unspecified where sel leaves one out; fail tells of one that cannot be
// scored, which becomes NULL. A returned error is not of a row: it fails the task.
type Predictor interface {
	Predict(rows Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(row int, err error)) error
}

// Callers finds who evaluates calls of functions that statements defined.
type Callers interface {
	Caller(call *plan.Call, at Place) (Caller, error)
}

// Caller evaluates a call for the rows listed, as udf.Rows does. A returned error is not of a row: it fails the task.
type Caller interface {
	Call(args []*vector.Vector, rows []int32, out *vector.Vector, fail func(row int, err error)) error
}

// Versioner gives the version of a model that each element is scored by: it sets those of sel in out, an INTEGER vector of rows.N
// elements.
type Versioner interface {
	Versions(rows Rows, sel []int32, out *vector.Vector) error
}

// FieldPredictor is a Predictor of STRUCTs that can give one of their fields alone, which spares making the others. Field
// is nil where it cannot.
type FieldPredictor interface {
	Predictor
	Field(name string) Predictor
}

// Evaluator is a compiled expression. It belongs to one goroutine.
type Evaluator struct {
	root node
	ctx  context
}

// Compile prepares an expression over batches whose columns are those that it was bound to.
func Compile(e plan.Expr, env *Env) (*Evaluator, error) {
	c := compiler{env: env}
	root, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return &Evaluator{root: root, ctx: context{sink: env.Sink}}, nil
}

// Eval evaluates the selected rows of b. The result is flat with b.N elements, those of other rows unspecified, or const. It is
// the Evaluator's or a column of b, and holds until the next call. An error is not of a row: the batch cannot go on.
func (e *Evaluator) Eval(b *vector.Batch) (*vector.Vector, error) {
	e.ctx.begin(b)
	v := e.root.eval(&e.ctx, b.Sel)
	return v, e.ctx.fatal
}

// context is one evaluation of a batch.
type context struct {
	batch *vector.Batch
	n     int
	cols  []*vector.Vector
	all   []int32 // 0, 1, 2 ...: the selection of everything
	sink  Sink
	fatal error

	params [][]*vector.Vector // of the lambdas being evaluated, innermost last
	lambda *lambdaError       // set inside a lambda: its first failure, which fails the call
	row    int                // inside a lambda: the row of the batch that it is evaluated for
}

// lambdaError holds the first failure inside a lambda's body.
type lambdaError struct{ err error }

func (c *context) begin(b *vector.Batch) {
	c.batch, c.n, c.cols, c.fatal = b, b.N, b.Cols, nil
	for i := len(c.all); i < c.n; i++ {
		c.all = append(c.all, int32(i))
	}
}

// rows spells a selection out.
func (c *context) rows(sel []int32) []int32 {
	if sel == nil {
		return c.all[:c.n]
	}
	return sel
}

// fail reports a row.
func (c *context) fail(row int, e plan.Expr, err error) {
	switch {
	case c.lambda != nil:
		if c.lambda.err == nil {
			c.lambda.err = err
		}
	case c.sink != nil:
		c.sink(c.batch, row, e, err)
	}
}

// node is a compiled expression. It returns a vector of n elements or a const one, which it or the batch owns, valid for the rows of
// sel (nil: all) until it is evaluated again.
type node interface {
	eval(c *context, sel []int32) *vector.Vector
}
