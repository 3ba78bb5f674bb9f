package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
)

// takeOver lets q go on where the query stops that the statement replaces: with its names, from its positions. It says what is kept, or
// refuses the statement.
func (d *definition) takeOver(r *analyzer.CreateAs, q *command.Query) (message string, err error) {
	old, kept, err := d.e.takesOver(r)
	if err != nil {
		return "", err
	}
	// Tasks that have committed nothing yet begin where they were to begin. Their rows would be lost, or come twice, if the new statement's
	// auto.offset.reset counted.
	q.Start, q.IDs = old.Start, &kept.IDs
	return "replaced query " + q.ID + ": " + keeps(kept), nil
}

// takesOver finds the query that a statement replaces, and the topology that takes its place; an error if that cannot go on with what is kept.
func (e *Engine) takesOver(r *analyzer.CreateAs) (*command.Query, *topology.Topology, error) {
	v, ok := e.stored.Load(r.Replaces)
	if !ok {
		return nil, nil, fmt.Errorf("query %s is to be replaced and no command defines it", r.Replaces)
	}
	q := v.(*command.Query)
	def, err := q.Definition()
	if err != nil {
		return nil, nil, err
	}
	old, err := e.named(q.Runs(), def.Plan, q.IDs, e.partitions(def.Plan))
	if err != nil {
		return nil, nil, err
	}
	plan := e.optimize(r.Plan)
	next, err := topology.TakeOver(old, plan, e.topologyOptions(q.Runs(), nil, e.partitions(plan)))
	var refused *topology.TakeOverError
	if errors.As(err, &refused) {
		return nil, nil, &ast.Error{Code: refused.Code, Span: r.At, Message: refused.Message, Hint: refused.Hint}
	}
	return q, next, err
}

// keeps says what a query goes on with that takes the place of another.
func keeps(t *topology.Topology) string {
	if stores := t.Stores(); len(stores) > 0 {
		return "state kept (" + strings.Join(stores, ", ") + "), it goes on from the same positions"
	}
	return "there is no state, it goes on from the same positions"
}
