package topology

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/state"
)

// Options say what Build needs to know beside the plan.
type Options struct {
	Service string // service id
	Query   string // query incarnation
	// Partitions counts the partitions of a source topic.
	Partitions func(topic string) (int32, error)
	// IDs are the names that the query's command holds; nil: it has none yet.
	IDs *IDs
}

// UnavailableError refuses a plan that holds a node no operator exists for.
type UnavailableError struct{ What string }

func (e *UnavailableError) Error() string { return e.What + " cannot be run yet" }

// Rule is the stable code of the refusal.
func (e *UnavailableError) Rule() string { return "operator.unavailable" }

// Build makes the topology of a plan, whose root is a Sink, a Result, or the Source of a table to materialise.
func Build(root plan.Node, o Options) (*Topology, error) {
	b := &builder{o: o, topo: &Topology{Query: o.Query, Root: root, IDs: IDs{Stores: map[string]string{}, Topics: map[string]string{}}}}
	if err := b.cut(root); err != nil {
		return nil, fmt.Errorf("build topology of %s: %w", o.Query, err)
	}
	if err := b.checkNames(); err != nil {
		return nil, err
	}
	if err := b.countPartitions(); err != nil {
		return nil, fmt.Errorf("build topology of %s: %w", o.Query, err)
	}
	b.listTopics()
	return b.topo, nil
}

type builder struct {
	o    Options
	topo *Topology

	missing []string // names that Options.IDs does not hold
}

func (b *builder) internal(node, kind string) string {
	return b.named(topicNames, node+"/"+kind, "_millrace-"+b.o.Service+"-"+b.o.Query+"-"+node+"-"+kind)
}

// cut makes the sub-topology that ends in root, after those that feed it.
func (b *builder) cut(root plan.Node) error {
	s := b.newSub(plan.IDOf(root), root)
	var err error
	switch n := root.(type) {
	case *plan.Sink:
		s.Output = n.Topic
		err = b.walk(s, n.Input, false)
	case *plan.Result:
		err = b.walk(s, n.Input, false)
	case *plan.Repartition:
		s.Output = b.internal(n.ID, "repartition")
		err = b.walk(s, n.Input, n.IsTable())
	case *plan.Source:
		err = b.walk(s, n, true)
	default:
		err = fmt.Errorf("a %T cannot be the root of a plan", root)
	}
	if err != nil {
		return err
	}
	if len(s.Inputs) > 1 {
		for _, in := range s.Inputs {
			if len(in.Nodes) > 1 {
				return &UnavailableError{"a join of three or more sources, two of them over topic " + in.Topic + ","}
			}
		}
	}
	b.topo.Subs = append(b.topo.Subs, s)
	return nil
}

func (b *builder) newSub(id string, root plan.Node) *SubTopology {
	return &SubTopology{
		ID: id, Root: root, stores: map[string]string{}, old: map[plan.Node]bool{}, from: map[plan.Node]string{},
		foreign: map[*plan.ForeignKeyJoin][2]string{},
	}
}

// walk adds the node and what it reads to s. old says that the node's reader needs the old values of changed rows.
func (b *builder) walk(s *SubTopology, node plan.Node, old bool) error {
	if old && node.IsTable() {
		s.old[node] = true
	}
	switch n := node.(type) {
	case *plan.Source:
		s.addInput(n.Topic, n, false)
		if n.Table && (old || n.Materialized && s.queryable(n)) {
			b.addStore(s, Store{Node: n.ID, Spec: state.Spec{Kind: state.KeyValue}}, "")
		}
		return nil
	case *plan.Repartition:
		topic := b.internal(n.ID, "repartition")
		s.addInput(topic, n, true)
		s.from[n] = topic
		return b.cut(n)
	case *plan.Filter:
		return b.walk(s, n.Input, n.IsTable())
	case *plan.Project:
		return b.walk(s, n.Input, old)
	case *plan.FlatMap:
		return b.walk(s, n.Input, false)
	case *plan.Rekey:
		return b.walk(s, n.Input, false)
	case *plan.Aggregate:
		return b.aggregate(s, n)
	case *plan.Join:
		return b.join(s, n)
	case *plan.ForeignKeyJoin:
		return b.foreignKey(s, n, old)
	default:
		return &UnavailableError{fmt.Sprintf("a plan node of type %T", node)}
	}
}

