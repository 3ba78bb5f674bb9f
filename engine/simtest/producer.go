package simtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// NewTxnProducer implements [cluster.Broker].
func (c *Conn) NewTxnProducer(cfg kafka.TxnConfig) cluster.TxnProducer {
	return &txnProducer{c: c, id: cfg.ID}
}

// txnProducer implements [cluster.TxnProducer] with the rules of kafka.TxnProducer: after an unknown outcome, or when it was fenced,
// only Init is allowed; what Flush has not sent is forgotten by Init.
type txnProducer struct {
	c      *Conn
	id     string
	epoch  int
	ready  bool
	open   bool
	failed bool // the transaction can only be aborted
	unsent []kafka.ProduceBatch
	ends   map[kafka.TopicPartition]int64
}

func (p *txnProducer) Close()     {}
func (p *txnProducer) Open() bool { return p.open || len(p.unsent) > 0 }

// Rest implements [cluster.Producer].
func (p *txnProducer) Rest() {}

func (p *txnProducer) Init(ctx context.Context) error {
	const point = "init"
	p.ready, p.open, p.failed, p.unsent, p.ends = false, false, false, nil, map[kafka.TopicPartition]int64{}
	way, err := p.c.request(ctx, point, p.id, Lost, Told, DieBefore, DieAfter)
	if err != nil {
		return notClassed(err)
	}
	p.epoch = p.c.log.initialize(p.id)
	if err := p.c.after(point, way); err != nil {
		return notClassed(err)
	}
	p.ready = true
	return nil
}

// notClassed makes an error one that says nothing of its class: a failed take-over has done no harm.
func notClassed(err error) error { return fmt.Errorf("%w: %s", errInjected, err.Error()) }

func (p *txnProducer) usable(op string) error {
	if p.ready {
		return nil
	}
	return fmt.Errorf("%s: %w: the producer must be initialized first", op, kafka.ErrUnknownOutcome)
}

func (p *txnProducer) Send(_ context.Context, batches ...kafka.ProduceBatch) error {
	if err := p.usable("send"); err != nil {
		return err
	}
	p.unsent = append(p.unsent, copied(batches)...)
	return nil
}

// copied owns the bytes of batches, and leaves out those without records.
func copied(batches []kafka.ProduceBatch) (out []kafka.ProduceBatch) {
	for _, b := range batches {
		if len(b.Records) == 0 {
			continue
		}
		records := make([]kafka.Record, len(b.Records))
		for i, r := range b.Records {
			records[i] = kafka.Record{Timestamp: r.Timestamp, Key: clone(r.Key), Value: clone(r.Value), Headers: slices.Clone(r.Headers)}
		}
		out = append(out, kafka.ProduceBatch{Topic: b.Topic, Partition: b.Partition, Records: records})
	}
	return out
}

func (p *txnProducer) Flush(ctx context.Context) error {
	if err := p.usable("flush"); err != nil {
		return err
	}
	if p.failed {
		return fmt.Errorf("flush: %w", kafka.ErrAbortable)
	}
	unsent := p.unsent
	p.unsent = nil
	for _, b := range unsent {
		if err := p.write(ctx, b); err != nil {
			if errors.Is(err, kafka.ErrAbortable) {
				p.failed = true
			} else {
				p.ready = false
			}
			return err
		}
	}
	return nil
}

func (p *txnProducer) write(ctx context.Context, b kafka.ProduceBatch) error {
	const point = "produce"
	p.open = true
	way, err := p.c.request(ctx, point, p.id, Refused, Lost, Told, Fenced, Torn, DieBefore, DieAfter)
	if err != nil {
		return err
	}
	if way == Torn {
		b.Records = b.Records[:len(b.Records)/2]
	}
	end, err := p.c.log.write(p.id, p.epoch, b)
	if err != nil {
		return err
	}
	if way == Torn {
		return fmt.Errorf("produce: %w: %w", kafka.ErrAbortable, errInjected)
	}
	p.ends[kafka.TopicPartition{Topic: b.Topic, Partition: b.Partition}] = end
	return p.c.after(point, way)
}

func (p *txnProducer) End(topic string, partition int32) (int64, bool) {
	end, ok := p.ends[kafka.TopicPartition{Topic: topic, Partition: partition}]
	return end, ok
}

func (p *txnProducer) Commit(ctx context.Context) error {
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return p.end(ctx, true)
}

func (p *txnProducer) Abort(ctx context.Context) error {
	if err := p.usable("abort"); err != nil {
		return err
	}
	if p.failed || len(p.unsent) > 0 {
		return p.Init(ctx)
	}
	return p.end(ctx, false)
}

func (p *txnProducer) end(ctx context.Context, commit bool) error {
	if !p.open {
		return nil
	}
	point := "abort"
	if commit {
		point = "commit"
	}
	way, err := p.c.request(ctx, point, p.id, Lost, Told, Fenced, FencedToo, DieBefore, DieAfter, Late)
	if err == nil {
		if err = p.c.log.end(p.id, p.epoch, commit, time.Duration(p.c.plan.intn(p.c.who("markers", p.id), 5_000_000))); err == nil {
			err = p.c.after(point, way)
		}
	}
	if err != nil {
		p.ready = false
		return err
	}
	p.open = false
	return nil
}
