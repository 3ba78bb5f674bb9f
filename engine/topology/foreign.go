package topology

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/state"
)

// A foreign-key join takes two sub-topologies. The one of the left table, where the join stands in the plan, sends a
// subscription for each row to the one of the right table, by the right table's key; that one, whose root is the
// join node too, answers with its row, now and whenever the row changes, to the left row's partition.

// ForeignTopics are the topics of a foreign-key join, subscriptions and answers.
func (s *SubTopology) ForeignTopics(n *plan.ForeignKeyJoin) (subscriptions, answers string) {
	t := s.foreign[n]
	return t[0], t[1]
}

// foreignKey adds the left half of a foreign-key join to s, and cuts its right half off.
func (b *builder) foreignKey(s *SubTopology, n *plan.ForeignKeyJoin, old bool) error {
	topics := [2]string{b.internal(n.ID, "subscription"), b.internal(n.ID, "answer")}
	s.foreign[n] = topics
	table := Store{Node: n.ID, Spec: state.Spec{Kind: state.KeyValue}}
	b.addStore(s, table, "left")
	if old || s.queryable(n) {
		b.addStore(s, table, "")
	}
	right := b.newSub(n.ID, n)
	right.foreign[n] = topics
	right.Output = topics[1]
	b.addStore(right, table, "right")
	b.addStore(right, table, "subscriptions")
	if err := b.walk(right, n.Right, false); err != nil {
		return err
	}
	right.addLoop(topics[0], n)
	b.topo.Subs = append(b.topo.Subs, right)
	if err := b.walk(s, n.Left, false); err != nil {
		return err
	}
	s.addLoop(topics[1], n)
	return nil
}

// addLoop adds an input that two sub-topologies send each other's way. It has as many partitions as its reader, whatever
// its writer has.
func (s *SubTopology) addLoop(topic string, n plan.Node) {
	s.Inputs = append(s.Inputs, Input{Topic: topic, Nodes: []plan.Node{n}, Internal: true, Loop: true})
}

// ForeignKeyFormat is the format of the key that a foreign-key join's right table is partitioned by.
func ForeignKeyFormat(n *plan.ForeignKeyJoin) plan.Format {
	node := n.Right
	for {
		switch x := node.(type) {
		case *plan.Source:
			return x.KeyFormat
		case *plan.Repartition:
			return x.KeyFormat
		default:
			node = node.Inputs()[0]
		}
	}
}
