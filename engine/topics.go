package engine

import (
	"context"

	"github.com/millrace/millrace/engine/kafka"
)

// topicLookup answers what the analyzer and SHOW TOPICS ask about Kafka's topics.
type topicLookup struct{ client *kafka.Client }

// Lookup implements analyzer.Topics.
func (t topicLookup) Lookup(topic string) (partitions int32, replicas int16, ok bool, err error) {
	m, err := t.client.DescribeTopics(topic)
	if err != nil {
		return 0, 0, false, err
	}
	info, ok := m[topic]
	return info.Partitions, info.Replicas, ok, nil
}

// List gives all topics that are not Kafka's own.
func (t topicLookup) List(context.Context) ([]kafka.TopicInfo, error) {
	all, err := t.client.ListTopics()
	if err != nil {
		return nil, err
	}
	list := all[:0]
	for _, info := range all {
		if !info.Internal {
			list = append(list, info)
		}
	}
	return list, nil
}

// Kafka is the engine's connection to its brokers, for programs that embed the engine and write or read topics themselves. It
// lives as long as the engine.
func (e *Engine) Kafka() *kafka.Client { return e.kafka }
