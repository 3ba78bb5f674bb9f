package kafka_test

import (
	"errors"
	"slices"

	"github.com/millrace/millrace/engine/kafka"
)

// testTimestamps: what is written is what is read, in any order within a batch; what cannot be written is an error, and no
// other time instead.
func testTimestamps(r *rig) {
	topic := r.topic("t", 1, map[string]string{"retention.ms": "-1", "message.timestamp.after.max.ms": "9223372036854775807"})
	want := []int64{-5000, 1000, -1, 0, 9_223_372_036_854, -9_000_000_000_000, 1_700_000_000_000}
	p := r.ready("x")
	b := kafka.ProduceBatch{Topic: topic}
	for _, ms := range want {
		b.Records = append(b.Records, kafka.Record{Timestamp: ms, Key: []byte("k"), Value: []byte("v")})
	}
	r.ok(p.Send(r.ctx(), b))
	r.ok(p.Commit(r.ctx()))
	micros := kafka.ProduceBatch{Topic: topic, Records: []kafka.Record{{Timestamp: 1_700_000_000_000_000}}}
	err := p.Send(r.ctx(), micros)
	if err == nil {
		err = p.Commit(r.ctx())
	}
	if !errors.Is(err, kafka.ErrAbortable) {
		r.Errorf("a timestamp in microseconds: %v", err)
	}
	r.ok(p.Abort(r.ctx()))
	reader := r.c.NewReader()
	defer reader.Close()
	var got []int64
	for batch, err := range reader.All(r.ctx(), topic, 0) {
		r.ok(err)
		for _, rec := range batch.Records {
			got = append(got, rec.Timestamp)
		}
	}
	if !slices.Equal(got, want) {
		r.Errorf("timestamps %v, want %v", got, want)
	}
}
