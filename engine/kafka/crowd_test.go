package kafka_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// crowd is how many read one topic in the tests below; fetchKey is the API key of a fetch.
const (
	crowd    = 40
	fetchKey = 1
)

// testCrowd: readers at the end of a topic have each record by one fetch, however many they are, and one that is far behind comes to
// the end by as many fetches as it would need alone, give or take those that the others need meanwhile.
func testCrowd(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	sent := r.faulty()
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	f := r.c.NewFetcher(kafka.FetchConfig{PartitionBytes: 100, MaxWait: 20 * time.Second})
	defer f.Close()
	const old, more = 60, 20
	var want []string
	for i := range old {
		want = append(want, fmt.Sprint("old ", i))
		r.ok(p.Produce(ctx, one(topic, 0, want[i]), one(topic, 1, want[i])))
	}
	subs := make([]*kafka.Subscription, crowd)
	for i := range subs {
		subs[i] = f.Subscribe()
		for partition := range int32(2) {
			r.ok(subs[i].Add(topic, partition, old))
			r.atEnd(subs[i], topic, partition)
		}
	}
	all := func(value string) {
		r.ok(p.Produce(ctx, one(topic, 1, value)))
		for _, s := range subs {
			r.want(r.first(s), value)
		}
	}
	all("begin") // from here on all of them are in one request
	sent.since(fetchKey)
	for i := range more {
		all(fmt.Sprint("new ", i))
	}
	if n := sent.since(fetchKey); n >= more*crowd/4 {
		r.Errorf("%d records for %d readers of one partition took %d fetches", more, crowd, n)
	}
	late := f.Subscribe()
	r.ok(late.Add(topic, 0, 0))
	r.want(r.drain(late, topic, 0), want...)
	if n := sent.since(fetchKey); n >= old*crowd/4 {
		r.Errorf("a reader of %d batches took %d fetches beside %d others at the end", old, n, crowd)
	}
}
