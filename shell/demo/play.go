package demo

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// firstMinute is the event time of the first biopsy: one follows each second.
const firstMinute = 1_767_225_600_000 // 2026-01-01T00:00:00Z

// player writes the rows to the input topic, from where an earlier run left off.
type player struct {
	client *kafka.Client
	data   *dataset
	pace   time.Duration // between rows
}

// played counts the rows that are in the input topic.
func (p *player) played(ctx context.Context, topic string) (int, error) {
	total := int64(0)
	for part := range int32(partitions) {
		end, err := p.client.Offset(ctx, topic, part, kafka.Latest)
		if err != nil {
			return 0, err
		}
		total += end
	}
	return int(total), nil
}

// record gives row i its key, as Kafka's IntegerSerializer writes it, and event time.
func (p *player) record(i int, value []byte) (kafka.ProduceBatch, error) {
	id, err := strconv.ParseInt(p.data.rows[i].id, 10, 32)
	if err != nil {
		return kafka.ProduceBatch{}, fmt.Errorf("biopsy %d: %w", i, err)
	}
	key := binary.BigEndian.AppendUint32(nil, uint32(id))
	rec := kafka.Record{Timestamp: firstMinute + int64(i)*1000, Key: key, Value: value}
	return kafka.ProduceBatch{Partition: kafka.PartitionFor(key, partitions), Records: []kafka.Record{rec}}, nil
}

// labels fills the table of diagnoses; what is there is not written again.
func (p *player) labels(ctx context.Context) error {
	done, err := p.played(ctx, labelTopic)
	if err != nil {
		return err
	}
	return p.write(ctx, labelTopic, done, 0, func(b *biopsy) []byte { return fmt.Appendf(nil, `{"DIAGNOSIS":"%s"}`, b.diagnosis()) }, nil)
}

// play writes the remaining rows; note is told how many are there.
func (p *player) play(ctx context.Context, note func(int)) error {
	done, err := p.played(ctx, inputTopic)
	if err != nil {
		return err
	}
	note(done)
	return p.write(ctx, inputTopic, done, p.pace, p.data.json, note)
}

func (p *player) write(ctx context.Context, topic string, from int, pace time.Duration, value func(*biopsy) []byte, note func(int)) error {
	producer := p.client.NewProducer(kafka.ProducerConfig{})
	defer producer.Close()
	for i := from; i < len(p.data.rows); i++ {
		b, err := p.record(i, value(&p.data.rows[i]))
		if err != nil {
			return err
		}
		b.Topic = topic
		// In order and one at a time: a run that is interrupted leaves whole rows from the front.
		if err := producer.Produce(ctx, b); err != nil {
			return fmt.Errorf("play biopsy %d: %w", i, err)
		}
		if note != nil {
			note(i + 1)
		}
		if pace > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pace):
			}
		}
	}
	return nil
}
