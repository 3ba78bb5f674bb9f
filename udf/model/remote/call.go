package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// outcome says what an error of a request means.
type outcome int

const (
	refused outcome = iota // the server works, and does not take this request
	broken                 // the server answers, but not with what it should
	passing                // it may be otherwise the next time: no connection, no answer in time, overload
)

// callError is an error of one request.
type callError struct {
	outcome outcome
	err     error
}

func (e *callError) Error() string { return e.err.Error() }

// Unwrap lets a server that cannot be asked be told from one that does not take these rows: asking it about fewer of them is of no use.
func (e *callError) Unwrap() []error {
	if e.outcome == passing {
		return []error{e.err, model.ErrUnavailable}
	}
	return []error{e.err}
}

func fault(o outcome, format string, args ...any) error {
	return &callError{o, fmt.Errorf(format, args...)}
}

// outcomeOf classifies an error. One that nobody classified is an answer that makes no sense.
func outcomeOf(err error) outcome {
	var c *callError
	if errors.As(err, &c) {
		return c.outcome
	}
	return broken
}

// caller sends the requests of one model.
type caller struct {
	policy  Policy
	breaker breaker
	slots   chan struct{} // one for each request under way
	stats   stats
}

func newCaller(p Policy) *caller {
	return &caller{policy: p, breaker: breaker{limit: p.Failures, pause: p.Pause}, slots: make(chan struct{}, p.Concurrency)}
}

// The pauses between repetitions: the first is at most firstPause, each later one at most twice as long as the one before.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// do has a request made until it succeeds, cannot, or ctx ends. Request is called with the time that one attempt has.
func (c *caller) do(ctx context.Context, request func(context.Context) error) error {
	for try := 0; ; try++ {
		err := c.attempt(ctx, request)
		var open *OpenError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.As(err, &open), outcomeOf(err) != passing:
			return err
		case try == c.policy.Retries:
			if try > 0 {
				err = fmt.Errorf("%w (asked %d times)", err, try+1)
			}
			return err
		}
		pause := min(firstPause<<try, lastPause)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause/2)): // so that servers of a service do not come all at once
		}
		c.stats.retries.Add(1)
	}
}

// attempt makes one request.
func (c *caller) attempt(ctx context.Context, request func(context.Context) error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return fault(passing, "no request could be made in time: %w", ctx.Err())
	}
	if err := c.breaker.enter(); err != nil {
		return &callError{passing, err}
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, c.policy.Timeout)
	defer cancel()
	err := request(limited)
	c.stats.count(time.Since(began), err)
	switch {
	case err == nil || outcomeOf(err) == refused:
		c.breaker.leave(nil)
	case errors.Is(ctx.Err(), context.Canceled):
		c.breaker.abandon() // whoever asked does not want to know any more, which says nothing of the server
	case limited.Err() != nil:
		err = fault(passing, "no answer within %s", min(c.policy.Timeout, time.Since(began).Round(time.Millisecond)))
		c.breaker.leave(err)
	default:
		c.breaker.leave(err)
	}
	return err
}
