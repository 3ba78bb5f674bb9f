package kafka_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// testRecords: nulls, empty values, headers and timestamps arrive as they were sent, with every codec.
func testRecords(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 5, nil)
	sent := []kafka.Record{
		{Timestamp: 1_700_000_000_123, Key: []byte("k"), Value: []byte("v")},
		{Timestamp: 1_600_000_000_000, Key: nil, Value: []byte("v")}, // earlier than the first
		{Timestamp: 1_750_000_000_000, Key: []byte("k"), Value: nil},
		{Timestamp: 0, Key: []byte{}, Value: []byte{}},
		{Timestamp: 5, Value: []byte("h"), Headers: []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}},
	}
	for codec := kafka.CompressNone; codec <= kafka.CompressZstd; codec++ {
		p := r.c.NewProducer(kafka.ProducerConfig{Compression: codec})
		r.ok(p.Produce(ctx, kafka.ProduceBatch{Topic: topic, Partition: int32(codec), Records: sent}))
		p.Close()
		rd := r.c.NewReader()
		var got []kafka.Record
		for b, err := range rd.All(ctx, topic, int32(codec)) {
			r.ok(err)
			got = append(got, b.Records...)
		}
		rd.Close()
		if len(got) != len(sent) {
			r.Fatalf("codec %d: %d records of %d", codec, len(got), len(sent))
		}
		for i := range sent {
			want := sent[i]
			want.Offset = int64(i)
			if !reflect.DeepEqual(got[i], want) {
				r.Errorf("codec %d, record %d: got %#v, want %#v", codec, i, got[i], want)
			}
		}
	}
}

// testMadeAnew: a topic that was deleted and made again takes records of a producer that wrote to the first one.
func testMadeAnew(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	record := kafka.ProduceBatch{Topic: topic, Records: []kafka.Record{{Value: []byte("v")}}}
	r.ok(p.Produce(ctx, record))
	r.ok(r.c.DeleteTopics(topic))
	r.await("the topic to go", func() bool { // Kafka deletes in its own time
		err := r.c.CreateTopic(ctx, kafka.TopicSpec{Name: topic, Partitions: 1})
		if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
			r.Log(err)
		}
		return err == nil
	})
	r.ok(p.Produce(ctx, record))
	if end, err := r.c.Offset(ctx, topic, 0, kafka.LastStable); err != nil || end != 1 {
		r.Errorf("end %d (%v), want 1", end, err)
	}
}

// testMany: more than a batch, a request and a buffer hold, over several partitions, in order; the caller's bytes are
// reused at once.
func testMany(r *rig) {
	ctx := r.ctx()
	const partitions, records = 3, 30_000
	topic := r.topic("t", partitions, nil)
	p := r.c.NewTxnProducer(kafka.TxnConfig{
		ID: r.prefix + "slot", ProducerConfig: kafka.ProducerConfig{MaxBatchBytes: 50_000, BufferBytes: 300_000, Compression: kafka.CompressLZ4},
	})
	defer p.Close()
	r.ok(p.Init(ctx))
	buf := make([]byte, 0, 100)
	for i := range records {
		buf = fmt.Appendf(buf[:0], "%08d-%s", i, strings.Repeat("x", i%60))
		r.ok(p.Send(ctx, kafka.ProduceBatch{Topic: topic, Partition: int32(i % partitions), Records: []kafka.Record{{Value: buf}}}))
		if i%7000 == 6999 {
			r.ok(p.Commit(ctx))
		}
	}
	r.ok(p.Commit(ctx))
	f := r.c.NewFetcher(kafka.FetchConfig{PartitionBytes: 20_000, BufferBytes: 30_000})
	defer f.Close()
	s := f.Subscribe()
	for part := range int32(partitions) {
		r.ok(s.Add(topic, part, 0))
	}
	next := [partitions]int{0, 1, 2}
	for seen := 0; seen < records; {
		b := r.next(s)
		r.ok(b.Err)
		for _, rec := range b.Records {
			if want := fmt.Sprintf("%08d-", next[b.Partition]); !strings.HasPrefix(string(rec.Value), want) {
				r.Fatalf("partition %d: got %.20q, want %q", b.Partition, rec.Value, want)
			}
			next[b.Partition] += partitions
		}
		seen += len(b.Records)
	}
}

