package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// succession is a query that another one is to take the place of.
type succession struct {
	query *command.Query
	old   *topology.Topology
	next  *topology.Topology // what goes on with what the old one has kept
}

// takeOver lets q go on where the query stops that the statement replaces: with its names, from its positions. It says what is kept, or
// refuses the statement.
func (d *definition) takeOver(r *analyzer.CreateAs, q *command.Query) (message string, err error) {
	s, err := d.e.takesOver(r)
	if err != nil {
		return "", err
	}
	// Tasks that have committed nothing yet begin where they were to begin. Their rows would be lost, or come twice, if the new statement's
	// auto.offset.reset counted.
	d.internal = s.next.Topics
	q.Start, q.IDs, q.Kept = s.query.Start, &s.next.IDs, s.kept(d.e.Catalog())
	return "replaced query " + q.ID + ": " + s.keeps(), nil
}

// takesOver finds the query that a statement replaces, and the topology that takes its place; an error if that cannot go on with what is kept.
func (e *Engine) takesOver(r *analyzer.CreateAs) (*succession, error) {
	v, ok := e.stored.Load(r.Replaces)
	if !ok {
		return nil, fmt.Errorf("query %s is to be replaced and no command defines it", r.Replaces)
	}
	q := v.(*command.Query)
	def, err := q.Definition()
	if err != nil {
		return nil, err
	}
	old, err := e.named(q.Runs(), def.Plan, q.IDs, e.partitions(def.Plan))
	if err != nil {
		return nil, err
	}
	root := e.optimize(r.Plan)
	next, err := topology.TakeOver(old, root, e.topologyOptions(q.Runs(), nil, e.partitions(root)))
	var refused *topology.TakeOverError
	if errors.As(err, &refused) {
		return nil, &ast.Error{Code: refused.Code, Span: r.At, Message: refused.Message, Hint: refused.Hint}
	}
	if err != nil {
		return nil, err
	}
	return &succession{q, old, next}, nil
}

// keeps says what a query goes on with that takes the place of another.
func (s *succession) keeps() string {
	if stores := s.next.Stores(); len(stores) > 0 {
		return "state kept (" + strings.Join(stores, ", ") + "), it goes on from the same positions"
	}
	return "there is no state, it goes on from the same positions"
}

// kept says which models and functions stay as they were on rows that may be taken back: those that were used there before. The rows that are
// stored were added with them. For all others rows begin with the new query.
func (s *succession) kept(cat *catalog.Catalog) *command.Kept {
	before := s.query.Kept
	if before == nil {
		before = &command.Kept{}
	}
	wereModels, wereFunctions := usedOnOldRows(cat, s.old)
	models, functions := usedOnOldRows(cat, s.next)
	k := command.Kept{
		Models:    stayed(models, wereModels, before.Models, s.query.Models),
		Functions: stayed(functions, wereFunctions, before.Functions, s.query.Models),
	}
	if len(k.Models)+len(k.Functions) == 0 {
		return nil
	}
	return &k
}

// stayed gives the names that are used now and were used before, with the offsets at which they stood then.
func stayed(now, were map[string]bool, before map[string]int64, start int64) map[string]int64 {
	out := map[string]int64{}
	for name := range now {
		if !were[name] {
			continue
		}
		out[name] = start
		if at, ok := before[name]; ok {
			out[name] = at
		}
	}
	return out
}

// usedOnOldRows names the models, unless a version is named with them, and the defined functions that are used on rows which may be taken back.
func usedOnOldRows(cat *catalog.Catalog, t *topology.Topology) (models, functions map[string]bool) {
	models, functions = map[string]bool{}, map[string]bool{}
	onOldRows(t, func(x plan.Expr) {
		switch x := x.(type) {
		case *plan.Predict:
			if x.Version == 0 {
				models[x.Model] = true
			}
		case *plan.ModelVersion:
			models[x.Model] = true
		case *plan.Call:
			if _, ok := cat.Function(x.Name); ok {
				functions[x.Name] = true
			}
		}
	})
	return models, functions
}

// onOldRows visits the expressions of a topology that are evaluated on rows which come again with their old values, to be taken back.
func onOldRows(t *topology.Topology, visit func(plan.Expr)) {
	plan.Walk(t.Root, func(n plan.Node) bool {
		if len(n.Inputs()) == 0 || !slices.ContainsFunc(t.Subs, func(s *topology.SubTopology) bool { return s.WantsOld(n.Inputs()[0]) }) {
			return true
		}
		for _, expr := range plan.Exprs(n) {
			plan.WalkExpr(expr, func(x plan.Expr) bool { visit(x); return true })
		}
		return true
	})
}
