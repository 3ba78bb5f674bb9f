package simtest

import (
	"context"
	"errors"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// NewProducer implements [cluster.Broker].
func (c *Conn) NewProducer(kafka.ProducerConfig) cluster.PlainProducer {
	return &plainProducer{c: c, ends: map[kafka.TopicPartition]int64{}}
}

// plainProducer implements [cluster.PlainProducer]: after an error it is not known which records were written, and those that were not are
// forgotten.
type plainProducer struct {
	c      *Conn
	unsent []kafka.ProduceBatch
	ends   map[kafka.TopicPartition]int64
}

func (p *plainProducer) Close()   {}
func (p *plainProducer) Discard() { p.unsent = nil }

// Rest implements [cluster.Producer].
func (p *plainProducer) Rest() {}

func (p *plainProducer) Send(_ context.Context, batches ...kafka.ProduceBatch) error {
	p.unsent = append(p.unsent, copied(batches)...)
	return nil
}

func (p *plainProducer) Flush(ctx context.Context) error {
	unsent := p.unsent
	p.unsent = nil
	for _, b := range unsent {
		const point = "produce plainly"
		way, err := p.c.request(ctx, point, partitionName(b.Topic, b.Partition), Refused, Lost, Told, Torn, DieBefore, DieAfter)
		if err != nil {
			return err
		}
		if way == Torn {
			b.Records = b.Records[:len(b.Records)/2]
		}
		end, err := p.c.log.Produce(b)
		if err != nil {
			return err
		}
		if way == Torn {
			return errors.Join(kafka.ErrUnknownOutcome, errInjected)
		}
		p.ends[kafka.TopicPartition{Topic: b.Topic, Partition: b.Partition}] = end
		if err := p.c.after(point, way); err != nil {
			return err
		}
	}
	return nil
}

func (p *plainProducer) End(topic string, partition int32) (int64, bool) {
	end, ok := p.ends[kafka.TopicPartition{Topic: topic, Partition: partition}]
	return end, ok
}