// testOutOfRange: a position that was trimmed away is an error for the owner, not a silent jump.
func testOutOfRange(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	r.ok(p.Produce(ctx, one(topic, 0, "a", "b", "c", "d")))
	r.ok(r.c.DeleteRecords(topic, map[int32]int64{0: 2}))
	if at, err := r.c.Offset(ctx, topic, 0, kafka.Earliest); err != nil || at != 2 {
		r.Fatalf("earliest %d, %v", at, err)
	}
	r.want(r.all(topic, 0), "c", "d")
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	for _, at := range []int64{0, 99} {
		r.ok(s.Add(topic, 0, at))
		if b := r.next(s); !errors.Is(b.Err, kafka.ErrOffsetOutOfRange) || b.Next != at {
			r.Fatalf("fetch from %d: %+v", at, b)
		}
		s.Seek(topic, 0, 3)
		r.want(r.drain(s, topic, 0), "d")
		s.Remove(topic, 0)
	}
	rd := r.c.NewReader()
	defer rd.Close()
	for _, err := range rd.Range(ctx, topic, 0, 0, 4) {
		if !errors.Is(err, kafka.ErrOffsetOutOfRange) {
			r.Fatalf("read from 0: %v", err)
		}
	}
}

// testOffsets: the ends of a log, and the first record at or after a time.
func testOffsets(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := range int64(5) {
		r.ok(p.Produce(ctx, kafka.ProduceBatch{Topic: topic, Records: []kafka.Record{{Timestamp: 1_700_000_000_000 + i*1000, Value: []byte("x")}}}))
	}
	for at, want := range map[kafka.At]int64{
		kafka.Earliest: 0, kafka.Latest: 5, kafka.LastStable: 5,
		1_700_000_000_000: 0, 1_700_000_001_001: 2, 1_700_000_004_000: 4, 1_700_000_004_001: -1,
	} {
		m, err := r.c.Offsets(ctx, topic, []int32{0, 1}, at)
		r.ok(err)
		other := int64(0)
		if at >= 0 {
			other = -1
		}
		if m[0] != want || m[1] != other {
			r.Errorf("offsets at %d: %v, want %d and %d", at, m, want, other)
		}
	}
	if _, err := r.c.Offset(ctx, topic, 7, kafka.Latest); !errors.Is(err, kafka.ErrUnknownTopic) {
		r.Errorf("offset of a partition that does not exist: %v", err)
	}
}

// testAdmin: topics and their settings.
func testAdmin(r *rig) {
	ctx := r.ctx()
	name := r.topic("t", 3, map[string]string{"cleanup.policy": "compact", "segment.bytes": "2097152"})
	err := r.c.CreateTopic(ctx, kafka.TopicSpec{Name: name, Partitions: 1})
	if !errors.Is(err, kafka.ErrTopicExists) {
		r.Errorf("create again: %v", err)
	}
	info, err := r.c.DescribeTopic(name)
	r.ok(err)
	if info.Name != name || info.Partitions != 3 || info.Replicas < 1 || info.Internal {
		r.Errorf("described as %+v", info)
	}
	conf, err := r.c.DescribeConfigs(name)
	r.ok(err)
	if conf["cleanup.policy"] != "compact" || conf["segment.bytes"] != "2097152" || conf["max.message.bytes"] == "" {
		r.Errorf("settings %v", conf)
	}
	if _, err := r.c.DescribeConfigs(r.prefix + "never"); !errors.Is(err, kafka.ErrUnknownTopic) {
		r.Errorf("settings of a topic that does not exist: %v", err)
	}
	list, err := r.c.ListTopics()
	r.ok(err)
	found := false
	for _, t := range list {
		found = found || t == info
	}
	if !found {
		r.Errorf("%+v is not in the list %+v", info, list)
	}
	others := []kafka.TopicSpec{{Name: r.prefix + "first", Partitions: 2}, {Name: name, Partitions: 1}, {Name: r.prefix + "second", Partitions: 1}}
	if err := r.c.CreateTopics(ctx, others...); !errors.Is(err, kafka.ErrTopicExists) {
		r.Errorf("create three topics of which one exists: %v", err)
	}
	both, err := r.c.DescribeTopics(others[0].Name, others[2].Name)
	r.ok(err)
	if both[others[0].Name].Partitions != 2 || both[others[2].Name].Partitions != 1 {
		r.Errorf("beside a topic that existed these were created: %v", both)
	}
	bad := kafka.TopicSpec{Name: r.prefix + "third", Partitions: 1, Replicas: 99}
	if err := r.c.CreateTopics(ctx, others[0], bad); !errors.Is(err, kafka.ErrTopicSettings) {
		r.Errorf("create a topic that exists and one with 99 replicas: %v", err)
	}
	r.ok(r.c.DeleteTopics(name, r.prefix+"never", others[0].Name, others[2].Name))
	r.await("the topic to go", func() bool {
		_, err = r.c.DescribeTopic(name)
		if err != nil && !errors.Is(err, kafka.ErrUnknownTopic) {
			r.Fatal(err)
		}
		return err != nil
	})
	for _, n := range []int32{0, -1, 1 << 30} {
		if err := r.c.CreateTopic(ctx, kafka.TopicSpec{Name: r.prefix + "n", Partitions: n}); err == nil || !strings.Contains(err.Error(), "partitions") {
			r.Errorf("create with %d partitions: %v", n, err)
		}
	}
	if err := r.c.CreateTopic(ctx, kafka.TopicSpec{Name: r.prefix + "bad name", Partitions: 1}); err == nil || !strings.Contains(err.Error(), "bad name") {
		r.Errorf("create with a bad name: %v", err)
	}
}

