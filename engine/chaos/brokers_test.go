package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// brokers are the brokers of .ci/kafka. One at a time has a fault, which is over later: the storm goes on meanwhile.
type brokers struct {
	t     *testing.T
	rng   *rand.Rand
	ctl   string // the program that controls them; "": nothing is done to them
	count int
	whole chan error // holds one value while no fault is under way: what became of the last one
}

func newBrokers(t *testing.T, rng *rand.Rand, ctl string, count int) *brokers {
	b := &brokers{t: t, rng: rng, ctl: ctl, count: count, whole: make(chan error, 1)}
	b.whole <- nil
	return b
}

// able says that a fault can begin: the last one is over.
func (b *brokers) able() bool { return b.ctl != "" && len(b.whole) > 0 }

// fault begins a fault of some broker, and ends it after a while.
func (b *brokers) fault(begin string, total time.Duration, end string) {
	b.t.Helper()
	b.heal()
	<-b.whole
	broker := strconv.Itoa(1 + b.rng.IntN(b.count))
	began := b.control(begin, broker)
	go func() {
		time.Sleep(total)
		b.whole <- errors.Join(began, b.control(end, broker))
	}()
}

// heal waits until all brokers run.
func (b *brokers) heal() {
	b.t.Helper()
	err := <-b.whole
	b.whole <- nil
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *brokers) control(args ...string) error {
	out, err := exec.Command(b.ctl, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w\n%s", b.ctl, args, err, out)
	}
	return nil
}
