package expr

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// call evaluates a scalar function: all rows at once where it has a form for that, else a row at a time.
type call struct {
	e        *plan.Call
	f        *udf.Scalar
	caller   Caller // of a function that a statement defined
	volatile bool
	args     []node    // nil where the argument is a lambda
	lambdas  []*lambda // nil where it is not
	vecs     []*vector.Vector
	values   []any
	res      *vector.Vector
	rows     []int32 // those without a NULL argument
	failed   func(row int, err error)
	at       *context // of the evaluation in progress, with its selection
	sel      []int32
}

func (c *compiler) call(e *plan.Call) (node, error) {
	if c.env.Functions == nil {
		return nil, errors.New("no functions to call")
	}
	f, err := c.env.Functions.Scalar(e, c.env.UDF)
	if err != nil {
		return nil, err
	}
	n := len(e.Args)
	x := &call{
		e: e, f: f, volatile: c.env.Functions.Volatile(e), args: make([]node, n), lambdas: make([]*lambda, n),
		vecs: make([]*vector.Vector, n), values: make([]any, n), res: vector.New(e.T),
	}
	if f.Defined {
		if c.env.Callers == nil {
			return nil, fmt.Errorf("function %s is not defined here", e.Name)
		}
		if x.caller, err = c.env.Callers.Caller(e, c.env.Place); err != nil {
			return nil, err
		}
	}
	x.failed = func(row int, err error) {
		x.res.Nulls = x.res.Nulls.Set(row)
		x.at.fail(reportRow(x.res.Const, x.sel, row), x.e, err)
	}
	for i, a := range e.Args {
		if l, ok := a.(*plan.Lambda); ok {
			if x.lambdas[i], err = c.lambda(l); err != nil {
				return nil, err
			}
			x.volatile = x.volatile || !Foldable(l, c.env)
			continue
		}
		if x.args[i], err = c.compile(a); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *call) eval(c *context, sel []int32) *vector.Vector {
	isConst := !x.volatile
	for i, a := range x.args {
		if a == nil {
			isConst = isConst && c.lambda == nil // a body inside a lambda may read that one's parameters
			continue
		}
		x.vecs[i] = a.eval(c, sel)
		isConst = isConst && x.vecs[i].Const
	}
	if x.f.Rows != nil || x.caller != nil {
		return x.batch(c, isConst, sel)
	}
	return eachRow(c, x.res, isConst, sel, func(row int) (any, error) { return x.row(c, row) }, x.e)
}

// batch evaluates all rows of the selection at once.
func (x *call) batch(c *context, isConst bool, sel []int32) *vector.Vector {
	size(x.res, isConst, c.n)
	x.at, x.sel = c, sel
	rows := work(c, isConst, sel)
	if !x.f.Nulls {
		rows = x.withoutNulls(rows)
	}
	if x.caller == nil {
		x.f.Rows(x.f.Call, x.vecs, rows, x.res, x.failed)
	} else if err := x.caller.Call(x.vecs, rows, x.res, x.failed); err != nil {
		c.fatal = err
	}
	if k := x.res.Type.Kind; k == types.KindString || k == types.KindBytes {
		if isConst {
			x.res.PadTo(1)
		} else {
			x.res.PadTo(c.n)
		}
	}
	return x.res
}

// withoutNulls makes the rows that have a NULL argument NULL, and lists the others.
func (x *call) withoutNulls(rows []int32) []int32 {
	any := false
	for _, v := range x.vecs {
		any = any || v.Type.Kind == types.KindNull || v.Nulls.Any()
	}
	if !any {
		return rows
	}
	x.rows = x.rows[:0]
	for _, r := range rows {
		null := false
		for _, v := range x.vecs {
			null = null || v.IsNull(int(r))
		}
		if null {
			x.res.Nulls = x.res.Nulls.Set(int(r))
		} else {
			x.rows = append(x.rows, r)
		}
	}
	return x.rows
}

func (x *call) row(c *context, row int) (any, error) {
	for i, v := range x.vecs {
		if l := x.lambdas[i]; l != nil {
			x.values[i] = l.bind(c, row)
			continue
		}
		x.values[i] = v.Value(row)
		if x.values[i] == nil && !x.f.Nulls {
			return nil, nil
		}
	}
	return x.f.Eval(x.values)
}

// lambda evaluates its body over one row whose columns are const vectors: those of the outer row that the body reads.
type lambda struct {
	body    node
	columns []int // that the body reads
	cols    []*vector.Vector
	params  []*vector.Vector
	result  *types.Type
}

func (c *compiler) lambda(e *plan.Lambda) (*lambda, error) {
	body, err := c.compile(e.Body)
	if err != nil {
		return nil, err
	}
	l := &lambda{body: body, result: e.Body.Type()}
	for _, t := range e.Types {
		l.params = append(l.params, vector.New(t))
	}
	for i, t := range Columns(e.Body) {
		if t == nil {
			l.cols = append(l.cols, nil)
			continue
		}
		l.columns = append(l.columns, i)
		l.cols = append(l.cols, vector.New(t))
	}
	return l, nil
}

// bind gives the Lambda for a row of the outer batch. It holds during the function's call.
func (l *lambda) bind(c *context, row int) udf.Lambda {
	for _, i := range l.columns {
		setConst(l.cols[i], c.cols[i], row)
	}
	inner := &context{
		batch: c.batch, n: 1, cols: l.cols, all: zero[:], params: append(c.params[:len(c.params):len(c.params)], l.params), row: row,
	}
	if c.lambda != nil {
		inner.row = c.row
	}
	return func(args ...any) (any, error) {
		for i, p := range l.params {
			p.Reset()
			p.Append(args[i])
			p.Const = true
		}
		inner.lambda, inner.fatal = &lambdaError{}, nil
		v := l.body.eval(inner, nil)
		if inner.fatal != nil {
			c.fatal = inner.fatal // of the batch, not of the row
			return nil, inner.fatal
		}
		if inner.lambda.err != nil {
			return nil, inner.lambda.err
		}
		return v.Value(0), nil
	}
}

func setConst(dst, src *vector.Vector, row int) {
	dst.Reset()
	dst.AppendFrom(src, row)
	dst.Const = true
}

// lambdaParam reads a parameter of an enclosing lambda.
type lambdaParam struct{ depth, index int }

func (x *lambdaParam) eval(c *context, _ []int32) *vector.Vector {
	return c.params[len(c.params)-1-x.depth][x.index]
}
