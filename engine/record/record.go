// Package record holds the Kafka record as tasks see it: bytes with a timestamp, free of any client library.
package record

import "github.com/millrace/millrace/sql/vector"

// Record is one consumed record. Key and Value alias the fetched buffer and live as long as the batch they came in;
// nil is Kafka's null, which differs from empty.
type Record struct {
	Offset    int64
	Timestamp int64 // ms since the epoch
	Key       []byte
	Value     []byte
	Headers   []vector.Header
}

// Out is one record to produce. Partition < 0 means: by murmur2 of the key, as Java's default partitioner does; a null
// key then goes to the partition of the task that wrote it. PartitionKey, if set, is hashed instead of Key: the inner key of a
// windowed one.
type Out struct {
	Topic        string
	Partition    int32
	PartitionKey []byte
	Timestamp    int64
	Key          []byte
	Value        []byte
	Headers      []vector.Header
}
