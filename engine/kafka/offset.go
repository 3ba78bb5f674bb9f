package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// At says which offset of a partition is meant: one of the constants, or a timestamp in milliseconds since the epoch,
// meaning the first record at or after it.
type At int64

// The ends of a log.
const (
	Earliest   At = -2 // the first offset that still exists
	Latest     At = -1 // after the last replicated record, decided or not
	LastStable At = -3 // after the last record whose transaction is decided: where committed readers end
)

// Offset is Offsets for one partition.
func (c *Client) Offset(ctx context.Context, topic string, partition int32, at At) (int64, error) {
	m, err := c.Offsets(ctx, topic, []int32{partition}, at)
	if err != nil {
		return 0, err
	}
	return m[partition], nil
}

// Offsets asks the leaders for offsets of several partitions. For a timestamp after the last record it is -1.
// While leaders move it tries again, for at most half a minute.
func (c *Client) Offsets(ctx context.Context, topic string, partitions []int32, at At) (map[int32]int64, error) {
	return c.offsetsOn(ctx, nil, topic, partitions, at)
}

// offsetsOn is Offsets over somebody's own connections; nil: over those that all share.
func (c *Client) offsetsOn(ctx context.Context, own *links, topic string, partitions []int32, at At) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out := map[int32]int64{}
	var pause backoff
	for began := time.Now(); ; {
		err := c.offsets(own, topic, partitions, at, out)
		if err == nil {
			return out, nil
		}
		class := error(nil)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			class = ErrUnknownTopic
		}
		if class != nil && time.Since(began) > unknownTopicPatience || !stale(err) && !transport(err) {
			return nil, failure("read offsets of", topic, class, err)
		}
		if wait := pause.wait(ctx); wait != nil {
			return nil, failure("read offsets of", topic, class, errors.Join(wait, err))
		}
		_ = c.meta.RefreshMetadata(topic) // its failure shows in the next attempt
	}
}

// offsets makes one attempt for all partitions that out does not have yet.
func (c *Client) offsets(own *links, topic string, partitions []int32, at At, out map[int32]int64) error {
	reqs := map[*sarama.Broker]*sarama.OffsetRequest{}
	for _, p := range partitions {
		if _, ok := out[p]; ok {
			continue
		}
		b, err := c.meta.Leader(topic, p)
		if err == nil && own != nil {
			b, err = own.to(b.Addr())
		}
		if err != nil {
			return err
		}
		if reqs[b] == nil {
			reqs[b] = sarama.NewOffsetRequest(c.conf.Version)
		}
		when := int64(at)
		if at == LastStable {
			reqs[b].IsolationLevel, when = sarama.ReadCommitted, sarama.OffsetNewest
		}
		reqs[b].AddBlock(topic, p, when, 1)
	}
	var failed error
	for b, req := range reqs {
		resp, err := b.GetAvailableOffsets(req)
		if err != nil {
			if own != nil {
				own.drop(b.Addr())
			} else {
				_ = b.Close()
			}
			failed = err
			continue
		}
		for p, block := range resp.Blocks[topic] {
			if err := kafkaError(block.Err); err != nil {
				failed = err
				continue
			}
			out[p] = block.Offset
		}
	}
	if failed == nil && len(out) < len(partitions) {
		failed = sarama.ErrIncompleteResponse
	}
	return failed
}

// CommitOffsets stores positions under a group without members, for the lag tools of users. They mean nothing to the
// engine, and are lost when the broker forgets idle groups.
func (c *Client) CommitOffsets(ctx context.Context, group string, positions map[TopicPartition]int64) error {
	var pause backoff
	for attempt := 0; ; attempt++ {
		err := c.commitOffsets(group, positions)
		if err == nil {
			return nil
		}
		if attempt == 10 || !retriableCoordinator(err) {
			return failure("commit offsets of group", group, nil, err)
		}
		if wait := pause.wait(ctx); wait != nil {
			return failure("commit offsets of group", group, nil, errors.Join(wait, err))
		}
		_ = c.meta.RefreshCoordinator(group) // its failure shows in the next attempt
	}
}

func (c *Client) commitOffsets(group string, positions map[TopicPartition]int64) error {
	b, err := c.meta.Coordinator(group)
	if err != nil {
		return err
	}
	req := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: group, ConsumerGroupGeneration: sarama.GroupGenerationUndefined}
	for tp, offset := range positions {
		req.AddBlockWithLeaderEpoch(tp.Topic, tp.Partition, offset, -1, 0, "")
	}
	resp, err := b.CommitOffset(req)
	if err != nil {
		_ = b.Close()
		return err
	}
	for topic, list := range resp.Errors {
		for p, e := range list {
			if e != sarama.ErrNoError {
				return failure("commit offset of", TopicPartition{topic, p}.String(), nil, e)
			}
		}
	}
	return nil
}

// CommittedOffsets reads what CommitOffsets stored; partitions without a stored offset are left out.
func (c *Client) CommittedOffsets(group string, partitions ...TopicPartition) (map[TopicPartition]int64, error) {
	ask := map[string][]int32{}
	for _, tp := range partitions {
		ask[tp.Topic] = append(ask[tp.Topic], tp.Partition)
	}
	out := map[TopicPartition]int64{}
	resp, err := c.admin.ListConsumerGroupOffsets(group, ask)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return out, nil // some brokers say so where others return no offset
	}
	if err != nil {
		return nil, failure("read offsets of group", group, nil, err)
	}
	for _, tp := range partitions {
		if block := resp.GetBlock(tp.Topic, tp.Partition); block != nil && block.Err == sarama.ErrNoError && block.Offset >= 0 {
			out[tp] = block.Offset
		}
	}
	return out, nil
}