// testLate: a partition that is added while the broker holds a request back neither waits for its first records nor for those that come
// later.
func testLate(r *rig) {
	const longest = patience // that a broker holds a request back
	cfg := r.cfg
	cfg.RequestTimeout = 2 * longest
	c, err := kafka.Open(cfg)
	r.ok(err)
	r.Cleanup(func() { _ = c.Close() })
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	p := r.ready("a")
	r.ok(p.Send(ctx, one(topic, 0, "a"), one(topic, 1, "b")))
	r.ok(p.Commit(ctx))
	r.want(r.all(topic, 0), "a")
	r.want(r.all(topic, 1), "b")
	f := c.NewFetcher(kafka.FetchConfig{MaxWait: longest})
	defer f.Close()
	early, late := f.Subscribe(), f.Subscribe()
	r.ok(early.Add(topic, 0, 0))
	r.want(r.drain(early, topic, 0), "a")
	time.Sleep(50 * time.Millisecond) // now the next request waits at the broker; if it does not, this test is easier to pass

	began := time.Now()
	r.ok(late.Add(topic, 1, 0))
	r.want(r.drain(late, topic, 1), "b")
	r.ok(p.Send(ctx, one(topic, 1, "c")))
	r.ok(p.Commit(ctx))
	r.want(r.first(late), "c")
	if took := time.Since(began); took > longest/2 {
		r.Fatalf("the partition that was added late was read after %s", took)
	}
	r.ok(p.Send(ctx, one(topic, 0, "d"), one(topic, 1, "e")))
	r.ok(p.Commit(ctx))
	r.want(append(r.first(early), r.first(late)...), "d", "e")
}

// testPause: a paused partition is neither polled nor fetched; a full buffer holds fetching back; both go on after.
func testPause(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	f := r.c.NewFetcher(kafka.FetchConfig{BufferBytes: 1000, MaxWait: 20 * time.Millisecond})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	r.ok(s.Add(topic, 1, 0))
	if err := s.Add(topic, 1, 0); err == nil {
		r.Error("a partition was added twice")
	}
	s.Pause(topic, 1)
	var want []string
	for i := range 50 {
		v := fmt.Sprintf("%d-%s", i, strings.Repeat("y", 90))
		want = append(want, v)
		r.ok(p.Produce(ctx, one(topic, 0, v), one(topic, 1, v)))
	}
	r.await("an answer that tells of the records", func() bool { st, _ := s.Status(topic, 0); return st.HighWatermark > 0 })
	if st, _ := s.Status(topic, 0); st.Position != 0 || st.AtEnd {
		r.Fatalf("status before anything was taken: %+v", st)
	}
	for {
		b := r.next(s)
		if b.Partition != 0 {
			r.Fatal("a paused partition was polled")
		}
		if b.AtEnd() && b.Next == 50 {
			break
		}
	}
	s.Resume(topic, 1)
	r.want(r.drain(s, topic, 1), want...)
}

