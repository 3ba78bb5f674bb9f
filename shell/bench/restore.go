package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

const (
	defineKeys = `CREATE STREAM keys (k BIGINT KEY, v BIGINT) WITH (KAFKA_TOPIC='%s', KEY_FORMAT='KAFKA', VALUE_FORMAT='DELIMITED');`
	countKeys  = `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM keys GROUP BY k EMIT CHANGES;`

	restoredRecords = "millrace_query_restored_records_total"
	restoredBytes   = "millrace_query_restored_bytes_total"
)

// Restore builds a table and measures two starts of its server: from its own state, and on an empty disk, where the state is rebuilt
// from the changelog. It is ready when pull queries for keys of all partitions are answered.
func Restore(ctx context.Context, o Options, keys int) error {
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	topic, err := r.loadKeys(ctx, keys, bidPartitions)
	if err != nil {
		return err
	}
	s, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer r.stop(s)
	if err := r.build(ctx, s, topic, keys); err != nil {
		return fmt.Errorf("build the table: %w", err)
	}
	if err := r.restart(ctx, s, "local state", keys); err != nil {
		return fmt.Errorf("start from local state: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(s.data(), "state")); err != nil {
		return fmt.Errorf("empty the disk: %w", err)
	}
	if err := r.restart(ctx, s, "empty disk", keys); err != nil {
		return fmt.Errorf("start on an empty disk: %w", err)
	}
	return nil
}

// loadKeys writes one record a key.
func (r *rig) loadKeys(ctx context.Context, keys int, partitions int32) (topic string, err error) {
	return r.loadNumbers(ctx, "keys", keys, partitions, baseTime)
}

// loadNumbers writes one record a key, which are numbered, in an order that has nothing to do with that of the keys, and a millisecond apart.
func (r *rig) loadNumbers(ctx context.Context, name string, keys int, partitions int32, from int64) (topic string, err error) {
	if topic, err = r.topic(ctx, name, partitions); err != nil {
		return "", err
	}
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	const run = 10_000
	for done := 0; done < keys; {
		batches := make([]kafka.ProduceBatch, partitions)
		for i := range batches {
			batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i)}
		}
		for range min(run, keys-done) {
			key := binary.BigEndian.AppendUint64(nil, scattered(done))
			b := &batches[kafka.PartitionFor(key, partitions)]
			b.Records = append(b.Records, kafka.Record{Timestamp: from + int64(done), Key: key, Value: strconv.AppendInt(nil, int64(done), 10)})
			done++
		}
		if err := p.Send(ctx, batches...); err != nil {
			return "", fmt.Errorf("load keys: %w", err)
		}
		fmt.Fprintf(r.Progress, "\rloading %s: %d of %d", name, done, keys)
	}
	fmt.Fprintln(r.Progress)
	return topic, p.Flush(ctx)
}

// scattered maps numbers to keys all over the positive BIGINTs.
func scattered(n int) uint64 { return uint64(n) * 0x9e3779b97f4a7c15 >> 1 }

// build runs the query to the end of its input and ends the server in good order.
func (r *rig) build(ctx context.Context, s *server, topic string, keys int) error {
	if err := s.api.Execute(ctx, fmt.Sprintf(defineKeys, topic), props); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	peak := s.observe(ctx)
	before, err := s.usage(ctx)
	if err != nil {
		return err
	}
	if err := s.api.Execute(ctx, fmt.Sprintf(countKeys, r.sink()), props); err != nil {
		return err
	}
	after, err := r.await(ctx, s, "building", keys, keys)
	if err != nil {
		return err
	}
	memory, err := peak()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := s.End(10 * time.Minute); err != nil {
		return err
	}
	disk, err := s.disk()
	fmt.Fprintf(r.Out, "build: %d keys in %.1f s, %.1f CPU-seconds, %s\n", keys, after.at.Sub(before.at).Seconds(), (after.cpu - before.cpu).Seconds(), memory)
	fmt.Fprintf(r.Out, "  ended in %.1f s, %d MB on disk\n", time.Since(began).Seconds(), disk>>20)
	return err
}

// restart measures a start, and ends the server.
func (r *rig) restart(ctx context.Context, s *server, name string, keys int) error {
	began := time.Now()
	if err := r.launch(ctx, s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	peak := s.observe(ctx)
	if err := r.answers(ctx, s, name, keys); err != nil {
		return err
	}
	took := time.Since(began)
	u, err := s.usage(ctx)
	if err != nil {
		return err
	}
	records, err := u.metrics.Sum(restoredRecords)
	if err != nil {
		return err
	}
	volume, err := u.metrics.Sum(restoredBytes)
	if err != nil {
		return err
	}
	memory, err := peak()
	if err != nil {
		return err
	}
	if err := s.End(10 * time.Minute); err != nil {
		return err
	}
	disk, err := s.disk()
	fmt.Fprintf(r.Out, "%s: ready in %.2f s, %.1f CPU-seconds, %.0f records replayed, %s, %d MB on disk\n",
		name, took.Seconds(), u.cpu.Seconds(), records, memory, disk>>20)
	if records > 0 {
		fmt.Fprintf(r.Out, "  %.0f records/s, %.1f MB/s, %.0f records per CPU-second\n",
			records/took.Seconds(), volume/1e6/took.Seconds(), records/u.cpu.Seconds())
	}
	return err
}

// answers waits until pull queries for the last keys have their rows.
func (r *rig) answers(ctx context.Context, s *server, name string, keys int) error {
	for n := max(0, keys-16); n < keys; {
		b, err := s.api.Query(ctx, fmt.Sprintf("SELECT n, total FROM bench WHERE k = %d;", scattered(n)))
		if err == nil && bytes.Contains(b, fmt.Appendf(nil, "[1,%d]", n)) {
			n++
			continue
		}
		m, merr := s.api.Scrape(ctx)
		if merr != nil {
			return merr
		}
		left, merr := m.Sum("millrace_query_restore_remaining")
		if merr != nil {
			left = 0 // the query is not known yet
		}
		fmt.Fprintf(r.Progress, "\r%s: %.0f offsets to restore ", name, left)
		if err == nil && !bytes.Contains(b, []byte("errorMessage")) { // as while the task is not there
			return fmt.Errorf("key %d has lost its row: the answer is %s", scattered(n), b)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	fmt.Fprintln(r.Progress)
	return nil
}

// disk is the size of the server's state. Badger's logs are longer than what they hold, so blocks are counted.
func (s *server) disk() (n int64, err error) {
	files, err := filepath.Glob(filepath.Join(s.data(), "state", "*"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return 0, fmt.Errorf("size of the state: %w", err)
		}
		n += allocated(info)
	}
	return n, nil
}
