package state

import (
	"testing"
	"time"
)

// TestRest: stores that rest keep no memory for the next transaction, and everything that was written.
func TestRest(t *testing.T) {
	task, err := OpenTask(TaskConfig{Specs: []Spec{{ID: "a", Kind: KeyValue}}})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := task.KeyValue("a")
	if err != nil {
		t.Fatal(err)
	}
	put := func(value string) {
		if err := kv.Put([]byte("k"), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(value string) {
		t.Helper()
		if got, err := kv.Get([]byte("k")); err != nil || string(got) != value {
			t.Errorf("found %q, %v, want %q", got, err, value)
		}
	}
	put("committed")
	task.Commit([]int64{1}, time.Now())
	open := func() int { return cap(task.stores[0].open.entries) + cap(task.stores[0].open.arena) }
	if open() == 0 {
		t.Fatal("nothing is kept for the next transaction, and so nothing is tested")
	}
	task.Rest()
	if n := open(); n > 0 {
		t.Errorf("at rest %d entries and bytes are kept", n)
	}
	want("committed")
	put("open")
	task.Rest()
	want("open")
	task.Commit([]int64{2}, time.Now())
	want("open")
}
