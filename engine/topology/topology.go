// Package topology turns a logical plan into what tasks run: sub-topologies, the internal topics between and
// behind them, and the stores of their operators.
//
// A plan is cut at its Repartition nodes. Each piece is a SubTopology: it reads topics that are partitioned alike, and
// its partition n is one task. What a Repartition passes on travels through an internal topic, which the piece below
// it writes and the piece above it reads.
//
// Everything here follows from the plan and from the partition counts of the source topics. Names are made of the ids of
// the plan's nodes, which are stable when a statement is replaced, and are then kept with the query ([IDs]), so stores and topics keep their
// content. [TakeOver] says whether a query may go on with what another one kept.
package topology

import (
	"time"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/state"
)

// Topology is a query as the runtime sees it. It is immutable.
type Topology struct {
	Query string // query incarnation, which names internal topics
	Root  plan.Node
	// Subs holds the sub-topologies; one that feeds another through a repartition topic comes before it.
	Subs   []*SubTopology
	Topics []Topic // internal topics to create: repartition topics, then changelogs
	IDs    IDs
}

// SubTopology is a piece of a plan between topics. Its partitions are independent tasks.
type SubTopology struct {
	ID         string    // stable within the query: the id of its root node
	Root       plan.Node // Sink, Result, Repartition (which it writes), ForeignKeyJoin (its right half) or a materialised table Source
	Inputs     []Input   // by topic, in order of first use, left before right
	Stores     []Store
	Partitions int32
	// Output is the topic that a Sink or Repartition root writes, "" for others; OutputPartitions is its count, 0
	// if it is a sink's topic.
	Output           string
	OutputPartitions int32

	stores map[string]string
	old    map[plan.Node]bool
	from   map[plan.Node]string

	foreign map[*plan.ForeignKeyJoin][2]string
}

// Input is a topic that a sub-topology reads.
type Input struct {
	Topic string
	// Nodes read the topic: Source nodes (two only if two sources share it), or the one Repartition.
	Nodes []plan.Node
	// Internal says that the topic is a repartition topic of this query.
	Internal bool
	// Loop says that the topic's writer reads, in turn, what this sub-topology writes: it does not decide the number of
	// partitions. See ForeignTopics.
	Loop bool
}

// Store is the state of one operator. Spec.ID is stable within the query.
type Store struct {
	state.Spec
	Node      string        // id of the plan node that owns it
	Changelog string        // topic
	Size      time.Duration // of a Window store's windows, else 0
}

// Topic is an internal topic with the settings it is created with.
type Topic struct {
	Name       string
	Partitions int32
	Compact    bool // keep the last record of each key; else every record until it is trimmed
}

// Specs lists the stores as package state wants them.
func (s *SubTopology) Specs() []state.Spec {
	specs := make([]state.Spec, len(s.Stores))
	for i := range s.Stores {
		specs[i] = s.Stores[i].Spec
	}
	return specs
}

// StoreID gives the id of the store that a node's operator uses in the role ("" for nodes with one store).
func (s *SubTopology) StoreID(node, role string) (string, bool) {
	id, ok := s.stores[node+"/"+role]
	return id, ok
}

// WantsOld says whether the operator of the node must tell the old values of changed rows to its reader.
func (s *SubTopology) WantsOld(n plan.Node) bool { return s.old[n] }

// TopicOf is the topic that carries a Repartition node's rows.
func (s *SubTopology) TopicOf(n *plan.Repartition) string { return s.from[n] }
