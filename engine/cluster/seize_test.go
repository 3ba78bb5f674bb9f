package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/engine/kafka"
)

// TestSeizedSlotChecksAllTasks: a slot that was seized again goes on from what is written, also with tasks that had no part in
// the transaction that failed: another server may have committed for them.
func TestSeizedSlotChecksAllTasks(t *testing.T) {
	onBrokers(t, func(r *rig) {
		s, db := r.boot(func(c *Config) { c.Slots = 1 })
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.produce(0, 100)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		s.mu.Lock()
		sl := s.slots[0]
		s.mu.Unlock()
		const position, end = 20, 50 // half of the records are in the partition
		read := s.Metrics().RecordsIn.Load()
		done := make(chan error, 1)
		sl.post(func() { done <- elsewhere(sl, TaskID{"q", "sink-1", 1}, r.name("in"), position) })
		r.ok(<-done)
		r.await("the records after the other server's position to be read again", func() bool {
			return s.Metrics().RecordsIn.Load() >= read+end-position && r.caughtUp(s, "q", 2)
		})
		if again := s.Metrics().RecordsIn.Load() - read; again != end-position {
			r.Errorf("%d records were read again, want the %d after the other server's position", again, end-position)
		}
		r.close(s, db)
	})
}

// elsewhere commits a position of a task as another server would, and then has the slot find out how a transaction ended
// in which the task had no part.
func elsewhere(sl *slot, id TaskID, topic string, position int64) error {
	rec, err := decodeRecord(sl.records[id.String()])
	if err != nil {
		return err
	}
	rec.Inputs[topic] = position
	value, err := rec.encode()
	if err != nil {
		return err
	}
	other := sl.s.cfg.Kafka.NewTxnProducer(kafka.TxnConfig{ID: sl.s.cfg.TransactionalID(sl.n)})
	defer other.Close()
	if err := other.Init(sl.io); err != nil {
		return err
	}
	batch := kafka.ProduceBatch{
		Topic: SlotsTopic(sl.s.cfg.Service), Partition: sl.n, Records: []kafka.Record{{Key: []byte(id.String()), Value: value}},
	}
	if err := other.Send(sl.io, batch); err != nil {
		return err
	}
	if err := other.Commit(sl.io); err != nil {
		return err
	}
	return sl.resolve(nil, kafka.ErrUnknownOutcome)
}

// TestStopWhileSlotCatchesUp: a slot that is taken over waits for the commands its former owner knew. The command that is being
// applied must not wait for it in turn.
func TestStopWhileSlotCatchesUp(t *testing.T) {
	onBrokers(t, func(r *rig) {
		stopped, waiting := make(chan struct{}), make(chan struct{}, 1)
		s, db := r.boot(func(c *Config) {
			c.Slots = 1
			c.CatchUp = func(ctx context.Context, _ int64) error {
				select {
				case waiting <- struct{}{}:
				default:
				}
				select {
				case <-stopped:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		})
		r.ok(s.StartQuery(r.Context(), r.counting("old", nil)))
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		<-waiting
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		r.ok(s.StopQuery(ctx, "old", true))
		close(stopped)
		r.produce(0, 100)
		r.await("the query to catch up", func() bool { return r.caughtUp(s, "q", 2) })
		r.close(s, db)
		r.exact(100)
	})
}

// TestAtLeastOnceFirstRecordLost: outside the transaction a changelog may be written although the first slots record was not.
func TestAtLeastOnceFirstRecordLost(t *testing.T) {
	onBrokers(t, func(r *rig) {
		var failed atomic.Bool
		s, db := r.bootWith(func(c *Config) { c.Slots, c.AtLeastOnce = 1, true }, func(point string) error {
			if point == "end" && !failed.Swap(true) {
				return fmt.Errorf("%w: %w", errInjected, kafka.ErrFatal)
			}
			return nil
		})
		r.produce(0, 100)
		r.ok(s.StartQuery(r.Context(), r.counting("q", nil)))
		r.await("the query to catch up", func() bool {
			if st, _ := s.Status("q"); st.Err != nil {
				r.Fatal(st.Err)
			}
			return r.caughtUp(s, "q", 2)
		})
		r.close(s, db)
	})
}
