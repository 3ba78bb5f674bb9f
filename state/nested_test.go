package state_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
)

// TestFetchInFetch: reads inside a yield function have memory of their own.
func TestFetchInFetch(t *testing.T) {
	task, err := state.OpenTask(state.TaskConfig{Specs: []state.Spec{
		{ID: "j", Kind: state.Join, Retention: state.Retention{Millis: 100}},
		{ID: "s", Kind: state.Session, Retention: state.Retention{Millis: 100}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	join, _ := task.Join("j")
	sessions, _ := task.Session("s")
	keys := [][]byte{[]byte("a"), []byte("longer")}
	for i := range 40 {
		at, key, value := int64(i), keys[i%2], binary.BigEndian.AppendUint64(nil, uint64(i))
		if _, err := join.Put(at, key, value); err != nil {
			t.Fatal(err)
		}
		if _, err := sessions.Put(key, at, at, value); err != nil {
			t.Fatal(err)
		}
		if i%8 == 7 {
			if err := task.Prepare(); err != nil {
				t.Fatal(err)
			}
			task.Commit([]int64{0, 0}, time.Time{})
		}
	}
	fetch := map[string]func(key []byte, yield func(at int64)) error{
		"join": func(key []byte, yield func(int64)) error {
			return join.Fetch(key, 0, 100, func(at int64, _ []byte) bool { yield(at); return true })
		},
		"sessions": func(key []byte, yield func(int64)) error {
			return sessions.Fetch(key, 0, 100, func(at, _ int64, _ []byte) bool { yield(at); return true })
		},
	}
	for name, f := range fetch {
		next := int64(0)
		err := f(keys[0], func(at int64) {
			if at != next {
				t.Fatalf("%s: %d comes where %d is next", name, at, next)
			}
			next += 2
			inner := int64(1)
			err := f(keys[1], func(at int64) {
				if at != inner {
					t.Fatalf("%s, inner: %d comes where %d is next", name, at, inner)
				}
				inner += 2
			})
			if err != nil || inner != 41 {
				t.Fatal(name, inner, err)
			}
		})
		if err != nil || next != 40 {
			t.Fatal(name, next, err)
		}
	}
}
