package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

// The benchmarks run on the embedded broker, whose work is then in the figures, or on the one that MILLRACE_KAFKA
// names. One operation is one record of 243 bytes.

const benchPartitions = 4

func benchClient(b *testing.B) *kafka.Client {
	cfg := kafka.Config{Brokers: strings.Split(os.Getenv("MILLRACE_KAFKA"), ",")}
	if cfg.Brokers[0] == "" {
		broker, err := embedded.Open("", embedded.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = broker.Close() })
		cfg = kafka.Config{Brokers: []string{broker.Addr()}, Dial: broker.Dial}
	}
	c, err := kafka.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

func benchTopic(b *testing.B, c *kafka.Client) string {
	name := fmt.Sprintf("bench-%x", time.Now().UnixNano())
	err := c.CreateTopic(context.Background(), kafka.TopicSpec{Name: name, Partitions: benchPartitions})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.DeleteTopics(name) })
	return name
}

func benchBatch(topic string) kafka.ProduceBatch {
	records := make([]kafka.Record, 256)
	now := time.Now().UnixMilli()
	for i := range records {
		records[i] = kafka.Record{Timestamp: now, Key: fmt.Appendf(nil, "%08d", i), Value: bytes.Repeat([]byte{'x'}, 235)}
	}
	return kafka.ProduceBatch{Topic: topic, Records: records}
}

// BenchmarkProduce writes transactions of 64k records from batches of 256.
func BenchmarkProduce(b *testing.B) {
	ctx := context.Background()
	for _, codec := range []kafka.Compression{kafka.CompressNone, kafka.CompressLZ4} {
		b.Run([]string{"none", "gzip", "snappy", "lz4", "zstd"}[codec], func(b *testing.B) {
			c := benchClient(b)
			topic := benchTopic(b, c)
			p := c.NewTxnProducer(kafka.TxnConfig{ID: topic, ProducerConfig: kafka.ProducerConfig{Compression: codec}})
			defer p.Close()
			check(b, p.Init(ctx))
			batch := benchBatch(topic)
			b.ReportAllocs()
			b.SetBytes(243)
			b.ResetTimer()
			defer cpu(b)()
			for i := 0; i < b.N; i += len(batch.Records) {
				batch.Partition = int32(i / len(batch.Records) % benchPartitions)
				check(b, p.Send(ctx, batch))
				if i%(256*len(batch.Records)) == 0 {
					check(b, p.Commit(ctx))
				}
			}
			check(b, p.Commit(ctx))
		})
	}
}

// BenchmarkFetch reads through a fetcher and touches every value.
func BenchmarkFetch(b *testing.B) {
	ctx := context.Background()
	c := benchClient(b)
	topic := benchTopic(b, c)
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	batch := benchBatch(topic)
	const stored = 200_000
	for i := 0; i < stored; i += len(batch.Records) {
		batch.Partition = int32(i / len(batch.Records) % benchPartitions)
		check(b, p.Send(ctx, batch))
	}
	check(b, p.Flush(ctx))
	b.ReportAllocs()
	b.SetBytes(243)
	b.ResetTimer()
	defer cpu(b)()
	for n := 0; n < b.N; {
		f := c.NewFetcher(kafka.FetchConfig{})
		s := f.Subscribe()
		for part := range int32(benchPartitions) {
			check(b, s.Add(topic, part, 0))
		}
		var list []kafka.FetchedBatch
		for seen := 0; seen < stored && n < b.N; {
			<-s.Ready()
			list = s.Poll(list[:0])
			for i := range list {
				check(b, list[i].Err)
				for _, r := range list[i].Records {
					if len(r.Value) != 235 {
						b.Fatal("wrong value")
					}
				}
				seen += len(list[i].Records)
				n += len(list[i].Records)
			}
		}
		f.Close()
	}
}

// BenchmarkCommit is one small transaction: a record, the slot's record, EndTxn. One operation is one commit.
func BenchmarkCommit(b *testing.B) {
	ctx := context.Background()
	c := benchClient(b)
	topic := benchTopic(b, c)
	p := c.NewTxnProducer(kafka.TxnConfig{ID: topic})
	defer p.Close()
	check(b, p.Init(ctx))
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		check(b, p.Send(ctx, one(topic, 0, "out"), one(topic, 1, "task=offsets")))
		check(b, p.Commit(ctx))
	}
}

// cpu reports the process's CPU time per operation when the returned function is called: with a broker elsewhere, that
// is the client's cost, whatever the waiting.
func cpu(b *testing.B) (report func()) {
	used := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Utime.Nano() + u.Stime.Nano()
	}
	began := used()
	return func() { b.ReportMetric(float64(used()-began)/float64(b.N), "cpu-ns/op") }
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}
