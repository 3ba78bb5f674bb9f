package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// testZombie: an owner that was taken over can neither write nor commit, and nothing of its transaction is seen.
func testZombie(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	old := r.ready("slot")
	r.ok(old.Send(ctx, one(topic, 0, "old")))
	r.ok(old.Flush(ctx))
	next := r.ready("slot")
	if err := old.Commit(ctx); !errors.Is(err, kafka.ErrFenced) {
		r.Fatalf("commit of a zombie: %v", err)
	}
	if err := old.Send(ctx, one(topic, 0, "later")); !errors.Is(err, kafka.ErrUnknownOutcome) {
		r.Fatalf("send without Init: %v", err)
	}
	r.ok(next.Send(ctx, one(topic, 0, "new")))
	r.ok(next.Commit(ctx))
	r.want(r.all(topic, 0), "new")

	// A zombie that wakes up between transactions, and touches a partition that is new to it.
	third := r.ready("slot")
	r.ok(next.Send(ctx, one(topic, 1, "zombie")))
	if err := next.Commit(ctx); !errors.Is(err, kafka.ErrFenced) {
		r.Fatalf("transaction of a zombie: %v", err)
	}
	r.ok(third.Send(ctx, one(topic, 1, "third")))
	r.ok(third.Commit(ctx))
	r.want(r.all(topic, 1), "third")
}

// testTakeOver: when Init returns, the dead owner's transaction is decided on every partition.
func testTakeOver(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 8, nil)
	dead := r.ready("slot")
	for p := range int32(8) {
		r.ok(dead.Send(ctx, one(topic, p, "lost", "lost too")))
	}
	r.ok(dead.Flush(ctx))
	for p := range int32(8) {
		if at, err := r.c.Offset(ctx, topic, p, kafka.LastStable); err != nil || at != 0 {
			r.Fatalf("last stable offset under an open transaction: %d, %v", at, err)
		}
	}
	dead.Close()
	next := r.ready("slot")
	for p := range int32(8) {
		stable, err := r.c.Offset(ctx, topic, p, kafka.LastStable)
		r.ok(err)
		latest, err := r.c.Offset(ctx, topic, p, kafka.Latest)
		r.ok(err)
		if stable != latest || stable < 2 {
			r.Fatalf("partition %d: last stable %d, latest %d right after the take-over", p, stable, latest)
		}
		r.want(r.committed(topic, p))
	}
	r.ok(next.Send(ctx, one(topic, 3, "kept")))
	r.ok(next.Commit(ctx))
	r.want(r.all(topic, 3), "kept")
}

// testAlways: the partition that is part of every transaction costs no request of its own, whether it is written together with the others,
// after them, alone, or not at all.
func testAlways(r *rig) {
	const addPartitions = 24
	f := r.faulty()
	ctx := r.ctx()
	out, slots := r.topic("out", 2, nil), r.topic("slots", 1, nil)
	p := r.c.NewTxnProducer(kafka.TxnConfig{
		ID: r.prefix + "a", Timeout: 20 * time.Second, Always: kafka.TopicPartition{Topic: slots, Partition: 0},
	})
	r.Cleanup(p.Close)
	r.ok(p.Init(ctx))
	cost := func(what string, want int) {
		r.Helper()
		// A real coordinator wants the request again while the markers of the last transaction are on their way.
		if got := f.since(addPartitions); got != want && !r.real {
			r.Fatalf("%s: %d requests to add partitions, want %d", what, got, want)
		}
	}
	cost("no transaction", 0)
	r.ok(p.Send(ctx, one(out, 0, "a")))
	r.ok(p.Flush(ctx))
	r.ok(p.Send(ctx, one(slots, 0, "1")))
	r.ok(p.Commit(ctx))
	cost("written after the others", 1)
	r.ok(p.Send(ctx, one(out, 0, "b"), one(slots, 0, "2")))
	r.ok(p.Commit(ctx))
	cost("written with the others", 1)
	r.ok(p.Send(ctx, one(slots, 0, "3")))
	r.ok(p.Commit(ctx))
	cost("written alone", 1)
	r.ok(p.Send(ctx, one(out, 0, "dropped")))
	r.ok(p.Flush(ctx))
	r.ok(p.Abort(ctx))
	cost("not written", 1)
	r.ok(p.Send(ctx, one(out, 1, "c")))
	r.ok(p.Commit(ctx))
	cost("not written, committed", 1)
	r.want(r.all(out, 0), "a", "b")
	r.want(r.all(out, 1), "c")
	r.want(r.all(slots, 0), "1", "2", "3")

	// What a transaction that touched it without writing leaves behind does not disturb the next owner.
	next := r.ready("a")
	r.ok(next.Send(ctx, one(slots, 0, "4")))
	r.ok(next.Commit(ctx))
	r.want(r.all(slots, 0), "1", "2", "3", "4")
}

