package bench

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/engine/kafka"
)

const (
	bidPartitions = 4
	eventRate     = 10_000 // events a second of event time
)

// load writes bids to a topic of their own, keyed by auction as Kafka's LongSerializer writes it.
func (r *rig) load(ctx context.Context, records int, partitions int32) (topic string, err error) {
	if topic, err = r.topic(ctx, "bids", partitions); err != nil {
		return "", err
	}
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	g := NewGenerator(1, eventRate)
	const run = 2_000
	var arena []byte
	batches := make([]kafka.ProduceBatch, partitions)
	for done := 0; done < records; {
		arena = arena[:0]
		for i := range batches {
			batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i), Records: batches[i].Records[:0]}
		}
		for range min(run, records-done) {
			from := len(arena)
			var auction, time int64
			arena, auction, time = g.Next(arena)
			value := arena[from:len(arena):len(arena)]
			key := binary.BigEndian.AppendUint64(nil, uint64(auction))
			b := &batches[kafka.PartitionFor(key, partitions)]
			b.Records = append(b.Records, kafka.Record{Timestamp: time, Key: key, Value: value})
			done++
		}
		if err := p.Send(ctx, batches...); err != nil {
			return "", fmt.Errorf("load bids: %w", err)
		}
		if done%100_000 < run {
			fmt.Fprintf(r.Progress, "\rloading bids: %d of %d", done, records)
		}
	}
	fmt.Fprintln(r.Progress)
	return topic, p.Flush(ctx)
}
