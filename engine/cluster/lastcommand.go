package cluster

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/engine/kafka"
)

// LastCommand is the offset below which the tasks of a service have seen the command log, by the records of its slots; 0 if there are none.
// Whoever takes a slot over waits until it has read as far.
func LastCommand(ctx context.Context, c *kafka.Client, service string) (int64, error) {
	topics, err := c.DescribeTopics(SlotsTopic(service))
	if err != nil {
		return 0, err
	}
	s := &Service{cfg: Config{Service: service}, broker: OnKafka(c)}
	last := int64(0)
	for n := range topics[SlotsTopic(service)].Partitions {
		records, err := s.readSlot(ctx, n)
		if err != nil {
			return 0, err
		}
		for key, value := range records {
			rec, err := decodeRecord(value)
			if err != nil {
				return 0, fmt.Errorf("slots record %s: %w", key, err)
			}
			last = max(last, rec.Command)
		}
	}
	return last, nil
}
