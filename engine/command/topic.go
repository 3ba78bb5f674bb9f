package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Topic is the Transport over a Kafka topic of one partition, kept for ever.
type Topic struct {
	client *kafka.Client
	name   string
	reader *kafka.Reader
	writer *kafka.TxnProducer
}

// OpenTopic creates the topic if it is not there. TransactionalID must be the same on all servers of the service, except
// on the embedded broker, where it must be new at every boot.
func OpenTopic(ctx context.Context, client *kafka.Client, name, transactionalID string) (*Topic, error) {
	err := client.CreateTopic(ctx, kafka.TopicSpec{
		Name: name, Partitions: 1,
		Configs: map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
	})
	if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
		return nil, fmt.Errorf("create command topic: %w", err)
	}
	return &Topic{
		client: client, name: name, reader: client.NewReader(),
		writer: client.NewTxnProducer(kafka.TxnConfig{ID: transactionalID}),
	}, nil
}

// Fence implements Transport.
func (t *Topic) Fence(ctx context.Context) error { return t.writer.Init(ctx) }

// Append implements Transport.
func (t *Topic) Append(ctx context.Context, value []byte) (offset int64, err error) {
	rec := kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte("command"), Value: value}
	if err := t.writer.Send(ctx, kafka.ProduceBatch{Topic: t.name, Partition: 0, Records: []kafka.Record{rec}}); err != nil {
		return 0, err
	}
	if err := t.writer.Commit(ctx); err != nil {
		return 0, err
	}
	end, ok := t.writer.End(t.name, 0)
	if !ok {
		return 0, fmt.Errorf("a record of %s was committed without a position", t.name)
	}
	return end - 1, nil
}

// AppendAt is Append for a record that must get the offset that it once had, which lies behind the log's end: what is between is filled with
// records of an aborted transaction, as interrupted turns leave them.
func (t *Topic) AppendAt(ctx context.Context, offset, timestamp int64, value []byte) error {
	next, err := t.client.Offset(ctx, t.name, 0, kafka.Latest)
	if err != nil {
		return err
	}
	record := func(value []byte) kafka.ProduceBatch {
		return kafka.ProduceBatch{Topic: t.name, Records: []kafka.Record{{Timestamp: timestamp, Key: []byte("command"), Value: value}}}
	}
	switch gap := offset - next; {
	case gap < 0 || gap == 1: // a transaction takes an offset for its marker
		return fmt.Errorf("command topic %s ends at %d: a command cannot have offset %d", t.name, next, offset)
	case gap > 0:
		for range gap - 1 {
			if err := t.writer.Send(ctx, record(nil)); err != nil {
				return err
			}
		}
		if err := t.writer.Flush(ctx); err != nil {
			return err
		}
		if err := t.writer.Abort(ctx); err != nil {
			return err
		}
	}
	if err := t.writer.Send(ctx, record(value)); err != nil {
		return err
	}
	if err := t.writer.Commit(ctx); err != nil {
		return err
	}
	return t.awaitEnd(ctx, offset+2)
}

// awaitEnd waits for the marker of the last transaction: it comes a moment after the commit is known.
func (t *Topic) awaitEnd(ctx context.Context, end int64) error {
	for {
		switch at, err := t.client.Offset(ctx, t.name, 0, kafka.LastStable); {
		case err != nil:
			return err
		case at >= end:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Read implements Transport.
func (t *Topic) Read(ctx context.Context, from int64, f func(int64, []byte) error) (int64, error) {
	end, err := t.client.Offset(ctx, t.name, 0, kafka.LastStable)
	if err != nil {
		return from, err
	}
	if end <= from {
		return end, nil
	}
	for batch, err := range t.reader.Range(ctx, t.name, 0, from, end) {
		if err != nil {
			return from, err
		}
		for i := range batch.Records {
			if err := f(batch.Records[i].Offset, batch.Records[i].Value); err != nil {
				return from, err
			}
		}
		from = batch.Next
	}
	return from, nil
}

// Close drops the connections.
func (t *Topic) Close() {
	t.writer.Close()
	t.reader.Close()
}
