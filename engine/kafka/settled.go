package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// settleTime bounds how long a new topic is waited for. A broker that has not heard of it by then is in trouble of its own.
const settleTime = 30 * time.Second

// awaitTopic waits until every partition of a new topic has a leader and every broker knows the topic. Brokers learn of topics from the
// controller one after the other (KIP-500); until then one of them answers "unknown topic" to whoever happens to ask it.
func (c *Client) awaitTopic(ctx context.Context, topic string, partitions int32) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	var pause backoff
	for {
		err := c.meta.RefreshMetadata(topic)
		for p := int32(0); err == nil && p < partitions; p++ {
			_, err = c.meta.Leader(topic, p)
		}
		if err == nil {
			err = c.knownEverywhere(topic, partitions)
		}
		if err == nil {
			return nil
		}
		if wait := pause.wait(ctx); wait != nil {
			return failure("wait for the leaders of topic", topic, nil, errors.Join(wait, err))
		}
	}
}

// knownEverywhere asks each broker for the topic. Brokers that do not answer are passed over: what is down is not asked by others either.
func (c *Client) knownEverywhere(topic string, partitions int32) error {
	brokers := c.meta.Brokers()
	if len(brokers) < 2 {
		return nil // the one broker was just asked
	}
	for _, b := range brokers {
		_ = b.Open(c.meta.Config()) // an error stands again in the request below
		answer, err := b.GetMetadata(sarama.NewMetadataRequest(c.meta.Config().Version, []string{topic}))
		if err != nil {
			continue
		}
		for _, t := range answer.Topics {
			if t.Err != sarama.ErrNoError || len(t.Partitions) < int(partitions) {
				return fmt.Errorf("broker %s does not know it yet: %w", b.Addr(), t.Err)
			}
		}
	}
	return nil
}
