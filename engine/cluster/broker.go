package cluster

import (
	"context"
	"iter"

	"github.com/millrace/millrace/engine/kafka"
)

// Broker is what slots ask of Kafka. A [kafka.Client] is behind it ([OnKafka]); package simtest has one whose transactions, delays and
// failures follow a seed. The contracts are those of the methods of the same names in package kafka.
type Broker interface {
	CreateTopics(ctx context.Context, specs ...kafka.TopicSpec) error
	DescribeTopics(topics ...string) (map[string]kafka.TopicInfo, error)
	DescribeTopic(topic string) (kafka.TopicInfo, error)
	MaxBatchBytes(topics ...string) map[string]int
	Offset(ctx context.Context, topic string, partition int32, at kafka.At) (int64, error)
	CommitOffsets(ctx context.Context, group string, positions map[kafka.TopicPartition]int64) error
	DeleteRecords(topic string, before map[int32]int64) error

	NewTxnProducer(cfg kafka.TxnConfig) TxnProducer
	NewProducer(cfg kafka.ProducerConfig) PlainProducer
	NewReader() Reader
	NewFetcher() Fetcher
}

// Producer is what both kinds of producers have.
type Producer interface {
	Send(ctx context.Context, batches ...kafka.ProduceBatch) error
	Flush(ctx context.Context) error
	End(topic string, partition int32) (int64, bool)
	Rest()
	Close()
}

// PlainProducer is a [kafka.Producer].
type PlainProducer interface {
	Producer
	Discard()
}

// TxnProducer is a [kafka.TxnProducer].
type TxnProducer interface {
	Producer
	Init(ctx context.Context) error
	Open() bool
	Commit(ctx context.Context) error
	Abort(ctx context.Context) error
}

// Reader is a [kafka.Reader].
type Reader interface {
	Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error)
	All(ctx context.Context, topic string, partition int32) iter.Seq2[kafka.FetchedBatch, error]
	Range(ctx context.Context, topic string, partition int32, from, end int64) iter.Seq2[kafka.FetchedBatch, error]
	Close()
}

// Fetcher is a [kafka.Fetcher].
type Fetcher interface {
	Subscribe() Subscription
	Close()
}

// Subscription is a [kafka.Subscription].
type Subscription interface {
	Ready() <-chan struct{}
	Add(topic string, partition int32, offset int64) error
	Remove(topic string, partition int32)
	Take(topic string, partition int32) (kafka.FetchedBatch, bool)
	Poll(into []kafka.FetchedBatch) []kafka.FetchedBatch
	Status(topic string, partition int32) (kafka.PartitionStatus, bool)
	Seek(topic string, partition int32, offset int64)
	Pause(topic string, partition int32)
	Resume(topic string, partition int32)
	Close()
}

// OnKafka is the broker behind a client.
func OnKafka(c *kafka.Client) Broker { return client{c} }

// client gives a kafka.Client's constructors the types of Broker.
type client struct{ *kafka.Client }

func (c client) NewTxnProducer(cfg kafka.TxnConfig) TxnProducer     { return c.Client.NewTxnProducer(cfg) }
func (c client) NewProducer(cfg kafka.ProducerConfig) PlainProducer { return c.Client.NewProducer(cfg) }
func (c client) NewReader() Reader                                  { return c.Client.NewReader() }
func (c client) NewFetcher() Fetcher                                { return fetcher{c.Client.NewFetcher(kafka.FetchConfig{})} }

// fetcher gives a kafka.Fetcher's subscriptions their type.
type fetcher struct{ *kafka.Fetcher }

func (f fetcher) Subscribe() Subscription { return f.Fetcher.Subscribe() }