// testSlotsRecord: offsets written to the slots topic inside the transaction are what the next owner reads, and they
// agree with the output.
func testSlotsRecord(r *rig) {
	ctx := r.ctx()
	slots := r.topic("slots", 4, map[string]string{"cleanup.policy": "compact"})
	out := r.topic("out", 1, nil)
	commit := func(p *kafka.TxnProducer, n int) {
		r.ok(p.Send(ctx, one(out, 0, fmt.Sprint(n))))
		r.ok(p.Flush(ctx))
		end, ok := p.End(out, 0)
		if !ok {
			r.Fatal("no end after a flush")
		}
		r.ok(p.Send(ctx, one(slots, 2, fmt.Sprintf("task=%d@%d", n, end))))
	}
	last := func() string {
		list := r.all(slots, 2)
		if len(list) == 0 {
			return ""
		}
		return list[len(list)-1]
	}
	p := r.ready("slot")
	commit(p, 1)
	r.ok(p.Commit(ctx))
	first := last()
	r.want([]string{first}, "task=1@1")
	commit(p, 2)
	r.ok(p.Flush(ctx))
	r.ok(p.Abort(ctx))
	r.want([]string{last()}, first)
	commit(p, 2)
	r.ok(p.Flush(ctx)) // dies here
	p = r.ready("slot")
	if list := r.committed(slots, 2); list[len(list)-1] != first {
		r.Fatalf("slots records right after the take-over: %q", list)
	}
	commit(p, 2)
	r.ok(p.Commit(ctx))
	r.want(r.all(out, 0), "1", "2")
	if last() == first {
		r.Fatal("the committed record is not seen")
	}
}

// testInterleaved: the batches of two producers alternate in one partition; only one of them commits.
func testInterleaved(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	a, b := r.ready("a"), r.ready("b")
	plain := r.c.NewProducer(kafka.ProducerConfig{})
	defer plain.Close()
	var want []string
	for round := range 4 {
		for i := range 3 {
			r.ok(a.Send(ctx, one(topic, 0, fmt.Sprintf("a%d.%d", round, i))))
			r.ok(a.Flush(ctx))
			r.ok(b.Send(ctx, one(topic, 0, fmt.Sprintf("b%d.%d", round, i))))
			r.ok(b.Flush(ctx))
			r.ok(plain.Produce(ctx, one(topic, 0, fmt.Sprintf("p%d.%d", round, i))))
			switch round {
			case 0, 2:
				want = append(want, fmt.Sprintf("b%d.%d", round, i))
			case 3:
				want = append(want, fmt.Sprintf("a%d.%d", round, i))
			}
			want = append(want, fmt.Sprintf("p%d.%d", round, i))
		}
		switch round {
		case 0, 2:
			r.ok(a.Abort(ctx))
			r.ok(b.Commit(ctx))
		case 1:
			r.ok(b.Abort(ctx))
			r.ok(a.Abort(ctx))
		case 3:
			r.ok(a.Commit(ctx))
			r.ok(b.Abort(ctx))
		}
	}
	r.want(r.all(topic, 0), want...)
	// Small answers cut the log at every batch: the filter must not need to see a transaction's beginning.
	f := r.c.NewFetcher(kafka.FetchConfig{PartitionBytes: 100})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	r.want(r.drain(s, topic, 0), want...)
}

// testEndPosition: after a commit the log ends with a marker, which is not a record; the position is behind it, and
// the partition is at its end.
func testEndPosition(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	r.atEnd(s, topic, 0)
	p := r.ready("a")
	for round := range 3 {
		r.ok(p.Send(ctx, one(topic, 0, "x")))
		if round == 1 {
			r.ok(p.Flush(ctx))
			r.ok(p.Abort(ctx))
		} else {
			r.ok(p.Commit(ctx))
		}
	}
	var got []string
	var st kafka.PartitionStatus
	r.await("the end", func() bool {
		for _, b := range s.Poll(nil) {
			r.ok(b.Err)
			for _, rec := range b.Records {
				got = append(got, fmt.Sprint(rec.Offset))
			}
		}
		st, _ = s.Status(topic, 0)
		return st.AtEnd && st.Position == 6
	})
	r.want(got, "0", "4")
	if !st.AtEnd || st.Position != 6 || st.LastStable != 6 || st.HighWatermark != 6 {
		r.Fatalf("status %+v, want position, last stable and high watermark 6", st)
	}
	// An open transaction holds the end back, and the partition is at its end all the same.
	r.ok(p.Send(ctx, one(topic, 0, "open")))
	r.ok(p.Flush(ctx))
	if at, err := r.c.Offset(ctx, topic, 0, kafka.LastStable); err != nil || at != 6 {
		r.Fatalf("last stable %d, %v", at, err)
	}
	if at, err := r.c.Offset(ctx, topic, 0, kafka.Latest); err != nil || at != 7 {
		r.Fatalf("latest %d, %v", at, err)
	}
	r.ok(p.Abort(ctx))
}