func (b *builder) aggregate(s *SubTopology, n *plan.Aggregate) error {
	switch w := n.Window; {
	case w == nil:
		b.addStore(s, Store{Node: n.ID, Spec: state.Spec{Kind: state.KeyValue}}, "")
	case w.Kind == plan.Session:
		b.addStore(s, Store{Node: n.ID, Spec: state.Spec{Kind: state.Session, Retention: keep(w, n.Final)}}, "")
	default:
		b.addStore(s, Store{Node: n.ID, Spec: state.Spec{Kind: state.Window, Retention: keep(w, n.Final)}, Size: w.Size}, "")
	}
	return b.walk(s, n.Input, n.Input.IsTable())
}

// keep is the retention of a window's store: what the statement says, else as long as late rows may come.
func keep(w *plan.Window, final bool) state.Retention {
	return state.Retention{Millis: max(w.Retention, w.Size+w.Grace).Milliseconds(), Final: final}
}

func (b *builder) join(s *SubTopology, n *plan.Join) error {
	table := Store{Node: n.ID, Spec: state.Spec{Kind: state.KeyValue}}
	switch {
	case n.Within != nil:
		keep := n.Within.Before + n.Within.After + joinGrace(n.Within)
		side := Store{Node: n.ID, Spec: state.Spec{Kind: state.Join, Retention: state.Retention{Millis: keep.Milliseconds()}}}
		b.addStore(s, side, "left")
		b.addStore(s, side, "right")
		if n.Within.Grace != nil && n.Kind != plan.Inner {
			b.addStore(s, table, "outer")
		}
	case n.Left.IsTable():
		b.addStore(s, table, "left")
		b.addStore(s, table, "right")
		if s.queryable(n) {
			b.addStore(s, table, "")
		}
	default:
		b.addStore(s, table, "right")
	}
	if err := b.walk(s, n.Left, false); err != nil {
		return err
	}
	return b.walk(s, n.Right, false)
}

// joinGrace is how late a row of a stream-stream join may come; without a GRACE clause ksqlDB's eager default.
func joinGrace(w *plan.Within) time.Duration {
	if w.Grace != nil {
		return *w.Grace
	}
	return max(24*time.Hour-2*w.Before, 0)
}

// queryable says whether pull queries of the sink read the node's own store: nothing between them changes which rows there are
// but filters.
func (s *SubTopology) queryable(n plan.Node) bool {
	sink, ok := s.Root.(*plan.Sink)
	if !ok {
		return false
	}
	for node := sink.Input; ; {
		switch x := node.(type) {
		case *plan.Project:
			node = x.Input
		case *plan.Filter:
			node = x.Input
		default:
			return node == n
		}
	}
}

func (s *SubTopology) addInput(topic string, n plan.Node, internal bool) {
	for i := range s.Inputs {
		if s.Inputs[i].Topic == topic {
			s.Inputs[i].Nodes = append(s.Inputs[i].Nodes, n)
			return
		}
	}
	s.Inputs = append(s.Inputs, Input{Topic: topic, Nodes: []plan.Node{n}, Internal: internal})
}

// addStore adds a store of st.Node in a role, "" for nodes with one store.
func (b *builder) addStore(s *SubTopology, st Store, role string) {
	st.ID = st.Node
	if role != "" {
		st.ID += "-" + role
	}
	st.ID = b.named(storeNames, st.Node+"/"+role, st.ID)
	st.Changelog = b.internal(st.ID, "changelog")
	s.stores[st.Node+"/"+role] = st.ID
	s.Stores = append(s.Stores, st)
}
