package state_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
)

// TestBytesAreThoseOfTheHeap compares what a task says that it holds with what the heap has grown by, since budgets are cut by it: after many
// small commits, whose layers were merged, and after one large one.
func TestBytesAreThoseOfTheHeap(t *testing.T) {
	const keys = 200_000
	for name, each := range map[string]int{"many commits": 1000, "one commit": keys} {
		t.Run(name, func(t *testing.T) {
			task, err := state.OpenTask(state.TaskConfig{Specs: []state.Spec{{ID: "a", Kind: state.KeyValue}}})
			if err != nil {
				t.Fatal(err)
			}
			store, err := task.KeyValue("a")
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			key, value := make([]byte, 12), make([]byte, 24)
			for i := range keys {
				binary.BigEndian.PutUint64(key, uint64(i)*0x9e3779b97f4a7c15)
				if err := store.Put(key, value); err != nil {
					t.Fatal(err)
				}
				if (i+1)%each == 0 {
					if task.OpenBytes() < each*36 {
						t.Fatalf("%d entries of 36 bytes take %d", each, task.OpenBytes())
					}
					task.Commit([]int64{0}, time.Time{})
				}
			}
			task.Abort() // the memory that waits for the next transaction
			if task.OpenBytes() != 0 {
				t.Errorf("a dropped transaction has %d bytes", task.OpenBytes())
			}
			grown := heap() - before
			said := int64(task.Bytes()) - 4*keys // the order that nobody has asked for
			if said < grown*9/10 || said > grown*11/10 {
				t.Errorf("the heap has grown by %d bytes, the task says %d", grown, said)
			}
			runtime.KeepAlive(task)
		})
	}
}

func heap() int64 {
	for range 2 { // what earlier tests left in pools goes with the second collection only
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
