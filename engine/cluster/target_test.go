package cluster

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// TestTargets: slots that ask for a topic at once ask the brokers together; a failure and what is old are not passed on.
func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts targets
		asked, fails := 0, error(nil)
		ask := func() (target, error) {
			found, err := ts.ask([]string{"t"}, func([]string) (map[string]target, error) {
				asked++
				time.Sleep(time.Second)
				if fails != nil {
					return nil, fails
				}
				return map[string]target{"t": {partitions: int32(asked)}}, nil
			})
			return found["t"], err
		}
		expect := func(what string, want int32, wantErr error) {
			t.Helper()
			if got, err := ask(); got.partitions != want || !errors.Is(err, wantErr) {
				t.Errorf("%s: %+v, %v", what, got, err)
			}
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { expect("at once", 1, nil) })
		}
		wg.Wait()
		expect("a moment later", 1, nil)
		time.Sleep(freshTarget)
		expect("when it is old", 2, nil)
		ts.forget()
		fails = errors.New("no broker")
		expect("forgotten", 0, fails)
		fails = nil
		expect("after a failure", 4, nil)
		ts.drop("t")
		expect("dropped", 5, nil)
	})
}

// TestTargetsTogether: what is not known of several topics is looked up at once, and one that does not exist is no reason to forget the others.
func TestTargetsTogether(t *testing.T) {
	var ts targets
	var asked []string
	ask := func(topics ...string) (map[string]target, error) {
		return ts.ask(topics, func(topics []string) (map[string]target, error) {
			asked = append(asked, strings.Join(topics, " "))
			found := map[string]target{}
			for _, topic := range topics {
				if topic != "gone" {
					found[topic] = target{partitions: int32(len(topic))}
				}
			}
			return found, nil
		})
	}
	if found, err := ask("b", "aaa"); err != nil || !maps.Equal(found, map[string]target{"aaa": {partitions: 3}, "b": {partitions: 1}}) {
		t.Errorf("two topics: %v, %v", found, err)
	}
	found, err := ask("aaa", "cc", "gone")
	if !errors.Is(err, kafka.ErrUnknownTopic) || !maps.Equal(found, map[string]target{"aaa": {partitions: 3}, "cc": {partitions: 2}}) {
		t.Errorf("one known, one new, one that does not exist: %v, %v", found, err)
	}
	_, _ = ask("gone", "cc")
	if got, want := fmt.Sprintf("%q", asked), `["aaa b" "cc gone" "gone"]`; got != want {
		t.Errorf("looked up %s, want %s", got, want)
	}
}

// TestTargetsMeanwhile: what slots lack while one asks is asked for together, however often what was known is forgotten.
func TestTargetsMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts targets
		var asked []string
		lookUp := func(topics []string) (map[string]target, error) {
			asked = append(asked, strings.Join(topics, " "))
			time.Sleep(time.Second)
			return map[string]target{"a": {partitions: 1}, "b": {partitions: 2}, "c": {partitions: 3}}, nil
		}
		var wg sync.WaitGroup
		for i, topics := range [][]string{{"a"}, {"b", "c"}, {"a", "c"}, {"b"}} {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if i == 3 {
					ts.forget()
				}
				if found, err := ts.ask(topics, lookUp); err != nil || len(found) != len(topics) {
					t.Errorf("%q: %v, %v", topics, found, err)
				}
			})
		}
		wg.Wait()
		if got, want := fmt.Sprintf("%q", asked), `["a" "b c"]`; got != want {
			t.Errorf("looked up %s, want %s", got, want)
		}
	})
}
