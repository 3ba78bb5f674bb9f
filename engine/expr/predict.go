package expr

import (
	"errors"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// predict scores a model once for the whole selection.
type predict struct {
	e     *plan.Predict
	model Predictor
	args  []node
	vecs  []*vector.Vector
	res   *vector.Vector
	fail  func(row int, err error)
	at    *context // of the evaluation in progress
}

var errNoModels = errors.New("no models to predict with")

func (c *compiler) predict(e *plan.Predict) (node, error) {
	if c.env.Models == nil {
		return nil, errNoModels
	}
	m, err := c.env.Models.Predictor(e, c.env.Place)
	if err != nil {
		return nil, err
	}
	return c.scored(e, m, e.T)
}

func (c *compiler) scored(e *plan.Predict, m Predictor, t *types.Type) (node, error) {
	args, err := c.compileAll(arguments(e))
	x := &predict{e: e, model: m, args: args, vecs: make([]*vector.Vector, len(args)), res: vector.New(t)}
	x.fail = func(row int, err error) { x.at.fail(row, x.e, err) }
	return x, err
}

// arguments are what a model is given: instead of one STRUCT its fields.
func arguments(e *plan.Predict) []plan.Expr {
	if len(e.Args) != 1 || e.Args[0].Type().Kind != types.KindStruct {
		return e.Args
	}
	if s, ok := e.Args[0].(*plan.MakeStruct); ok {
		return s.Items
	}
	fields := e.Args[0].Type().Fields
	list := make([]plan.Expr, len(fields))
	for i, f := range fields {
		list[i] = &plan.Field{Base: e.Args[0], Index: i, Name: f.Name, T: f.Type}
	}
	return list
}

// field reads a field of a STRUCT; of a PREDICT that can, it asks for the field alone.
func (c *compiler) field(e *plan.Field) (node, error) {
	if p, ok := e.Base.(*plan.Predict); ok && c.env.Models != nil {
		m, err := c.env.Models.Predictor(p, c.env.Place)
		if err != nil {
			return nil, err
		}
		if fields, ok := m.(FieldPredictor); ok {
			if one := fields.Field(p.T.Fields[e.Index].Name); one != nil {
				return c.scored(p, one, e.T)
			}
		}
	}
	x, err := c.compile(e.Base)
	return &field{base: x, index: e.Index, res: vector.New(e.T)}, err
}

// at tells models which rows the context's elements are.
func (c *context) at() Rows { return Rows{Batch: c.batch, N: c.n, Lambda: c.lambda != nil, Row: c.row} }

func (x *predict) eval(c *context, sel []int32) *vector.Vector {
	evalAll(c, x.args, x.vecs, sel)
	x.res.Reset()
	rows := c.rows(sel)
	if len(rows) > 0 {
		x.at = c
		if err := x.model.Predict(c.at(), x.vecs, rows, x.res, x.fail); err != nil {
			c.fatal = err
		}
	}
	for x.res.Len() < c.n { // nothing was scored
		x.res.AppendNull()
	}
	return x.res
}

// modelVersion asks which version scores each row.
type modelVersion struct {
	versions Versioner
	res      *vector.Vector
}

func (c *compiler) modelVersion(e *plan.ModelVersion) (node, error) {
	if c.env.Models == nil {
		return nil, errNoModels
	}
	v, err := c.env.Models.Versioner(e, c.env.Place)
	return &modelVersion{v, vector.New(types.Int)}, err
}

func (x *modelVersion) eval(c *context, sel []int32) *vector.Vector {
	size(x.res, false, c.n)
	if err := x.versions.Versions(c.at(), c.rows(sel), x.res); err != nil {
		c.fatal = err
	}
	return x.res
}
