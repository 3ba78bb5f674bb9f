package kafka

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/IBM/sarama"
)

// errOldFormat: brokers of version 4 and later have converted everything.
var errOldFormat = failure("decode", "", ErrFatal, errors.New("message format 0 or 1 is not supported; convert the topic to format 2"))

// decodeBlock turns one partition's part of a fetch answer into records: committed ones at or after pos. It returns the
// bytes that the batch holds on to. A batch that was cut off at the end of the answer is left for the next fetch.
func decodeBlock(block *sarama.FetchResponseBlock, pos int64, committed bool) (out FetchedBatch, bytes int, err error) {
	out.Next, out.LastStable = pos, block.LastStableOffset
	out.HighWatermark, out.LogStart = block.HighWaterMarkOffset, block.LogStartOffset
	if !committed || out.LastStable < 0 {
		out.LastStable = out.HighWatermark
	}
	filter := newAbortFilter(block, committed)
	if n := countRecords(block); n > 0 {
		out.Records = make([]Record, 0, n)
	}
	for _, set := range block.RecordsSet {
		rb := set.RecordBatch
		if rb == nil {
			return out, bytes, errOldFormat
		}
		if rb.PartialTrailingRecord {
			break
		}
		keep := filter.keep(rb)
		if rb.LastOffset() < pos {
			continue
		}
		out.Next = rb.LastOffset() + 1
		if keep {
			out.Records, bytes = appendRecords(out.Records, rb, pos, bytes)
		}
	}
	return out, bytes, nil
}

func countRecords(block *sarama.FetchResponseBlock) (n int) {
	for _, set := range block.RecordsSet {
		if rb := set.RecordBatch; rb != nil && !rb.Control {
			n += len(rb.Records)
		}
	}
	return n
}

// recordBytes is what a decoded record costs beside its key and value.
const recordBytes = 200

func appendRecords(list []Record, rb *sarama.RecordBatch, pos int64, bytes int) ([]Record, int) {
	first := int64(-1)
	if !rb.FirstTimestamp.IsZero() {
		first = rb.FirstTimestamp.UnixMilli()
	}
	for _, r := range rb.Records {
		offset := rb.FirstOffset + r.OffsetDelta
		if offset < pos {
			continue // the broker returns whole batches, also when asked for their middle
		}
		ms := first + int64(r.TimestampDelta/time.Millisecond)
		if rb.LogAppendTime {
			ms = rb.MaxTimestamp.UnixMilli()
		}
		rec := Record{Offset: offset, Timestamp: ms, Key: r.Key, Value: r.Value}
		if len(r.Headers) > 0 {
			rec.Headers = headers(r.Headers)
		}
		list = append(list, rec)
		bytes += recordBytes + len(r.Key) + len(r.Value)
	}
	return list, bytes
}

func headers(in []*sarama.RecordHeader) []Header {
	out := make([]Header, len(in))
	for i, h := range in {
		out[i] = Header{Key: string(h.Key), Value: h.Value}
	}
	return out
}

// abortFilter passes over the batches of aborted transactions. The answer lists, per aborted transaction, its producer
// and first offset; from there on that producer's batches are dropped until its abort marker.
type abortFilter struct {
	committed bool
	list      []*sarama.AbortedTransaction // by first offset
	aborted   map[int64]bool               // producers inside an aborted transaction
}

func newAbortFilter(block *sarama.FetchResponseBlock, committed bool) *abortFilter {
	f := &abortFilter{committed: committed, list: block.AbortedTransactions}
	if len(f.list) > 0 {
		f.aborted = map[int64]bool{}
		sort.Slice(f.list, func(i, j int) bool { return f.list[i].FirstOffset < f.list[j].FirstOffset })
	}
	return f
}

// keep is called for every batch in order, also for those before the position.
func (f *abortFilter) keep(rb *sarama.RecordBatch) bool {
	for len(f.list) > 0 && f.list[0].FirstOffset <= rb.LastOffset() {
		f.aborted[f.list[0].ProducerID] = true
		f.list = f.list[1:]
	}
	if rb.Control {
		if abortMarker(rb) {
			delete(f.aborted, rb.ProducerID)
		}
		return false
	}
	return !f.committed || !rb.IsTransactional || !f.aborted[rb.ProducerID]
}

// abortMarker reads a control record's key: version, then type, both int16; type 0 is abort.
func abortMarker(rb *sarama.RecordBatch) bool {
	if len(rb.Records) == 0 {
		return false
	}
	key := rb.Records[0].Key
	return len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == 0
}
