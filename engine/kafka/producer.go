package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/IBM/sarama"
)

// Producer writes outside transactions, idempotently: within one flush a record is neither lost nor written twice.
// It is safe for concurrent use; callers wait for each other.
type Producer struct {
	mu    sync.Mutex
	s     *sender
	ready bool
}

// NewProducer prepares a producer; the first Flush talks to the broker.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer {
	return &Producer{s: newSender(c, cfg, nil)}
}

// Send collects records and sends what is full. Records are copied. An error is reported by Flush too.
func (p *Producer) Send(ctx context.Context, batches ...ProduceBatch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if !p.s.collect(batches) {
		return p.s.failed
	}
	defer p.s.interruptible(ctx)()
	p.s.seal()
	p.s.take()
	return p.s.push(ctx)
}

// Flush waits until everything sent so far is acknowledged. After an error it is not known which of the records since
// the last Flush were written; they are forgotten here, and the caller sends them again or gives up.
func (p *Producer) Flush(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flush(ctx)
}

func (p *Producer) flush(ctx context.Context) error {
	if !p.ready {
		return nil
	}
	err := p.s.flush(ctx)
	if err != nil {
		p.ready = false // a new identity for what follows: sequence numbers may be lost
	}
	return err
}

// Produce is Send and Flush in one step, for single records. A topic that was deleted and made anew counts sequence numbers
// from 0, and the embedded broker refuses all others: a single record, which then was surely not written, is sent again.
func (p *Producer) Produce(ctx context.Context, batches ...ProduceBatch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.produce(ctx, batches)
	if errors.Is(err, errRefusedSequence) && len(batches) == 1 && len(batches[0].Records) == 1 {
		return p.produce(ctx, batches) // with a new identity
	}
	return err
}

func (p *Producer) produce(ctx context.Context, batches []ProduceBatch) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	p.s.collect(batches)
	return p.flush(ctx)
}

// Discard forgets what was collected, and an error that Send returned. What is on the wire may still be written.
func (p *Producer) Discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = false
}

// Rest gives up the memory that is kept for later batches.
func (p *Producer) Rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.s.rest()
}

// End returns the position after the last record that this producer wrote to a partition since its last error.
func (p *Producer) End(topic string, partition int32) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.s.boxes[TopicPartition{topic, partition}]
	if o == nil || o.acked < 0 {
		return 0, false
	}
	return o.acked, true
}

func (p *Producer) prepare(ctx context.Context) error {
	if p.ready {
		return nil
	}
	var pause backoff
	for attempt := 0; ; attempt++ {
		who, err := p.identify()
		if err == nil {
			p.s.reset(who)
			p.ready = true
			return nil
		}
		if attempt == 20 || !retriableCoordinator(err) {
			return failure("get a producer id", "", producerClass(err), err)
		}
		if wait := pause.wait(ctx); wait != nil {
			return failure("get a producer id", "", nil, errors.Join(wait, err))
		}
		_ = p.s.c.meta.RefreshMetadata() // its failure shows in the next attempt
	}
}

// identify asks any broker for an identity of our own.
func (p *Producer) identify() (producerIdentity, error) {
	err := sarama.ErrOutOfBrokers
	for _, known := range p.s.c.meta.Brokers() {
		var b *sarama.Broker
		if b, err = p.s.links.to(known.Addr()); err != nil {
			continue
		}
		var r *sarama.InitProducerIDResponse
		if r, err = b.InitProducerID(&sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1}); err == nil {
			return producerIdentity{id: r.ProducerID, epoch: r.ProducerEpoch}, kafkaError(r.Err)
		}
		p.s.links.drop(known.Addr())
	}
	return producerIdentity{}, err
}

// Close drops the connections. What was not flushed may be lost.
func (p *Producer) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.s.links.close()
}
