package testdriver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
)

// layered are the stores of the engine: layers over a database, flushed every few commits.
type layered struct {
	*state.Task
	t       *testing.T
	specs   int
	commits int
}

func (l *layered) Commit() {
	if err := l.Prepare(); err != nil {
		l.t.Fatal(err)
	}
	l.Task.Commit(make([]int64, l.specs), Epoch)
	if l.commits++; l.commits%3 != 0 {
		return
	}
	if f := l.BeginFlush(Epoch); f != nil {
		l.EndFlush(f, f.Run(context.Background()))
	}
}

// openLayered opens a task's stores until the test ends.
func openLayered(t *testing.T, db state.Durable, specs []state.Spec, incarnation string, partition int32) (Stores, error) {
	task, err := state.OpenTask(state.TaskConfig{Specs: specs, Incarnation: incarnation, Partition: partition, Durable: db})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := task.Close(); err != nil {
			t.Error(err)
		}
	})
	return &layered{Task: task, t: t, specs: len(specs)}, nil
}

// durable opens the engine's stores over a database that ends with the test, new ones for each task that is run.
func durable(t *testing.T) func(specs []state.Spec, name string, partition int32) (Stores, error) {
	t.Helper()
	db, err := badger.Open(t.TempDir(), badger.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	runs := 0
	return func(specs []state.Spec, name string, partition int32) (Stores, error) {
		runs++
		return openLayered(t, db, specs, fmt.Sprintf("%d-%s", runs, name), partition)
	}
}

// TestDurableStores runs the queries over the engine's stores: their values alias other memory, and live shorter, than those
// of the oracle that the other tests use.
func TestDurableStores(t *testing.T) {
	stores := durable(t)
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				in := inputs(seed)
				want := text(outputs(t, query, Options{}, in))
				for _, o := range []Options{{CommitEvery: 2}, {CommitEvery: 9, Abort: true}, {CommitEvery: 5, Restart: true, MaxGroups: 1}} {
					o.Stores = stores
					if got := text(outputs(t, query, o, in)); strings.Join(got, "\n") != strings.Join(want, "\n") {
						t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			}
		})
	}
}
