package remote

import (
	"fmt"
	"sync"
	"time"
)

// State is that of a circuit.
type State int

// The states. A half-open circuit lets one request through to see whether the server is back.
const (
	CircuitClosed State = iota
	CircuitHalfOpen
	CircuitOpen
)

// breaker keeps requests from a server that has failed too often in a row. It is safe for concurrent use.
type breaker struct {
	limit int
	pause time.Duration

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // the circuit is open; zero: closed
	probing  bool      // a request tries the server
	last     error
}

// OpenError says that the server was not asked, since it has failed too often.
type OpenError struct {
	Failures int
	Wait     time.Duration // until it is tried again
	Last     error
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("it is not asked, since %d requests in a row have failed, and is tried again in %s; the last failure: %v",
		e.Failures, e.Wait.Round(time.Millisecond), e.Last)
}

// enter asks for leave to send a request. Whoever gets it calls leave with the outcome.
func (b *breaker) enter() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return nil
	}
	if wait := time.Until(b.until); wait > 0 || b.probing {
		return &OpenError{b.failures, max(wait, 0), b.last}
	}
	b.probing = true
	return nil
}

// leave counts the outcome of a request: nil if the server has answered, be it with a refusal.
func (b *breaker) leave(failed error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if failed == nil {
		b.failures, b.until, b.last = 0, time.Time{}, nil
		return
	}
	b.failures++
	b.last = failed
	if b.failures >= b.limit {
		b.until = time.Now().Add(b.pause)
	}
}

// abandon gives the leave back without an outcome.
func (b *breaker) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

func (b *breaker) state() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return CircuitClosed
	case b.probing || !time.Now().Before(b.until):
		return CircuitHalfOpen
	}
	return CircuitOpen
}
