package wasm

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// View is what one task sees of the functions: what was defined at its standpoint is called. A View belongs to one goroutine.
type View struct {
	catalog.Standpoint
	library *Library
	// patience is what is left until the next commit; see maxStopped.
	patience time.Duration
}

// View returns a view that stands where a query was created.
func (l *Library) View(start int64, now catalog.Definitions) *View {
	return &View{library: l, Standpoint: catalog.StandAt(start, now, defined), patience: maxStopped}
}

// defined implements [catalog.Since] for functions.
func defined(cat *catalog.Catalog, name string, below int64) (int64, bool) {
	f, ok := cat.Function(name)
	if !ok {
		return 0, false
	}
	return f.At(below).Since, true
}

// Use moves the view to an offset that was committed, on or back.
func (v *View) Use(offset int64) {
	v.Move(offset)
	v.patience = maxStopped
}

// Caller evaluates one call by the version that its view stands at.
type Caller struct {
	view  *View
	call  *plan.Call
	fixed bool

	at     int64 // of the view, when the module was found
	module *Module
}

// Caller prepares a call. Fixed says that rows come again to be taken back, with the result that they had the first time: they are
// evaluated by the version with which the query was created, and none of them is NULL because it was stopped, since the next time it may not
// be: the batch fails.
func (v *View) Caller(call *plan.Call, fixed bool) (*Caller, error) {
	if !fixed {
		v.Depend(call.Name)
	}
	c := &Caller{view: v, call: call, fixed: fixed}
	return c, c.refresh()
}

// Call evaluates rows; see Module.Call.
func (c *Caller) Call(args []*vector.Vector, rows []int32, out *vector.Vector, fail func(row int, err error)) error {
	if err := c.refresh(); err != nil {
		return err
	}
	patience := &c.view.patience
	if c.fixed {
		patience = new(time.Duration)
	}
	return c.module.Call(args, rows, out, fail, patience)
}

// refresh finds the module after the view was moved.
func (c *Caller) refresh() error {
	at := c.view.At()
	if c.fixed {
		at = c.view.Fixed(c.call.Name)
	}
	if c.module != nil && c.at == at {
		return nil
	}
	f, ok := c.view.Catalog().Function(c.call.Name)
	if !ok {
		return fmt.Errorf("there is no function %s any more", c.call.Name)
	}
	def := f.At(at)
	if !fits(def, c.call) {
		return fmt.Errorf("function %s takes or returns something else now", c.call.Name)
	}
	m, err := c.view.library.Module(context.Background(), def)
	if err != nil {
		return err
	}
	c.module, c.at = m, at
	return nil
}

// fits says whether a definition is of the function that a call was bound to.
func fits(def *catalog.FunctionVersion, call *plan.Call) bool {
	if len(def.Params) != len(call.Params) || !types.Equal(def.Returns, call.T) {
		return false
	}
	for i, p := range def.Params {
		if !types.Equal(p.Type, call.Params[i]) {
			return false
		}
	}
	return true
}
