package kafka_test

import (
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// testHeard: a reader knows since when it has heard nothing of a partition's end, though nothing comes when all is well either.
func testHeard(r *rig) {
	topic := r.topic("t", 1, nil)
	link := r.faulty()
	f := r.c.NewFetcher(kafka.FetchConfig{MaxWait: 20 * time.Millisecond})
	r.Cleanup(f.Close)
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	if st, _ := s.Status(topic, 0); !st.Heard.IsZero() {
		r.Errorf("before any answer it was heard of at %s", st.Heard)
	}
	heard := func(after time.Time) time.Time {
		r.Helper()
		var st kafka.PartitionStatus
		r.await("something to be heard", func() bool {
			st, _ = s.Status(topic, 0)
			return st.Heard.After(after)
		})
		return st.Heard
	}
	heard(heard(time.Now()))
	link.stall(true)
	cut := time.Now()
	time.Sleep(200 * time.Millisecond) // in which ten answers would have come
	if st, _ := s.Status(topic, 0); st.Heard.After(cut) {
		r.Errorf("of a broker that does not answer was heard %s later", st.Heard.Sub(cut))
	}
	link.stall(false)
	heard(time.Now())
}