// Request keys of the protocol.
const (
	keyProduce = 0
	keyEndTxn  = 26
)

// testLostCommit: the answer to a commit is lost. The repetition finds out that it was carried out.
func testLostCommit(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 2, nil)
	fault := r.faulty()
	p := r.ready("slot")
	for i := range 5 {
		r.ok(p.Send(ctx, one(topic, 0, fmt.Sprint(i)), one(topic, 1, fmt.Sprint(i))))
		fault.arm(keyEndTxn)
		r.ok(p.Commit(ctx))
		if !fault.hit() {
			r.Fatal("the answer was not lost")
		}
	}
	r.want(r.all(topic, 0), "0", "1", "2", "3", "4")
	r.want(r.all(topic, 1), "0", "1", "2", "3", "4")
}

// testLostProduce: the answer to a produce request is lost. The repetition has the same sequence numbers, so the
// records are written once.
func testLostProduce(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	fault := r.faulty()
	p := r.ready("slot")
	var want []string
	for i := range 5 {
		fault.arm(keyProduce)
		r.ok(p.Send(ctx, one(topic, 0, fmt.Sprint(i))))
		r.ok(p.Flush(ctx))
		if !fault.hit() {
			r.Fatal("the answer was not lost")
		}
		if end, ok := p.End(topic, 0); !ok || end != int64(2*i+1) {
			r.Fatalf("end %d, %v", end, ok)
		}
		r.ok(p.Commit(ctx))
		want = append(want, fmt.Sprint(i))
	}
	r.want(r.all(topic, 0), want...)
}

// testInterrupted: a flush that is given up leaves the outcome unknown; only Init is allowed, and it drops everything.
func testInterrupted(r *rig) {
	topic := r.topic("t", 1, nil)
	fault := r.faulty()
	p := r.ready("slot")
	fault.stall(true)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := p.Send(ctx, one(topic, 0, "x"))
	if err == nil {
		err = p.Commit(ctx)
	}
	if err == nil || time.Since(began) > patience {
		r.Fatalf("commit over a dead connection: %v after %s", err, time.Since(began))
	}
	fault.stall(false)
	if err := p.Commit(r.ctx()); !errors.Is(err, kafka.ErrUnknownOutcome) {
		r.Fatalf("commit after an unknown outcome: %v", err)
	}
	r.ok(p.Init(r.ctx()))
	r.ok(p.Send(r.ctx(), one(topic, 0, "y")))
	r.ok(p.Commit(r.ctx()))
	r.want(r.all(topic, 0), "y")
}

// testTooLarge: a record that the broker refuses spoils the transaction and nothing else.
func testTooLarge(r *rig) {
	ctx := r.ctx()
	topic := r.topic("t", 1, nil)
	p := r.ready("slot")
	r.ok(p.Send(ctx, one(topic, 0, "small")))
	err := p.Send(ctx, one(topic, 0, string(make([]byte, 3<<20))))
	if err == nil {
		err = p.Commit(ctx)
	}
	if !errors.Is(err, kafka.ErrAbortable) || !errors.Is(err, kafka.ErrTooLarge) {
		r.Fatalf("a record of 3 MB: %v", err)
	}
	r.ok(p.Abort(ctx))
	r.ok(p.Send(ctx, one(topic, 0, "next")))
	r.ok(p.Commit(ctx))
	r.want(r.all(topic, 0), "next")
}

// testUnknownTopic: writing to a topic that is not there ends within seconds and says so.
func testUnknownTopic(r *rig) {
	ctx := r.ctx()
	topic := r.prefix + "missing"
	p := r.ready("slot")
	err := p.Send(ctx, one(topic, 0, "x"))
	if err == nil {
		err = p.Commit(ctx)
	}
	if !errors.Is(err, kafka.ErrAbortable) {
		r.Fatalf("commit: %v", err)
	}
	r.ok(p.Abort(ctx))
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	r.ok(s.Add(topic, 0, 0))
	if !errors.Is(err, kafka.ErrUnknownTopic) {
		r.Fatalf("commit: %v", err)
	}
	if b := r.next(s); !errors.Is(b.Err, kafka.ErrUnknownTopic) {
		r.Fatalf("fetch: %v", b.Err)
	}
}
