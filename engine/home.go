package engine

import (
	"fmt"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// anyPartition says that a key may be in any partition of its table.
const anyPartition = -1

// home finds the partition in which a key's rows are kept. That is known where the query itself spread its rows by the key, through
// repartition topics. The topic of a source was filled by others, who may have another rule than Kafka's own for which partition a key
// belongs to: such keys are looked for everywhere.
func (t *tablePull) home(values []any) (int32, error) {
	var spread *plan.Repartition
	for _, in := range t.sub.Inputs {
		if in.Loop {
			continue
		}
		r, ok := in.Nodes[0].(*plan.Repartition)
		if !ok {
			return anyPartition, nil
		}
		spread = r
	}
	if spread == nil {
		return anyPartition, nil
	}
	var cols []format.Column
	var key []*vector.Vector
	for _, c := range spread.Out {
		if c.Role == plan.Key {
			cols = append(cols, format.Column{Name: c.Name, Type: c.Type, Target: len(key)})
			key = append(key, vector.New(c.Type))
		}
	}
	if len(key) != len(values) {
		return anyPartition, nil
	}
	for i, v := range values {
		key[i].Append(v)
	}
	enc, err := format.NewEncoder(spread.KeyFormat, cols, format.Options{Key: true})
	if err != nil {
		return anyPartition, fmt.Errorf("make key encoder of %s: %w", spread.ID, err)
	}
	text, err := enc.Append(nil, key, 0)
	if err != nil {
		return anyPartition, fmt.Errorf("encode a key of %s: %w", spread.ID, err)
	}
	return kafka.PartitionFor(text, t.sub.Partitions), nil
}

// partitions lists those in which rows can be.
func (t *tablePull) partitions() []int32 {
	wanted := map[int32]bool{}
	for _, l := range t.lookups {
		wanted[l.home] = true
	}
	var list []int32
	for p := range t.sub.Partitions {
		if wanted[anyPartition] || wanted[p] {
			list = append(list, p)
		}
	}
	return list
}
