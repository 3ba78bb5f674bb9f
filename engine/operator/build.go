package operator

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
)

// Pipeline is the chain of operators of a task.
type Pipeline struct {
	// Readers are, for each of the sub-topology's inputs, the readers of its nodes.
	Readers [][]Reader
	// Stateful lists the operators to flush, upstream first.
	Stateful []Named
}

// Named is a stateful operator with the id of its plan node.
type Named struct {
	ID string
	Stateful
}

// Build makes the operators of a sub-topology.
func Build(env *Env) (*Pipeline, error) {
	b := &builder{env: env, p: &Pipeline{Readers: make([][]Reader, len(env.Sub.Inputs))}}
	if err := b.root(env.Sub.Root); err != nil {
		return nil, fmt.Errorf("build operators of %s: %w", env.Sub.ID, err)
	}
	slices.Reverse(b.p.Stateful)
	return b.p, nil
}

type builder struct {
	env *Env
	p   *Pipeline
}

func (b *builder) root(root plan.Node) error {
	switch n := root.(type) {
	case *plan.Sink:
		s, err := NewSink(n, b.env, !coalesced(n.Input))
		if err != nil {
			return err
		}
		b.stateful(n.ID, s)
		return b.node(n.Input, s)
	case *plan.Repartition:
		s, err := NewRepartitionSink(n, b.env)
		if err != nil {
			return err
		}
		return b.node(n.Input, s)
	case *plan.Result:
		return b.node(n.Input, NewResult(n, b.env))
	case *plan.Source:
		return b.source(n, nil)
	case *plan.ForeignKeyJoin:
		return b.foreignRight(n)
	}
	return fmt.Errorf("a %T cannot be the root of a sub-topology", root)
}

// coalesced says whether a node's updates are already at most one per key and commit.
func coalesced(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Aggregate:
		return n.Window == nil || n.Window.Kind != plan.Session
	case *plan.Project:
		return coalesced(n.Input)
	case *plan.Filter:
		return coalesced(n.Input)
	}
	return false
}

func (b *builder) stateful(id string, op Stateful) {
	b.p.Stateful = append(b.p.Stateful, Named{id, op})
}

// node builds the operator of a node, which pushes to next, and what feeds it.
func (b *builder) node(node plan.Node, next Operator) error {
	switch n := node.(type) {
	case *plan.Source:
		return b.source(n, next)
	case *plan.Repartition:
		return b.read(n, b.env.Sub.TopicOf(n), NewRepartitionSource(n, b.env, next))
	case *plan.Filter:
		return b.filter(n, next)
	case *plan.Project:
		p, err := NewProject(n, b.env, next)
		if err != nil {
			return err
		}
		return b.node(n.Input, p)
	case *plan.FlatMap:
		m, err := NewFlatMap(n, b.env, next)
		if err != nil {
			return err
		}
		return b.node(n.Input, m)
	case *plan.Rekey:
		r, err := NewRekey(n, b.env, next)
		if err != nil {
			return err
		}
		return b.node(n.Input, r)
	case *plan.Aggregate:
		return b.aggregate(n, next)
	case *plan.Join:
		return b.join(n, next)
	case *plan.ForeignKeyJoin:
		return b.foreignLeft(n, next)
	}
	return &topology.UnavailableError{What: fmt.Sprintf("a plan node of type %T", node)}
}

func (b *builder) filter(n *plan.Filter, next Operator) error {
	predicate, err := b.env.Compile(n, n.Predicate)
	if err != nil {
		return err
	}
	if n.IsTable() {
		return b.node(n.Input, NewFilterTable(predicate, b.env, next))
	}
	return b.node(n.Input, NewFilter(predicate, b.env, next))
}

func (b *builder) aggregate(n *plan.Aggregate, next Operator) error {
	if n.Window != nil && n.Window.Kind == plan.Session {
		a, err := NewSessionAggregate(n, b.env, next)
		if err != nil {
			return err
		}
		b.stateful(n.ID, a)
		return b.node(n.Input, a)
	}
	a, err := NewAggregate(n, b.env, next)
	if err != nil {
		return err
	}
	b.stateful(n.ID, a)
	return b.node(n.Input, a)
}

func (b *builder) join(n *plan.Join, next Operator) error {
	var left, right Operator
	var err error
	switch {
	case n.Within != nil:
		var j *StreamStreamJoin
		if j, left, right, err = NewStreamStreamJoin(n, b.env, next); err == nil {
			b.stateful(n.ID, j)
		}
	case n.Left.IsTable():
		left, right, err = NewTableTableJoin(n, b.env, next)
	default:
		left, right, err = NewStreamTableJoin(n, b.env, next)
	}
	if err != nil {
		return err
	}
	if err := b.node(n.Left, left); err != nil {
		return err
	}
	return b.node(n.Right, right)
}

func (b *builder) foreignLeft(n *plan.ForeignKeyJoin, next Operator) error {
	j, err := newForeignLeft(n, b.env, next)
	if err != nil {
		return err
	}
	_, topic := b.env.Sub.ForeignTopics(n)
	if err := b.read(n, topic, newMessages(answers{j}, b.env)); err != nil {
		return err
	}
	return b.node(n.Left, j)
}

func (b *builder) foreignRight(n *plan.ForeignKeyJoin) error {
	f, err := newForeignRight(n, b.env)
	if err != nil {
		return err
	}
	topic, _ := b.env.Sub.ForeignTopics(n)
	if err := b.read(n, topic, newMessages(subscribers{f}, b.env)); err != nil {
		return err
	}
	return b.node(n.Right, f)
}

func (b *builder) source(n *plan.Source, next Operator) error {
	if n.Table {
		m, err := NewMaterialize(n, b.env, next)
		if err != nil {
			return err
		}
		next = m
	}
	s, err := NewSource(n, b.env, next)
	if err != nil {
		return err
	}
	return b.read(n, n.Topic, s)
}

// read registers a reader with the input that its node reads.
func (b *builder) read(n plan.Node, topic string, r Reader) error {
	for i, in := range b.env.Sub.Inputs {
		if in.Topic == topic && slices.Contains(in.Nodes, n) {
			b.p.Readers[i] = append(b.p.Readers[i], r)
			return nil
		}
	}
	return fmt.Errorf("topic %s is not among the inputs", topic)
}
