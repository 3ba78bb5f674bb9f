package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/model"
)

// modelResolver answers the analyzer from the models as they are now.
type modelResolver struct{ models *model.Registry }

// ResolvePredict implements analyzer.Models.
func (m modelResolver) ResolvePredict(name string, version int, args []*types.Type) (*types.Type, error) {
	return m.models.Snapshot().ResolvePredict(name, version, args)
}

// Predictor implements expr.Models: the version is resolved when the task is built and stays.
func (m modelResolver) Predictor(p *plan.Predict) (expr.Predictor, error) {
	args := make([]*types.Type, len(p.Args))
	for i, a := range p.Args {
		args[i] = a.Type()
	}
	b, _, err := m.models.Snapshot().Bind(p.Model, p.Version, args)
	if err != nil {
		return nil, err
	}
	return predictor{b}, nil
}

// predictor scores a batch by one call of its model.
type predictor struct{ b *model.Binding }

// Predict implements expr.Predictor. A model scores all rows or none, so no single row fails.
func (p predictor) Predict(args []*vector.Vector, rows int, sel []int32, out *vector.Vector, _ func(int, error)) error {
	return p.b.Score(context.Background(), args, rows, sel, out)
}

// Field implements expr.FieldPredictor.
func (p predictor) Field(name string) expr.Predictor {
	if b := p.b.Field(name); b != nil {
		return predictor{b}
	}
	return nil
}

// returns is the SQL type of PREDICT for arguments of the types that a signature asks for.
func returns(v *model.Version) string {
	b, err := model.Bind("", v.Scorer, v.Scorer.Signature().ArgTypes())
	if err != nil {
		return ""
	}
	return b.Result.String()
}

func newUDFEnv(props map[string]string) *udf.Env {
	return &udf.Env{Now: time.Now, Random: rand.Float64, Props: props}
}

// exprEnv evaluates constants and pull queries.
func (e *Engine) exprEnv() *expr.Env {
	return &expr.Env{Functions: e.functions, UDF: newUDFEnv(e.opts.Properties), Models: modelResolver{&e.models}}
}

// fold evaluates a constant expression for the optimizer; false leaves it as it is, to fail at run time.
func (e *Engine) fold(x plan.Expr) (any, bool) {
	env := e.exprEnv()
	if !expr.Foldable(x, env) {
		return nil, false
	}
	v, err := expr.Constant(x, env)
	return v, err == nil
}

// taskDeps are the surroundings of the tasks of a query.
func (e *Engine) taskDeps(query string) task.Deps {
	return task.Deps{
		Functions: e.functions, UDF: newUDFEnv(e.opts.Properties), Models: modelResolver{&e.models}, Log: e.plog.query(query),
		Schemas: e.schemas,
	}
}
