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

// Definitions returns the functions as they are defined now, and the offset below which all commands are in them.
type Definitions func() (*catalog.Catalog, int64)

// View is what one task sees of the functions. It stands at an offset of the command log: what the commands below it defined is
// called, until the task, having committed the offset, moves the view on. So a row is always evaluated by the version that was
// committed before it, however often it is read again. A View belongs to one goroutine.
type View struct {
	library *Library
	now     Definitions
	start   int64 // where the query began
	at      int64
	follows map[string]bool
	// patience is what is left until the next commit; see maxStopped.
	patience time.Duration
}

// View returns a view that stands where a query was created.
func (l *Library) View(start int64, now Definitions) *View {
	return &View{library: l, now: now, start: start, at: start, follows: map[string]bool{}, patience: maxStopped}
}

// Latest is the offset that the view should be moved to: behind the last command that defined a function which the task calls. It is 0
// if the task calls none.
func (v *View) Latest() int64 {
	if len(v.follows) == 0 {
		return 0
	}
	cat, applied := v.now()
	latest := v.start
	for name := range v.follows {
		if f, ok := cat.Function(name); ok {
			if def := f.At(applied); def.Since < applied {
				latest = max(latest, def.Since+1)
			}
		}
	}
	return latest
}

// Behind says whether there is a definition that the view does not use yet.
func (v *View) Behind() bool { return v.Latest() > v.at }

// Use moves the view to an offset that was committed, or back to it.
func (v *View) Use(offset int64) { v.at, v.patience = max(offset, v.start), maxStopped }

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
		v.follows[call.Name] = true
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
	at := c.view.at
	if c.fixed {
		at = c.view.start
	}
	if c.module != nil && c.at == at {
		return nil
	}
	cat, _ := c.view.now()
	f, ok := cat.Function(c.call.Name)
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
