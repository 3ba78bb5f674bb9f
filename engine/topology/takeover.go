package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// TakeOverError says why a query cannot go on with what another one has kept.
type TakeOverError struct{ Code, Message, Hint string }

func (e *TakeOverError) Error() string { return e.Message + "; " + e.Hint }

// anew is the way out where state cannot be kept.
const anew = "create it under another name, with 'auto.offset.reset' = 'earliest', and drop this one when the new one has caught up"

func fail(code, format string, args ...any) error {
	return &TakeOverError{Code: code, Message: "the new query cannot take over: " + fmt.Sprintf(format, args...), Hint: anew}
}

// TakeOver builds the topology of a plan that takes the place of an old one under its name: it goes on from the same positions, with the same
// stores, each row of which means to it what it meant to the old one. Both plans are optimised; Options.IDs are the old ones. What may differ
// is what no task remembers: projections, and conditions unless rows that passed them are stored. A refusal is a *TakeOverError.
func TakeOver(old *Topology, root plan.Node, o Options) (*Topology, error) {
	if err := sameSteps(old.Root, root, false); err != nil {
		return nil, err
	}
	o.IDs = &old.IDs
	next, err := Build(root, o)
	var names *IDError
	if errors.As(err, &names) {
		return nil, fail("replace.not-allowed.stored", "the old query has not filled all that it would keep, or has filled more (%s)",
			strings.Join(append(names.Missing, names.Unused...), ", "))
	}
	if err != nil {
		return nil, err
	}
	for _, same := range []func(old, next *Topology) error{samePositions, sameStores, sameRepartitions} {
		if err := same(old, next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// Stores lists the ids of all stores, sorted.
func (t *Topology) Stores() []string {
	var ids []string
	for _, s := range t.Subs {
		for _, st := range s.Stores {
			ids = append(ids, st.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// step skips what keeps nothing and takes rows one by one; it returns the next node that matters, and the filters before it.
func step(n plan.Node) (next plan.Node, filters []plan.Expr) {
	for {
		switch x := n.(type) {
		case *plan.Filter:
			filters = append(filters, traced(x.Input, x.Predicate))
			n = x.Input
		case *plan.Project:
			n = x.Input
		case *plan.Repartition:
			n = x.Input
		case *plan.Sink:
			n = x.Input
		default:
			return n, filters
		}
	}
}

// sameSteps compares the steps of two plans from a node down. Exact says that filters must not differ: the rows that passed are stored.
func sameSteps(old, next plan.Node, exact bool) error {
	a, wasFiltered := step(old)
	b, isFiltered := step(next)
	if exact && !slices.EqualFunc(wasFiltered, isFiltered, plan.SameExpr) {
		return fail("replace.not-allowed.filter", "what is stored is what passed %s, and it has %s",
			shown(old, listed(wasFiltered)), shown(next, listed(isFiltered)))
	}
	if fmt.Sprintf("%T", a) != fmt.Sprintf("%T", b) {
		return fail("replace.not-allowed.steps", "where the old query has %s, it has %s", stepName(a), stepName(b))
	}
	switch x := a.(type) {
	case *plan.Source:
		return sameSource(x, b.(*plan.Source))
	case *plan.Rekey:
		y := b.(*plan.Rekey)
		if !sameExprs(x.Input, y.Input, itemExprs(x.Keys), itemExprs(y.Keys)) {
			return fail("replace.not-allowed.partition", "it partitions by something else")
		}
		return sameSteps(x.Input, y.Input, exact)
	case *plan.FlatMap:
		y := b.(*plan.FlatMap)
		if !sameExprs(x.Input, y.Input, plan.Exprs(x), plan.Exprs(y)) || !slices.EqualFunc(x.Calls, y.Calls, func(c, d plan.TableCall) bool { return c.Name == d.Name }) {
			return fail("replace.not-allowed.function", "it calls other table functions")
		}
		return sameSteps(x.Input, y.Input, exact)
	case *plan.Aggregate:
		return sameAggregate(x, b.(*plan.Aggregate), exact)
	case *plan.Join:
		return sameJoin(x, b.(*plan.Join), exact)
	case *plan.ForeignKeyJoin:
		return sameForeign(x, b.(*plan.ForeignKeyJoin))
	}
	return fail("replace.not-allowed.steps", "%s cannot be compared", stepName(a))
}

func stepName(n plan.Node) string {
	switch n.(type) {
	case *plan.Source:
		return "a source"
	case *plan.Rekey:
		return "a PARTITION BY"
	case *plan.FlatMap:
		return "table functions"
	case *plan.Aggregate:
		return "an aggregation"
	case *plan.Join:
		return "a join"
	case *plan.ForeignKeyJoin:
		return "a foreign-key join"
	}
	return fmt.Sprintf("a %T", n)
}

func listed(conditions []plan.Expr) string {
	if len(conditions) == 0 {
		return "no condition"
	}
	var texts []string
	for _, c := range conditions {
		texts = append(texts, c.String())
	}
	return "the condition " + strings.Join(texts, " AND ")
}

func sameSource(x, y *plan.Source) error {
	switch {
	case x.Topic != y.Topic || x.Table != y.Table || x.KeyFormat.Name != y.KeyFormat.Name || x.ValueFormat.Name != y.ValueFormat.Name:
		return fail("replace.not-allowed.input", "it reads %s where the old query reads %s", reads(y), reads(x))
	case !x.KeyFormat.Same(y.KeyFormat) || !x.ValueFormat.Same(y.ValueFormat):
		return fail("replace.not-allowed.input", "it reads the records of topic %s with other properties of their formats", x.Topic)
	case !extends(y.Schema, x.Schema):
		return fail("replace.not-allowed.input", "the records of topic %s have the columns %s, and for the old query they had %s", x.Topic, y.Schema, x.Schema)
	case !equal(x.Timestamp, y.Timestamp) || !equal(x.Window, y.Window):
		return fail("replace.not-allowed.input", "the rows of topic %s have another time than they had for the old query", x.Topic)
	}
	return nil
}

// extends says that records which an old schema describes are read alike by a new one, which may have more values and headers.
func extends(next, old types.Schema) bool {
	same := func(a, b types.Column) bool {
		return a.Name == b.Name && a.HeaderKey == b.HeaderKey && types.Equal(a.Type, b.Type)
	}
	starts := func(r types.Role) bool {
		was, is := old.With(r), next.With(r)
		return len(is) >= len(was) && slices.EqualFunc(was, is[:len(was)], same)
	}
	return slices.EqualFunc(old.Keys(), next.Keys(), same) && starts(types.RoleValue) && starts(types.RoleHeader)
}

func reads(s *plan.Source) string {
	kind := "a stream"
	if s.Table {
		kind = "a table"
	}
	return fmt.Sprintf("topic %s as %s (%s, %s)", s.Topic, kind, s.KeyFormat.Name, s.ValueFormat.Name)
}

// equal compares what pointers point to.
func equal[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func sameAggregate(x, y *plan.Aggregate, exact bool) error {
	switch {
	case !sameExprs(x.Input, y.Input, keyExprs(x.Input), keyExprs(y.Input)):
		return fail("replace.not-allowed.group", "it groups by something else")
	case !equal(x.Window, y.Window):
		return fail("replace.not-allowed.window", "the window is another one, its GRACE and RETENTION included")
	case x.Final != y.Final:
		return fail("replace.not-allowed.window", "one of them is EMIT FINAL")
	}
	for i := range max(len(x.Calls), len(y.Calls)) {
		switch {
		case i >= len(x.Calls):
			return fail("replace.not-allowed.aggregate", "%s is new, and the rows that it would need are gone", callName(y, i))
		case i >= len(y.Calls):
			return fail("replace.not-allowed.aggregate", "%s is missing, which is stored", callName(x, i))
		case !sameCall(x, y, i):
			return fail("replace.not-allowed.aggregate", "%s is stored where it has %s", callName(x, i), callName(y, i))
		}
	}
	// Rows of a table are taken back when they change: by a condition that they did not pass then, or with values that were not added.
	return sameSteps(x.Input, y.Input, exact || x.Input.IsTable())
}

func sameCall(x, y *plan.Aggregate, i int) bool {
	c, d := &x.Calls[i], &y.Calls[i]
	return c.Name == d.Name && sameExprs(x.Input, y.Input, c.Args, d.Args) && slices.EqualFunc(c.Params, d.Params, types.Equal) &&
		slices.EqualFunc(c.Init, d.Init, func(a, b plan.Literal) bool { return types.Equal(a.T, b.T) && a.String() == b.String() })
}

// callName prints an aggregate over the columns of the source.
func callName(n *plan.Aggregate, i int) string {
	c := &n.Calls[i]
	var args []string
	for _, a := range c.Args {
		args = append(args, canonical(n.Input, a))
	}
	for j := range c.Init {
		args = append(args, c.Init[j].String())
	}
	return c.Name + "(" + shown(n, strings.Join(args, ", ")) + ")"
}

func sameJoin(x, y *plan.Join, exact bool) error {
	within := (x.Within == nil) == (y.Within == nil)
	if within && x.Within != nil {
		within = x.Within.Before == y.Within.Before && x.Within.After == y.Within.After && equal(x.Within.Grace, y.Within.Grace)
	}
	switch {
	case x.Kind != y.Kind || !within:
		return fail("replace.not-allowed.join", "it joins in another way")
	case !sameExprs(x.Left, y.Left, keyExprs(x.Left), keyExprs(y.Left)) || !sameExprs(x.Right, y.Right, keyExprs(x.Right), keyExprs(y.Right)):
		return fail("replace.not-allowed.join", "it joins on something else")
	}
	// Of a stream that is joined with a table nothing is stored.
	stored := x.Within != nil || x.Left.IsTable()
	if stored {
		if err := sameRows(x.Left, y.Left, "the left side of the join"); err != nil {
			return err
		}
	}
	if err := sameRows(x.Right, y.Right, "the right side of the join"); err != nil {
		return err
	}
	if err := sameSteps(x.Left, y.Left, exact || stored); err != nil {
		return err
	}
	return sameSteps(x.Right, y.Right, true)
}

func sameForeign(x, y *plan.ForeignKeyJoin) error {
	if x.Kind != y.Kind || !sameExprs(x.Left, y.Left, []plan.Expr{x.ForeignKey}, []plan.Expr{y.ForeignKey}) {
		return fail("replace.not-allowed.join", "it joins in another way, or on something else")
	}
	if err := sameRows(x.Left, y.Left, "the left side of the join"); err != nil {
		return err
	}
	if err := sameRows(x.Right, y.Right, "the right side of the join"); err != nil {
		return err
	}
	if err := sameSteps(x.Left, y.Left, true); err != nil {
		return err
	}
	return sameSteps(x.Right, y.Right, true)
}

// sameRows compares what is stored, or under way, of two nodes' rows.
func sameRows(x, y plan.Node, what string) error {
	a, b := columnExprs(x), columnExprs(y)
	if sameExprs(x, y, a, b) {
		return nil
	}
	return fail("replace.not-allowed.stored", "of %s it needs the columns %s, and stored are %s", what, columnNames(y, b), columnNames(x, a))
}
