package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

const (
	defineNumbers = `CREATE STREAM %s (k BIGINT KEY, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='DELIMITED');`

	// joinSides keeps the rows of both sides to the end: the times of a key's two rows are as many milliseconds apart as there are keys.
	joinSides = `CREATE STREAM bench WITH (KAFKA_TOPIC='%s') AS SELECT a.k, a.v AS av, b.v AS bv FROM a JOIN b WITHIN %d MILLISECONDS ON a.k = b.k EMIT CHANGES;`
	// finalCount keeps all windows until the last key was counted.
	finalCount = `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM a
  WINDOW TUMBLING (SIZE %d MILLISECONDS, RETENTION %d MILLISECONDS, GRACE PERIOD %d MILLISECONDS) GROUP BY k EMIT FINAL;`

	spillWindows = 100 // how many windows EMIT FINAL ends one after another, about
)

// Spill runs queries whose state is larger than the server's memory: a join of two streams, and a windowed count with EMIT FINAL that ends
// window after window once all keys are counted. It prints records per CPU-second, peak memory and the size on disk of each, and fails
// unless every result is there once. Memory is what --memory says.
func Spill(ctx context.Context, o Options, keys int, memory string) error {
	if keys < spillWindows {
		return fmt.Errorf("measure state beyond memory: %d keys: %d are the least", keys, spillWindows)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	fmt.Fprintf(o.Out, "%d keys, --memory %s\n", keys, memory)
	if err := r.spillJoin(ctx, keys, memory); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := r.spillFinal(ctx, keys, memory); err != nil {
		return fmt.Errorf("EMIT FINAL: %w", err)
	}
	return nil
}

// spillJoin joins each key's row with one that comes when all keys had theirs.
func (r *rig) spillJoin(ctx context.Context, keys int, memory string) error {
	left, err := r.loadNumbers(ctx, "left", keys, bidPartitions, baseTime)
	if err != nil {
		return err
	}
	right, err := r.loadNumbers(ctx, "right", keys, bidPartitions, baseTime+int64(keys))
	if err != nil {
		return err
	}
	return r.spill(ctx, "join", memory, 2*keys, keys, []string{
		fmt.Sprintf(defineNumbers, "a", left), fmt.Sprintf(defineNumbers, "b", right),
	}, func(sink string) string { return fmt.Sprintf(joinSides, sink, keys) }, joinedNumber)
}

// spillFinal counts each key once, and then ends the windows, one or two by each record. The records come so close behind each other that a
// task takes those of its partition at once: they end all its windows together.
func (r *rig) spillFinal(ctx context.Context, keys int, memory string) error {
	topic, err := r.loadNumbers(ctx, "finals", keys, bidPartitions, baseTime)
	if err != nil {
		return err
	}
	size := keys / spillWindows
	grace := 2 * keys // what ends the windows is in ones that do not end
	ends := keys/size + 1
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := range ends {
		var batches []kafka.ProduceBatch
		for n := range bidPartitions {
			batches = append(batches, kafka.ProduceBatch{Topic: topic, Partition: int32(n), Records: []kafka.Record{{
				Timestamp: baseTime + int64(grace+(i+2)*size), Key: binary.BigEndian.AppendUint64(nil, scattered(keys+n)), Value: []byte("0"),
			}}})
		}
		if err := p.Send(ctx, batches...); err != nil {
			return fmt.Errorf("load the last records: %w", err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return r.spill(ctx, "EMIT FINAL", memory, keys+ends*bidPartitions, keys, []string{fmt.Sprintf(defineNumbers, "a", topic)},
		func(sink string) string { return fmt.Sprintf(finalCount, sink, size, 10*keys, grace) }, countedNumber)
}

// spill runs a query in a fresh server to the end of its input, prints what that took, and looks at its results.
func (r *rig) spill(
	ctx context.Context, name, memory string, records, keys int, define []string, query func(sink string) string, number func(value string) (int, error),
) error {
	s, err := r.start(ctx, "--memory", memory)
	if err != nil {
		return err
	}
	defer r.stop(s)
	// The server would make a topic whose old records are deleted in time, and those of this input are old.
	sink := kafka.TopicSpec{Name: r.sink(), Partitions: bidPartitions, Configs: map[string]string{"retention.ms": "-1"}}
	if err := r.client.CreateTopic(ctx, sink); err != nil {
		return err
	}
	for _, sql := range define {
		if err := s.api.Execute(ctx, sql, props); err != nil {
			return err
		}
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	peak := s.observe(watching)
	before, err := s.usage(ctx)
	if err != nil {
		return err
	}
	if err := s.api.Execute(ctx, query(sink.Name), props); err != nil {
		return err
	}
	if _, err := r.await(ctx, s, name, records, records); err != nil {
		return err
	}
	after, err := r.written(ctx, s, keys)
	if err != nil {
		return err
	}
	c, err := consumed(before, after)
	if err != nil {
		return err
	}
	used, err := peak()
	if err != nil {
		return err
	}
	disk, err := s.disk()
	if err != nil {
		return err
	}
	if err := r.once(ctx, sink, keys, number); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "%s: %.0f records per CPU-second, %s\n", name, c.perCPU(), used)
	fmt.Fprintf(r.Out, "  %.0f records, %.2f CPU-seconds, %.1f s, %d MB on disk, %d results, each once\n", c.records, c.cpu.Seconds(), c.wall.Seconds(), disk>>20, keys)
	return nil
}

// written waits until a query has written so many results: the windows that its last records end are emitted in many transactions.
func (r *rig) written(ctx context.Context, s *server, results int) (usage, error) {
	for {
		u, err := s.usage(ctx)
		if err != nil {
			return u, err
		}
		if n, err := u.metrics.Sum("millrace_query_records_out_total"); err == nil && n >= float64(results) { // else its tasks are just being taken over
			return u, nil
		}
		select {
		case <-ctx.Done():
			return u, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// once makes sure that a topic has one result of each number below keys, and no other.
func (r *rig) once(ctx context.Context, sink kafka.TopicSpec, keys int, number func(value string) (int, error)) error {
	seen, count := make([]bool, keys), 0
	reader := r.client.NewReader()
	defer reader.Close()
	for p := range sink.Partitions {
		for b, err := range reader.All(ctx, sink.Name, p) {
			if err != nil {
				return fmt.Errorf("read the results: %w", err)
			}
			for _, rec := range b.Records {
				n, err := number(string(rec.Value))
				switch {
				case err != nil:
					return fmt.Errorf("the result %q of key %x: %w", rec.Value, rec.Key, err)
				case n < 0 || n >= keys || len(rec.Key) < 8 || binary.BigEndian.Uint64(rec.Key) != scattered(n):
					return fmt.Errorf("the result %q of key %x should not be there", rec.Value, rec.Key)
				case seen[n]:
					return fmt.Errorf("the result %q of key %x is there twice", rec.Value, rec.Key)
				}
				seen[n] = true
				count++
			}
		}
	}
	if count != keys {
		return fmt.Errorf("%d results, want %d", count, keys)
	}
	return nil
}

// joinedNumber reads a result of the join: both sides have the same number.
func joinedNumber(value string) (int, error) {
	var left, right int
	if _, err := fmt.Sscanf(value, "%d,%d", &left, &right); err != nil {
		return 0, err
	}
	if left != right {
		return 0, fmt.Errorf("rows %d and %d are joined", left, right)
	}
	return left, nil
}

// countedNumber reads a result of the count: one record, whose number is the sum.
func countedNumber(value string) (int, error) {
	var n, total int
	if _, err := fmt.Sscanf(value, "%d,%d", &n, &total); err != nil {
		return 0, err
	}
	if n != 1 {
		return 0, fmt.Errorf("%d records, want 1", n)
	}
	return total, nil
}
