package simtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
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
	name string
	dead atomic.Bool
}

// Connect gives a new process its connections.
func Connect(l *Log, p *Plan) *Conn {
	p.conns++
	return &Conn{log: l, plan: p, name: strconv.Itoa(p.conns)}
}

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
func (c *Conn) request(ctx context.Context, point, object string, ways ...Way) (Way, error) {
	who := c.who(point, object)
	c.plan.pass(who)
	if c.Dead() {
		return Fine, errDead
	}
	if err := ctx.Err(); err != nil {
		return Fine, context.Cause(ctx)
	}
	way := c.plan.next(who, point, ways...)
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
		time.Sleep(400 * time.Millisecond)
	}
	if err != nil {
		return way, fmt.Errorf("%s: %w: %w", point, err, errInjected)
	}
	return way, nil
}

// who names the random sequence of a kind of request.
func (c *Conn) who(point, object string) string { return c.name + " " + point + " " + object }

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
func (c *Conn) plain(ctx context.Context, point, object string) error {
	way, err := c.request(ctx, point, object, Lost, DieBefore)
	if way == Lost {
		return fmt.Errorf("%s: %w", point, errInjected)
	}
	return err
}

// CreateTopics implements [cluster.Broker].
func (c *Conn) CreateTopics(ctx context.Context, specs ...kafka.TopicSpec) error {
	const point = "create topic"
	way, err := c.request(ctx, point, specs[0].Name, Lost, Told, DieBefore, DieAfter)
	if err != nil {
		return err
	}
	var errs []error
	for _, spec := range specs {
		errs = append(errs, c.log.Create(spec.Name, spec.Partitions))
	}
	return errors.Join(append(errs, c.after(point, way))...)
}

// DescribeTopics implements [cluster.Broker].
func (c *Conn) DescribeTopics(topics ...string) (map[string]kafka.TopicInfo, error) {
	found := map[string]kafka.TopicInfo{}
	for _, topic := range topics {
		info, err := c.DescribeTopic(topic)
		switch {
		case err == nil:
			found[topic] = info
		case !errors.Is(err, kafka.ErrUnknownTopic):
			return nil, err
		}
	}
	return found, nil
}

// DescribeTopic implements [cluster.Broker].
func (c *Conn) DescribeTopic(topic string) (kafka.TopicInfo, error) {
	if err := c.plain(context.Background(), "describe", topic); err != nil {
		return kafka.TopicInfo{}, err
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.log.topics[topic] == nil {
		return kafka.TopicInfo{}, kafka.ErrUnknownTopic
	}
	return kafka.TopicInfo{Name: topic, Partitions: int32(len(c.log.topics[topic]))}, nil
}

// MaxBatchBytes implements [cluster.Broker].
func (c *Conn) MaxBatchBytes(...string) map[string]int { return nil }

// Offset implements [cluster.Broker].
func (c *Conn) Offset(ctx context.Context, topic string, partition int32, at kafka.At) (int64, error) {
	if err := c.plain(ctx, "offset", partitionName(topic, partition)); err != nil {
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
	if err := c.plain(context.Background(), "delete records", topic); err != nil {
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
		from, end, err := r.Bounds(ctx, topic, partition)
		if err != nil {
			yield(kafka.FetchedBatch{}, err)
			return
		}
		r.Range(ctx, topic, partition, from, end)(yield)
	}
}

func (r reader) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	if start, err = r.c.Offset(ctx, topic, partition, kafka.Earliest); err != nil {
		return 0, 0, err
	}
	end, err = r.c.Offset(ctx, topic, partition, kafka.LastStable)
	return start, end, err
}

func (r reader) Range(ctx context.Context, topic string, partition int32, from, end int64) iter.Seq2[kafka.FetchedBatch, error] {
	return func(yield func(kafka.FetchedBatch, error) bool) {
		for from < end {
			b := kafka.FetchedBatch{Topic: topic, Partition: partition}
			if b.Err = r.c.plain(ctx, "read", partitionName(topic, partition)); b.Err == nil {
				b.Records, b.Next, b.Err = r.c.fetch(topic, partition, from)
			}
			if !yield(b, b.Err) || b.Err != nil {
				return
			}
			from = b.Next
		}
	}
}

func partitionName(topic string, partition int32) string {
	return kafka.TopicPartition{Topic: topic, Partition: partition}.String()
}

// fetch reads a few records.
func (c *Conn) fetch(topic string, partition int32, from int64) ([]kafka.Record, int64, error) {
	n := 1 + c.plan.intn(c.who("records", partitionName(topic, partition)), 30)
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
