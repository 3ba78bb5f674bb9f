package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
)

// partitions tells how many partitions a topic has.
type partitions func(topic string) (int32, error)

// partitions tells what holds now. All topics that a plan reads are asked for with one request, when the first is wanted: a broker answers a
// connection's requests one after the other, and a statement waits for each.
func (e *Engine) partitions(node plan.Node) partitions {
	var known map[string]kafka.TopicInfo
	return func(topic string) (int32, error) {
		if known == nil {
			var topics []string
			plan.Walk(node, func(n plan.Node) bool {
				if src, ok := n.(*plan.Source); ok && !slices.Contains(topics, src.Topic) {
					topics = append(topics, src.Topic)
				}
				return true
			})
			infos, err := e.kafka.DescribeTopics(topics...)
			if err != nil {
				return 0, err
			}
			known = infos
		}
		if info, ok := known[topic]; ok {
			return info.Partitions, nil
		}
		info, err := e.kafka.DescribeTopic(topic) // which says that it is not there
		return info.Partitions, err
	}
}

// PartitionsError says that a query cannot go on since one of its topics has other partitions than when it was made.
type PartitionsError struct {
	Topic     string
	Had, Have int32
}

func (e *PartitionsError) Error() string {
	if e.Have < e.Had {
		return fmt.Sprintf("topic %s has %d partitions and had %d when the query was made: it is another topic now; drop the query and create it again",
			e.Topic, e.Have, e.Had)
	}
	return fmt.Sprintf("topic %s has %d partitions and had %d when the query was made: rows of one key may now come where their state is not; drop the query and create it again",
		e.Topic, e.Have, e.Had)
}

// partitioned cuts a query's plan by the partitions that its topics have now, and says where they are read from. A query without state
// takes new partitions, from their first record; any other refuses them.
func (e *Engine) partitioned(q *command.Query, node plan.Node) (*topology.Topology, map[string][]int64, error) {
	partitions := e.partitions(node)
	start, err := newPartitions(q.Start, partitions)
	if err != nil {
		return nil, nil, err
	}
	t, err := e.named(q.Runs(), node, q.IDs, partitions)
	if err == nil && stateless(t) {
		return t, start, nil
	}
	for topic, had := range q.Start {
		if have := len(start[topic]); have != len(had) {
			return nil, nil, &PartitionsError{topic, int32(len(had)), int32(have)}
		}
	}
	return t, start, err
}

// stateless says that each row of a query depends on one record alone.
func stateless(t *topology.Topology) bool {
	return len(t.Topics) == 0 && !slices.ContainsFunc(t.Subs, func(s *topology.SubTopology) bool { return len(s.Stores) > 0 })
}

// newPartitions adds the first offsets of partitions that topics did not have. Topics never lose partitions.
func newPartitions(start map[string][]int64, partitions partitions) (map[string][]int64, error) {
	out := make(map[string][]int64, len(start))
	for topic, offsets := range start {
		have, err := partitions(topic)
		if err != nil {
			return nil, err
		}
		if int(have) < len(offsets) {
			return nil, &PartitionsError{topic, int32(len(offsets)), have}
		}
		out[topic] = append(slices.Clone(offsets), make([]int64, int(have)-len(offsets))...)
	}
	return out, nil
}
