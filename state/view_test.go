package state_test

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
)

// TestViewsSeeWholeCommits reads on other goroutines while commits, flushes and aborts go on. Every transaction writes one number to all
// keys, so a view that mixes two commits, in memory or on disk, shows.
func TestViewsSeeWholeCommits(t *testing.T) {
	db, err := badger.Open(t.TempDir(), badger.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	task, err := state.OpenTask(state.TaskConfig{Specs: specs[:1], Incarnation: "q", Durable: db})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := task.KeyValue("kv")
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	var views atomic.Int64
	for range 2 {
		wg.Go(func() {
			last := 0
			for !stop.Load() {
				n, err := readWhole(task)
				if err != nil || n < last {
					t.Errorf("view shows %d after %d: %v", n, last, err)
					return
				}
				last = n
				views.Add(1)
			}
		})
	}
	rounds := 600
	if testing.Short() {
		rounds = 100
	}
	for n := 1; n <= rounds || views.Load() < 20; n++ {
		for k := range 50 {
			if err := kv.Put(fmt.Appendf(nil, "%03d", k), strconv.AppendInt(nil, int64(n), 10)); err != nil {
				t.Fatal(err)
			}
		}
		if n%7 == 0 {
			task.Abort()
			continue
		}
		task.Commit([]int64{int64(n)}, time.Now())
		if n%5 == 0 {
			f := task.BeginFlush(time.Now())
			err := f.Run(t.Context())
			task.EndFlush(f, err)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := task.Close(); err != nil {
		t.Error(err)
	}
}

// readWhole returns the number that all keys of a view have.
func readWhole(task *state.Task) (number int, err error) {
	v, err := task.View("kv")
	if err != nil {
		return 0, err
	}
	defer v.Close()
	kv, err := v.KeyValue()
	if err != nil {
		return 0, err
	}
	keys := 0
	var mixed error
	err = kv.Range(nil, nil, func(key, value []byte) bool {
		n, _ := strconv.Atoi(string(value))
		got, gerr := kv.Get(key)
		if gerr != nil || string(got) != string(value) || keys > 0 && n != number {
			mixed = fmt.Errorf("%s=%s (get %s, %w), others %d", key, value, got, gerr, number)
		}
		keys, number = keys+1, n
		return mixed == nil
	})
	if err == nil && mixed == nil && keys != 0 && keys != 50 {
		mixed = fmt.Errorf("%d keys", keys)
	}
	if mixed != nil {
		err = mixed
	}
	return number, err
}
