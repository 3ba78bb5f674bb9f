package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// TestBrokerCrash kills the brokers of a cluster of three one after the other, with -9, under a slot that commits all
// the time. Leaders and coordinators move; what is committed must be exact, for a reader that was there all along and
// for one that comes later.
//
// It runs where MILLRACE_KAFKA_CTL names the script that kills and starts brokers: 'make test-kafka'.
func TestBrokerCrash(t *testing.T) {
	script, addrs := os.Getenv("MILLRACE_KAFKA_CTL"), strings.Split(os.Getenv("MILLRACE_KAFKA"), ",")
	if script == "" || len(addrs) < 3 {
		t.Skip("needs MILLRACE_KAFKA with three brokers and MILLRACE_KAFKA_CTL: 'make test-kafka' sets them")
	}
	run(t, func(r *rig) { testBrokerCrash(r, script) }, &rig{cfg: kafka.Config{Brokers: addrs}, real: true})
}

const crashPartitions = 6

func testBrokerCrash(r *rig, script string) {
	slots := r.topic("slots", 3, map[string]string{"cleanup.policy": "compact", "min.insync.replicas": "2"})
	out := r.topic("out", crashPartitions, map[string]string{"retention.ms": "-1", "min.insync.replicas": "2"})
	f := r.c.NewFetcher(kafka.FetchConfig{})
	defer f.Close()
	s := f.Subscribe()
	for p := range int32(crashPartitions) {
		r.ok(s.Add(out, p, 0))
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan int, 1)
	var commits atomic.Int64
	go func() { done <- crashSlot(ctx, r, slots, out, &commits) }()
	underLoad := func() {
		before := commits.Load()
		r.await("transactions to be committed", func() bool { return commits.Load() >= before+20 })
	}
	for _, n := range []string{"1", "2", "3"} {
		underLoad()
		control(r, script, "kill", n)
		time.Sleep(7 * time.Second) // in which the others notice, and take over
		control(r, script, "start", n)
	}
	underLoad()
	stop()
	total := <-done
	r.Logf("%d transactions were committed", total)
	seen := [crashPartitions][]string{}
	for p := range int32(crashPartitions) {
		later := r.all(out, p)
		end, err := r.c.Offset(r.ctx(), out, p, kafka.LastStable)
		r.ok(err)
		for at := int64(0); at < end; {
			seen[p] = append(seen[p], r.drain(s, out, p)...)
			st, _ := s.Status(out, p)
			at = st.Position
		}
		r.want(seen[p], later...)
		if len(seen[p]) != total {
			r.Errorf("partition %d has %d records, want %d", p, len(seen[p]), total)
		}
		for i, v := range seen[p] {
			if v != fmt.Sprint(i) {
				r.Fatalf("partition %d: record %d is %s", p, i, v)
			}
		}
	}
}

func control(r *rig, script string, args ...string) {
	r.Helper()
	if text, err := exec.Command(script, args...).CombinedOutput(); err != nil {
		r.Fatalf("%s %v: %v\n%s", script, args, err, text)
	}
}

// crashSlot writes 0, 1, 2, ... to every partition of out, one transaction each, and returns how many it committed. It
// does what a slot does about errors.
func crashSlot(ctx context.Context, r *rig, slots, out string, commits *atomic.Int64) int {
	p := r.c.NewTxnProducer(kafka.TxnConfig{ID: r.prefix + "slot", Timeout: 10 * time.Second})
	defer p.Close()
	n, ready := 0, false
	var stopped time.Time
	for {
		if !ready {
			if ctx.Err() == nil {
				stopped = time.Now()
			} else if time.Since(stopped) > patience { // which of its transactions were committed, only the next owner knows
				r.Errorf("stopped while in trouble")
				return n
			}
			if err := p.Init(context.Background()); err != nil {
				r.Logf("at %d: %v", n, err)
				time.Sleep(100 * time.Millisecond)
				continue
			}
			var err error
			if n, err = crashCommitted(r, slots); err != nil {
				r.Errorf("read the slot's record: %v", err)
				return n
			}
			ready = true
		}
		if ctx.Err() != nil {
			return n
		}
		err := crashCommit(p, slots, out, n)
		switch {
		case err == nil:
			n++
			commits.Add(1)
		case errors.Is(err, kafka.ErrFatal):
			r.Errorf("at %d: %v", n, err)
			return n
		default:
			r.Logf("at %d: %v", n, err)
			ready = false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func crashCommit(p *kafka.TxnProducer, slots, out string, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	batches := []kafka.ProduceBatch{one(slots, 1, fmt.Sprintf("n=%d", n+1))}
	for part := range int32(crashPartitions) {
		batches = append(batches, one(out, part, fmt.Sprint(n)))
	}
	if err := p.Send(ctx, batches...); err != nil {
		return err
	}
	return p.Commit(ctx)
}

func crashCommitted(r *rig, slots string) (n int, err error) {
	rd := r.c.NewReader()
	defer rd.Close()
	for b, err := range rd.All(context.Background(), slots, 1) {
		if err != nil {
			return n, err
		}
		for _, rec := range b.Records {
			if n, err = strconv.Atoi(string(rec.Value)); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
