package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// settleTime bounds how long a new topic is waited for. A broker that has not heard of it by then is in trouble of its own.
const settleTime = 30 * time.Second

// awaitTopics waits until every broker knows new topics, and a leader of each of their partitions. Brokers learn of topics from the
// controller one after the other (KIP-500); until then one of them answers "unknown topic" to whoever happens to ask it. That is a matter of
// milliseconds, so it is asked often; the client's own metadata, which would wait longer, is read when it is over.
func (c *Client) awaitTopics(ctx context.Context, partitions map[string]int32) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	topics := slices.Sorted(maps.Keys(partitions))
	pause := backoff{least: 2 * time.Millisecond, most: 20 * time.Millisecond}
	for {
		err := c.knownEverywhere(topics, partitions)
		if err == nil {
			err = c.meta.RefreshMetadata(topics...)
		}
		if err == nil {
			return nil
		}
		if wait := pause.wait(ctx); wait != nil {
			return failure("wait for the leaders of topics", fmt.Sprint(topics), nil, errors.Join(wait, err))
		}
	}
}

// knownEverywhere asks each broker for topics. Brokers that do not answer are passed over: what is down is not asked by others either.
func (c *Client) knownEverywhere(topics []string, partitions map[string]int32) error {
	for _, b := range c.meta.Brokers() {
		_ = b.Open(c.meta.Config()) // an error stands again in the request below
		answer, err := b.GetMetadata(sarama.NewMetadataRequest(c.meta.Config().Version, topics))
		if err != nil {
			continue
		}
		for _, t := range answer.Topics {
			if t.Err != sarama.ErrNoError {
				return fmt.Errorf("broker %s does not know topic %s yet: %w", b.Addr(), t.Name, t.Err)
			}
			lost := slices.ContainsFunc(t.Partitions, func(p *sarama.PartitionMetadata) bool { return p.Err == sarama.ErrLeaderNotAvailable })
			if lost || len(t.Partitions) < int(partitions[t.Name]) {
				return fmt.Errorf("broker %s does not know the leaders of topic %s yet", b.Addr(), t.Name)
			}
		}
	}
	return nil
}
