package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/model"
)

// modelResolver answers the analyzer from the models as they are now.
type modelResolver struct{ e *Engine }

// ResolvePredict implements analyzer.Models.
func (r modelResolver) ResolvePredict(name string, version int, args []*types.Type) (*types.Type, error) {
	m, ok := r.e.Catalog().Model(name)
	if !ok {
		return nil, fmt.Errorf("model %s does not exist", name)
	}
	return r.e.models.Resolve(context.Background(), m, version, args)
}

// definitions implements [catalog.Definitions].
func (e *Engine) definitions() (*catalog.Catalog, int64) {
	applied := e.applied.Load() // before the catalog, which may have more
	return e.Catalog(), applied
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
	applied := e.applied.Load()
	seen := task.ModelsOf(e.models.View(applied, e.definitions), e.modules.View(applied, e.definitions))
	return &expr.Env{Functions: e.functions(), UDF: newUDFEnv(e.opts.Properties), Models: seen, Callers: seen}
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

// taskDeps are the surroundings of the tasks of a query that begins with the models as the commands below an offset left them. What it
// scores is not counted: clients try things out.
// Requests to model servers end with the context.
func (e *Engine) taskDeps(query string, models int64, until func() context.Context) task.Deps {
	return task.Deps{
		Functions: e.functions(), UDF: newUDFEnv(e.opts.Properties), Log: e.plog.query(query), Schemas: e.schemas,
		Models: func() task.Models {
			return task.ModelsOf(e.models.View(models, e.definitions).Until(until), e.modules.View(models, e.definitions))
		},
	}
}

// countedDeps are the taskDeps of a persistent query: what it scores goes into the models' statistics.
func (e *Engine) countedDeps(q *command.Query, until func() context.Context) task.Deps {
	deps := e.taskDeps(q.ID, q.Models, until)
	deps.Models = func() task.Models {
		models, functions := e.models.View(q.Models, e.definitions).Until(until).Count(), e.modules.View(q.Models, e.definitions)
		if q.Kept != nil {
			models.Keep(q.Kept.Models)
			functions.Keep(q.Kept.Functions)
		}
		return task.ModelsOf(models, functions)
	}
	return deps
}
