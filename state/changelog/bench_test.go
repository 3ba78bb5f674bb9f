package changelog_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
	"github.com/millrace/millrace/state/changelog"
)

// scattered is a changelog of n keys in an order that is not theirs, in batches of 4 MB as Kafka gives them.
type scattered struct{ n int64 }

func (l scattered) Bounds(context.Context, string, int32) (start, end int64, err error) {
	return 0, l.n, nil
}

func (l scattered) Read(_ context.Context, _ string, _ int32, from, end int64, yield func([]changelog.Record, int64) error) error {
	const size, run = 36, 100_000
	records := make([]changelog.Record, 0, run)
	arena := make([]byte, run*size)
	for from < end {
		records = records[:0]
		for ; from < end && len(records) < run; from++ {
			b := arena[len(records)*size:][:size]
			binary.BigEndian.PutUint64(b, uint64(from)*0x9e3779b97f4a7c15)
			binary.BigEndian.PutUint64(b[16:], uint64(from))
			records = append(records, changelog.Record{Key: b[:10], Value: b[10:]})
		}
		if err := yield(records, from); err != nil {
			return err
		}
	}
	return nil
}

func BenchmarkRestore(b *testing.B) {
	const n = 1_000_000
	for range b.N {
		b.StopTimer()
		db, err := badger.Open(b.TempDir(), badger.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		_, err = (&changelog.Restore{
			Log: scattered{n}, Durable: db, Spec: state.Spec{ID: "s", Kind: state.KeyValue}, Store: "q/s", Topic: "c", Committed: n,
			DeleteRetention: time.Hour, Now: time.Now,
		}).Run(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
