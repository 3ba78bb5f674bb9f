package kafka

import (
	"errors"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/IBM/sarama"
)

const (
	// maxInFlight requests per connection: Kafka recognizes a repeated batch among a producer's last five.
	maxInFlight = 5
	// recordOverhead is the most that a record's lengths, deltas and attributes take.
	recordOverhead = 24
	// batchOverhead is what a batch takes beside its records.
	batchOverhead = 61
)

// outbox collects the records of one partition and holds the batches that are not acknowledged yet, in order.
type outbox struct {
	tp    TopicPartition
	inTxn bool // the coordinator knows that the open transaction touches this partition

	dirty bool     // listed in sender.dirty
	open  *slab    // records being collected
	queue []*batch // sealed, oldest first; a batch leaves when it is acknowledged

	sequence int32 // of the next batch sealed
	inFlight int   // batches of queue that are on the wire
	proven   bool  // a batch was acknowledged since the producer got its identity
	retrying bool  // after an error: one batch at a time, the oldest first, until the queue is empty
	acked    int64 // the position after the last acknowledged record, -1 while unknown

	trouble error     // why the oldest batch is repeated
	missing time.Time // since when the broker says that the topic is unknown
}

// batch is one RecordBatch. Its bytes are encoded when it is first sent; a repetition sends the same bytes again.
type batch struct {
	rb    *sarama.RecordBatch
	slab  *slab // nil once encoded
	bytes int
	sent  bool
}

// slab is the memory of one batch: records and a copy of their bytes. Slabs are reused.
type slab struct {
	records []sarama.Record
	list    []*sarama.Record
	arena   []byte
	bytes   int
	first   int64 // timestamps in milliseconds
	max     int64
}

func (s *slab) reset() {
	clear(s.records)
	s.records, s.arena, s.bytes = s.records[:0], s.arena[:0], 0
}

// memory is what the slab takes, in bytes.
func (s *slab) memory() int {
	return cap(s.arena) + cap(s.records)*int(unsafe.Sizeof(sarama.Record{})) + cap(s.list)*int(unsafe.Sizeof((*sarama.Record)(nil)))
}

// add copies a record. Growing the arena leaves earlier records pointing at the old one, which is as good.
func (s *slab) add(r *Record) {
	if len(s.records) == 0 {
		// A batch's first timestamp cannot be negative, what is added to it can.
		s.first, s.max = max(r.Timestamp, 0), r.Timestamp
	}
	s.max = max(s.max, r.Timestamp)
	out := sarama.Record{
		TimestampDelta: time.Duration(r.Timestamp-s.first) * time.Millisecond,
		OffsetDelta:    int64(len(s.records)),
		Key:            s.copy(r.Key),
		Value:          s.copy(r.Value),
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, &sarama.RecordHeader{Key: []byte(h.Key), Value: s.copy(h.Value)})
	}
	s.records = append(s.records, out)
	s.bytes += size(r)
}

// maxMillis bounds timestamps: sarama counts in nanoseconds, whose 64 bits end in April 2262. Beyond, it would write another time.
const maxMillis = math.MaxInt64 / int64(time.Millisecond)

var errTimestamp = errors.New("the timestamp cannot be written: it is more than 292 years from 1970; is it in microseconds?")

func writable(timestamp int64) bool { return -maxMillis <= timestamp && timestamp <= maxMillis }

// spans says that a timestamp can stand in one batch with those that are there.
func (s *slab) spans(timestamp int64) bool {
	return len(s.records) == 0 || s.first-timestamp <= maxMillis
}

func (s *slab) copy(b []byte) []byte {
	if b == nil {
		return nil
	}
	if s.arena == nil {
		s.arena = make([]byte, 0, 4096)
	}
	at := len(s.arena)
	s.arena = append(s.arena, b...)
	return s.arena[at:len(s.arena):len(s.arena)]
}

// size estimates a record's encoded bytes from above.
func size(r *Record) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// producerIdentity is stamped on every batch.
type producerIdentity struct {
	id            int64
	epoch         int16
	transactional bool
}

// seal turns the collected records into a batch with the next sequence number.
func (o *outbox) seal(who producerIdentity, codec Compression) {
	s := o.open
	if s == nil || len(s.records) == 0 {
		return
	}
	o.open = nil
	// A batch that was encoded only keeps its count from this list, so the list can be shared by later batches.
	if cap(s.list) < len(s.records) {
		s.list = make([]*sarama.Record, 0, cap(s.records))
	}
	s.list = s.list[:len(s.records)]
	for i := range s.records {
		s.list[i] = &s.records[i]
	}
	o.queue = append(o.queue, &batch{slab: s, bytes: s.bytes, rb: &sarama.RecordBatch{
		Version:          2,
		Codec:            sarama.CompressionCodec(codec),
		CompressionLevel: sarama.CompressionLevelDefault,
		FirstTimestamp:   millis(s.first),
		MaxTimestamp:     millis(s.max),
		LastOffsetDelta:  int32(len(s.records) - 1),
		Records:          s.list,
		ProducerID:       who.id,
		ProducerEpoch:    who.epoch,
		FirstSequence:    o.sequence,
		IsTransactional:  who.transactional,
	}})
	o.sequence = nextSequence(o.sequence, int32(len(s.records)))
}

// nextSequence wraps as the broker does: after the largest int32 comes 0.
func nextSequence(seq, n int32) int32 {
	return int32((int64(seq) + int64(n)) & 0x7fffffff)
}

// millis keeps Kafka's "no timestamp", which is -1, as the zero time that sarama expects for it.
func millis(ms int64) time.Time {
	if ms < 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// due returns the batch that may be sent now, if any.
//
// The first batch goes alone: a broker that knows nothing of a producer takes any sequence number, so it would accept
// the second batch although it has just refused the first.
func (o *outbox) due() *batch {
	if o.retrying || !o.proven {
		if o.inFlight > 0 || len(o.queue) == 0 {
			return nil
		}
		return o.queue[0]
	}
	for _, b := range o.queue {
		if !b.sent {
			return b
		}
	}
	return nil
}

// acknowledge removes a batch, wherever it stands: after a time-out a later one may be answered first.
func (o *outbox) acknowledge(b *batch) {
	for i := range o.queue {
		if o.queue[i] == b {
			o.queue = slices.Delete(o.queue, i, i+1) // which also lets go of its bytes
			break
		}
	}
	o.proven, o.missing = true, time.Time{}
	if len(o.queue) == 0 {
		o.retrying, o.trouble = false, nil
	}
}

func (o *outbox) oldest(b *batch) bool { return len(o.queue) > 0 && o.queue[0] == b }
