package state_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
)

// BenchmarkUpdate is a read and a write of one aggregate in the open layer, committed every 30,000 updates.
func BenchmarkUpdate(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		b.Run(map[int]string{1_000: "hot", 100_000: "wide"}[keys], func(b *testing.B) {
			task, err := state.OpenTask(state.TaskConfig{Specs: []state.Spec{{ID: "a", Kind: state.KeyValue}}})
			if err != nil {
				b.Fatal(err)
			}
			store, _ := task.KeyValue("a")
			key, value := make([]byte, 12), make([]byte, 24)
			b.ReportAllocs()
			for i := range b.N {
				binary.BigEndian.PutUint64(key, uint64(i*7919%keys))
				v, err := store.Get(key)
				if err != nil {
					b.Fatal(err)
				}
				copy(value, v)
				binary.BigEndian.PutUint64(value, binary.BigEndian.Uint64(value)+1)
				if err := store.Put(key, value); err != nil {
					b.Fatal(err)
				}
				if i%30_000 == 29_999 {
					task.Commit([]int64{0}, time.Time{})
				}
			}
		})
	}
}

// BenchmarkJoinRow is what a stream-stream join does per row: read the other side's range, add to its own.
func BenchmarkJoinRow(b *testing.B) {
	r := state.Retention{Millis: 60_000}
	task, err := state.OpenTask(state.TaskConfig{Specs: []state.Spec{{ID: "l", Kind: state.Join, Retention: r}, {ID: "r", Kind: state.Join, Retention: r}}})
	if err != nil {
		b.Fatal(err)
	}
	left, _ := task.Join("l")
	right, _ := task.Join("r")
	key, value := make([]byte, 12), make([]byte, 24)
	b.ReportAllocs()
	for i := range b.N {
		binary.BigEndian.PutUint64(key, uint64(i*7919%10_000))
		at := int64(i / 10)
		own, other := left, right
		if i%2 == 0 {
			own, other = right, left
		}
		if err := other.Fetch(key, at-1000, at+1000, func(int64, []byte) bool { return true }); err != nil {
			b.Fatal(err)
		}
		if _, err := own.Put(at, key, value); err != nil {
			b.Fatal(err)
		}
		if i%30_000 == 29_999 {
			if err := task.Prepare(); err != nil {
				b.Fatal(err)
			}
			task.Commit([]int64{0, 0}, time.Time{})
		}
	}
}

// BenchmarkOrder sorts the entries of a flush.
func BenchmarkOrder(b *testing.B) {
	const n = 100_000
	key, value := make([]byte, 12), make([]byte, 24)
	for range b.N {
		b.StopTimer()
		chunk := state.NewChunk()
		for i := range n {
			binary.BigEndian.PutUint64(key, uint64(i)*0x9e3779b97f4a7c15)
			chunk.Set(key, value)
		}
		b.StartTimer()
		for range chunk.Entries() {
			break // the first entry is known when all are sorted
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}