// testTwoReaders: two subscriptions read one partition from different positions through one fetcher, and meet.
func testTwoReaders(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	p := r.c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
		r.ok(p.Produce(ctx, one(topic, 0, fmt.Sprint(i))))
	}
	f := r.c.NewFetcher(kafka.FetchConfig{PartitionBytes: 100})
	defer f.Close()
	a, b := f.Subscribe(), f.Subscribe()
	r.ok(a.Add(topic, 0, 0))
	r.ok(b.Add(topic, 0, 17))
	r.want(r.drain(b, topic, 0), want[17:]...)
	r.want(r.drain(a, topic, 0), want...)
	r.ok(p.Produce(ctx, one(topic, 0, "last")))
	for _, s := range []*kafka.Subscription{a, b} {
		if got := r.next(s); len(got.Records) != 1 || string(got.Records[0].Value) != "last" {
			r.Fatalf("got %+v", got)
		}
	}
	a.Close()
	if _, ok := a.Status(topic, 0); ok {
		r.Error("a closed subscription still has its partition")
	}
}

// testGroupOffsets: offsets for lag tools, of a group without members.
func testGroupOffsets(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	group := r.prefix + "group"
	at, other := kafka.TopicPartition{Topic: topic, Partition: 1}, kafka.TopicPartition{Topic: topic}
	m, err := r.c.CommittedOffsets(group, at)
	r.ok(err)
	if len(m) != 0 {
		r.Errorf("offsets of an unknown group: %v", m)
	}
	r.ok(r.c.CommitOffsets(ctx, group, map[kafka.TopicPartition]int64{at: 42}))
	m, err = r.c.CommittedOffsets(group, at, other)
	r.ok(err)
	if len(m) != 1 || m[at] != 42 {
		r.Errorf("offsets %v", m)
	}
	for range 2 { // it is gone, and was never there
		r.ok(r.c.DeleteGroup(group))
	}
	if m, err = r.c.CommittedOffsets(group, at); err != nil || len(m) != 0 {
		r.Errorf("offsets of a deleted group: %v, %v", m, err)
	}
	slots := r.topic("slots", 1, nil)
	o := r.join(&ownership{owner: map[int32]string{}}, slots, "a")
	r.settled(map[*owner]int{o: 1})
	if err := r.c.DeleteGroup(slots); !errors.Is(err, kafka.ErrGroupInUse) {
		r.Errorf("a group with a member was deleted: %v", err)
	}
}

// testCompaction: compaction leaves gaps; the latest values are read, and the position still reaches the end.
func testCompaction(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, map[string]string{
		"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01", "min.compaction.lag.ms": "0", "retention.ms": "-1", "delete.retention.ms": "100",
	})
	p := r.ready("slot")
	want := map[string]string{}
	for round := range 20 {
		for k := range 5 {
			kv := fmt.Sprintf("k%d=%d", k, round)
			want[fmt.Sprint("k", k)] = kv
			r.ok(p.Send(ctx, one(topic, 0, kv)))
		}
		r.ok(p.Commit(ctx))
	}
	compacted := func() bool { return len(r.all(topic, 0)) < 40 }
	time.Sleep(250 * time.Millisecond)
	r.ok(p.Send(ctx, one(topic, 0, "last=0")))
	r.ok(p.Commit(ctx))
	want["last"] = "last=0"
	if r.embedded != nil {
		r.embedded.Compact()
	}
	for deadline := time.Now().Add(patience); !compacted(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("the log was never compacted")
		}
		// Only closed segments are cleaned, and a segment is closed by the next write after its time.
		r.ok(p.Send(ctx, one(topic, 0, "last=0")))
		r.ok(p.Commit(ctx))
	}
	end, err := r.c.Offset(ctx, topic, 0, kafka.LastStable)
	r.ok(err)
	start, err := r.c.Offset(ctx, topic, 0, kafka.Earliest)
	r.ok(err)
	rd := r.c.NewReader()
	defer rd.Close()
	got, next := map[string]string{}, int64(0)
	for b, err := range rd.Range(ctx, topic, 0, start, end) {
		r.ok(err)
		for _, rec := range b.Records {
			got[string(rec.Key)] = text(rec)
		}
		next = b.Next
	}
	if !reflect.DeepEqual(got, want) || next < end {
		r.Errorf("got %v up to %d, want %v up to %d", got, next, want, end)
	}
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, start))
	r.drain(s, topic, 0)
	if st, _ := s.Status(topic, 0); st.Position < end {
		r.Errorf("the fetcher stopped at %d of %d", st.Position, end)
	}
}
