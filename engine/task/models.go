package task

import (
	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/wasm"
)

// Models is a task's view of the models, and of the functions that statements defined. It stands at an offset of the command log, whose
// commands decide which versions are used, and is moved on only when that was committed: so a row that is read again is evaluated by
// the same version. All calls come from the task's goroutine.
type Models interface {
	expr.Models
	expr.Callers
	// Latest is the offset to move on to; 0: the task uses none that can change.
	Latest() int64
	// Behind says that Latest would evaluate otherwise than the view does.
	Behind() bool
	// Drop says that what was evaluated since the last commit will not be committed.
	Drop()
	// Use moves the view, on or back.
	Use(offset int64)
}

// ModelsOf makes views what expressions ask. They move as one.
func ModelsOf(m *model.View, f *wasm.View) Models { return models{m, f} }

type models struct {
	*model.View
	functions *wasm.View
}

// Latest implements Models.
func (m models) Latest() int64 { return max(m.View.Latest(), m.functions.Latest()) }

// Behind implements Models.
func (m models) Behind() bool { return m.View.Behind() || m.functions.Behind() }

// Use implements Models.
func (m models) Use(offset int64) {
	m.Commit(offset)
	m.functions.Use(offset)
}

// Caller implements expr.Callers.
func (m models) Caller(c *plan.Call, at expr.Place) (expr.Caller, error) {
	return m.functions.Caller(c, at.Fixed)
}

// Predictor implements expr.Models.
func (m models) Predictor(p *plan.Predict, at expr.Place) (expr.Predictor, error) {
	f, err := m.Follow(p, model.Place(at))
	return predictor{f}, err
}

// Versioner implements expr.Models.
func (m models) Versioner(p *plan.ModelVersion, at expr.Place) (expr.Versioner, error) {
	c, err := m.Choose(p.Model, model.Place(at))
	return versioner{c}, err
}

// predictor scores a batch, mostly by one call of its model.
type predictor struct{ f *model.Follower }

// Predict implements expr.Predictor.
func (p predictor) Predict(rows expr.Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(int, error)) error {
	return p.f.Score(model.Rows(rows), args, sel, out, fail)
}

// Field implements expr.FieldPredictor.
func (p predictor) Field(name string) expr.Predictor {
	if f := p.f.Field(name); f != nil {
		return predictor{f}
	}
	return nil
}

type versioner struct{ c *model.Chooser }

// Versions implements expr.Versioner.
func (v versioner) Versions(rows expr.Rows, sel []int32, out *vector.Vector) error {
	return v.c.Versions(model.Rows(rows), sel, out)
}
