package topology

import (
	"fmt"
)

// PartitionError refuses inputs that are read together but are not partitioned alike.
type PartitionError struct {
	TopicA, TopicB           string
	PartitionsA, PartitionsB int32
}

func (e *PartitionError) Error() string {
	return fmt.Sprintf("topics %s and %s are read together but have %d and %d partitions",
		e.TopicA, e.TopicB, e.PartitionsA, e.PartitionsB)
}

// Rule is the stable code of the refusal.
func (e *PartitionError) Rule() string { return "join.partitions" }

// countPartitions gives every sub-topology as many tasks as its inputs have partitions. A source topic's count is given, and repartition
// topics that are read with it follow it; among themselves they take the largest count of what feeds them. Subs are in order of
// flow, so one pass is enough.
func (b *builder) countPartitions() error {
	writers := map[string]*SubTopology{}
	for _, s := range b.topo.Subs {
		fixed := ""
		for _, in := range s.Inputs {
			if in.Internal {
				continue
			}
			n, err := b.o.Partitions(in.Topic)
			if err != nil {
				return fmt.Errorf("count the partitions of %s: %w", in.Topic, err)
			}
			if fixed != "" && n != s.Partitions {
				return &PartitionError{fixed, in.Topic, s.Partitions, n}
			}
			fixed, s.Partitions = in.Topic, n
		}
		for _, in := range s.Inputs {
			if in.Internal && !in.Loop && fixed == "" {
				s.Partitions = max(s.Partitions, writers[in.Topic].Partitions)
			}
		}
		writers[s.Output] = s
	}
	for _, s := range b.topo.Subs {
		for _, in := range s.Inputs {
			if w := writers[in.Topic]; in.Internal && w != nil {
				w.OutputPartitions = s.Partitions
			}
		}
	}
	return nil
}

// listTopics lists the internal topics: repartition topics keep everything until the engine trims them; a changelog holds the last
// value of each key. Windows leave it by tombstones when stream time has passed them, never by the broker's clock: that would
// delete open windows of a query that lags.
func (b *builder) listTopics() {
	t := b.topo
	for _, s := range t.Subs {
		for _, in := range s.Inputs {
			if in.Internal {
				t.Topics = append(t.Topics, Topic{Name: in.Topic, Partitions: s.Partitions})
			}
		}
	}
	for _, s := range t.Subs {
		for _, st := range s.Stores {
			t.Topics = append(t.Topics, Topic{Name: st.Changelog, Partitions: s.Partitions, Compact: true})
		}
	}
}
