package cluster

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTargets: slots that ask for a topic at once ask the brokers together; a failure and what is old are not passed on.
func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts targets
		asked, fails := 0, error(nil)
		ask := func() (target, error) {
			return ts.ask("t", func(string) (target, error) {
				asked++
				time.Sleep(time.Second)
				return target{partitions: int32(asked)}, fails
			})
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
		expect("forgotten", 3, fails)
		fails = nil
		expect("after a failure", 4, nil)
		ts.drop("t")
		expect("dropped", 5, nil)
	})
}
