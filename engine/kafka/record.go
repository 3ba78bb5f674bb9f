package kafka

import (
	"fmt"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/vector"
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

func (tp TopicPartition) String() string { return fmt.Sprintf("%s/%d", tp.Topic, tp.Partition) }

// Record is one Kafka record, the same as tasks see it. A nil Key or Value is Kafka's null and differs from an empty one.
// Offset is set by fetches and ignored by producers.
type Record = record.Record

// Header is a key and value that travel beside a record.
type Header = vector.Header

// FetchedBatch is what one fetch brought for one partition: committed records in offset order, perhaps none.
type FetchedBatch struct {
	Topic     string
	Partition int32
	Records   []Record // read only, see the package comment

	Next          int64 // the position after this batch; it may move although Records is empty
	LastStable    int64 // every transaction below is decided
	HighWatermark int64 // every record below is replicated
	LogStart      int64 // the oldest offset that still exists

	// Err ends the partition's delivery: [ErrOffsetOutOfRange], [ErrUnknownTopic], or what the broker said.
	// Records is empty then. The owner decides: seek elsewhere, or remove the partition.
	Err error
}

// AtEnd says that nothing committed was left to read when this batch was fetched.
func (b *FetchedBatch) AtEnd() bool { return b.Next >= b.LastStable }

// ProduceBatch is a run of records for one partition, sent in order.
type ProduceBatch struct {
	Topic     string
	Partition int32
	Records   []Record
	MaxBytes  int // the topic's max.message.bytes, where it is known: no batch is larger, unless one record is
}

// Compression is the codec of produced batches. Readers accept all of Kafka's codecs.
type Compression int8

// The codecs, with Kafka's own numbers.
const (
	CompressNone Compression = iota
	CompressGzip
	CompressSnappy
	CompressLZ4
	CompressZstd
)
