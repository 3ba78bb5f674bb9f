package engine

import (
	"context"
	"strings"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/plan"
)

// startOffsets resolves where each source topic of a plan is read from: as auto.offset.reset says, tables always from the
// earliest record, since half a table is no table.
func (e *Engine) startOffsets(ctx context.Context, node plan.Node, props map[string]string, partitions partitions) (map[string][]int64, error) {
	reset, ok := props["auto.offset.reset"]
	if !ok {
		reset = e.property("auto.offset.reset")
	}
	start := map[string][]int64{}
	var failed error
	plan.Walk(node, func(n plan.Node) bool {
		src, ok := n.(*plan.Source)
		if !ok || failed != nil {
			return true
		}
		at := kafka.LastStable
		if src.Table || strings.EqualFold(reset, "earliest") {
			at = kafka.Earliest
		}
		if start[src.Topic] == nil || src.Table {
			start[src.Topic], failed = e.offsetsBy(ctx, partitions, src.Topic, at)
		}
		return true
	})
	return start, failed
}

// offsets asks for one position of every partition of a topic.
func (e *Engine) offsets(ctx context.Context, topic string, at kafka.At) ([]int64, error) {
	return e.offsetsBy(ctx, func(topic string) (int32, error) {
		info, err := e.kafka.DescribeTopic(topic)
		return info.Partitions, err
	}, topic, at)
}

// offsetsBy is offsets where somebody knows the partitions.
func (e *Engine) offsetsBy(ctx context.Context, partitions partitions, topic string, at kafka.At) ([]int64, error) {
	n, err := partitions(topic)
	if err != nil {
		return nil, err
	}
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	byPartition, err := e.kafka.Offsets(ctx, topic, all, at)
	if err != nil {
		return nil, err
	}
	out := make([]int64, n)
	for p, o := range byPartition {
		out[p] = o
	}
	return out, nil
}
