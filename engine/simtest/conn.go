package simtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// Conn is one process's way to the brokers; it implements [cluster.Broker]. When the process has died, requests that it still makes do
// nothing.
type Conn struct {
	log  *Log
	plan *Plan
	dead atomic.Bool
}

// Connect gives a new process its connections.
func Connect(l *Log, p *Plan) *Conn { return &Conn{log: l, plan: p} }

var (
	errDead     = errors.New("the process is dead")
	errInjected = errors.New("injected")
)

// Die ends the process.
func (c *Conn) Die() { c.dead.Store(true) }

// Dead says whether it has ended.
func (c *Conn) Dead() bool { return c.dead.Load() }

// request lets a request pass its time, and says what is to become of it. An error means that it must not be carried out. Otherwise
// the caller does so and then calls after.
func (c *Conn) request(ctx context.Context, point string, ways ...Way) (Way, error) {
	c.plan.pass()
	if c.Dead() {
		return Fine, errDead
	}
	if err := ctx.Err(); err != nil {
		return Fine, context.Cause(ctx)
	}
	way := c.plan.next(point, ways...)
	var err error
	switch way {
	case DieBefore:
		c.Die()
		err = errDead
	case Refused:
		err = kafka.ErrAbortable
	case Lost:
		err = kafka.ErrUnknownOutcome
	case Fenced:
		err = kafka.ErrFenced
	case Late:
		time.Sleep(time.Second)
	}
	if err != nil {
		return way, fmt.Errorf("%s: %w: %w", point, err, errInjected)
	}
	return way, nil
}

// after is the answer to a request that was carried out.
func (c *Conn) after(point string, way Way) error {
	switch way {
	case Told:
		return fmt.Errorf("%s: %w: %w", point, kafka.ErrUnknownOutcome, errInjected)
	case FencedToo:
		return fmt.Errorf("%s: %w: %w: %w", point, kafka.ErrFenced, kafka.ErrUnknownOutcome, errInjected)
	case DieAfter:
		c.Die()
		return errDead
	}
	return nil
}

// plain is a request that has no effect, or one that may be repeated.
func (c *Conn) plain(ctx context.Context, point string) error {
	way, err := c.request(ctx, point, Lost, DieBefore)
	if way == Lost {
		return fmt.Errorf("%s: %w", point, errInjected)
	}
	return err
}

// CreateTopic implements [cluster.Broker].
func (c *Conn) CreateTopic(ctx context.Context, spec kafka.TopicSpec) error {
	const point = "create topic"
	way, err := c.request(ctx, point, Lost, Told, DieBefore, DieAfter)
	if err != nil {
		return err
	}
	return errors.Join(c.log.Create(spec.Name, spec.Partitions), c.after(point, way))
}

// DescribeTopic implements [cluster.Broker].
func (c *Conn) DescribeTopic(topic string) (kafka.TopicInfo, error) {
	if err := c.plain(context.Background(), "describe"); err != nil {
		return kafka.TopicInfo{}, err
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.log.topics[topic] == nil {
		return kafka.TopicInfo{}, kafka.ErrUnknownTopic
	}
	return kafka.TopicInfo{Name: topic, Partitions: int32(len(c.log.topics[topic]))}, nil
}

// Offset implements [cluster.Broker].
func (c *Conn) Offset(ctx context.Context, topic string, partition int32, at kafka.At) (int64, error) {
	if err := c.plain(ctx, "offset"); err != nil {
		return 0, err
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	p, err := c.log.find(topic, partition)
	switch {
	case err != nil:
		return 0, err
	case at == kafka.Earliest:
		return p.start, nil
	case at == kafka.LastStable:
		return p.stable(), nil
	}
	return p.next, nil
}

// CommitOffsets implements [cluster.Broker]. Nothing here reads them.
func (c *Conn) CommitOffsets(context.Context, string, map[kafka.TopicPartition]int64) error {
	return nil
}

// DeleteRecords implements [cluster.Broker].
func (c *Conn) DeleteRecords(topic string, before map[int32]int64) error {
	if err := c.plain(context.Background(), "delete records"); err != nil {
		return err
	}
	c.log.trim(topic, before)
	return nil
}

// NewReader implements [cluster.Broker].
func (c *Conn) NewReader() cluster.Reader { return reader{c} }

// reader implements [cluster.Reader].
type reader struct{ c *Conn }

func (r reader) Close() {}

func (r reader) All(ctx context.Context, topic string, partition int32) iter.Seq2[kafka.FetchedBatch, error] {
	return func(yield func(kafka.FetchedBatch, error) bool) {
		from, err := r.c.Offset(ctx, topic, partition, kafka.Earliest)
		if err != nil {
			yield(kafka.FetchedBatch{}, err)
			return
		}
		end, err := r.c.Offset(ctx, topic, partition, kafka.LastStable)
		if err != nil {
			yield(kafka.FetchedBatch{}, err)
			return
		}
		r.Range(ctx, topic, partition, from, end)(yield)
	}
}

func (r reader) Range(ctx context.Context, topic string, partition int32, from, end int64) iter.Seq2[kafka.FetchedBatch, error] {
	return func(yield func(kafka.FetchedBatch, error) bool) {
		for from < end {
			b := kafka.FetchedBatch{Topic: topic, Partition: partition}
			if b.Err = r.c.plain(ctx, "read"); b.Err == nil {
				b.Records, b.Next, b.Err = r.c.fetch(topic, partition, from)
			}
			if !yield(b, b.Err) || b.Err != nil {
				return
			}
			from = b.Next
		}
	}
}

// fetch reads a few records.
func (c *Conn) fetch(topic string, partition int32, from int64) ([]kafka.Record, int64, error) {
	n := 1 + c.plan.intn(30)
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	p, err := c.log.find(topic, partition)
	if err != nil {
		return nil, from, err
	}
	if from < p.start || from > p.next {
		return nil, from, kafka.ErrOffsetOutOfRange
	}
	list, next := p.read(from, n)
	return list, next, nil
}
