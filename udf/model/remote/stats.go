package remote

import (
	"sync/atomic"
	"time"
)

// steps is the number of bounds of the histogram: powers of two from half a millisecond to 16 seconds.
const (
	steps     = 16
	firstStep = 500 * time.Microsecond
)

// stats counts the requests of a model. It is safe for concurrent use.
type stats struct {
	retries, refusals, failures atomic.Int64
	nanos                       atomic.Int64
	took                        [steps + 1]atomic.Uint64 // the last is of what took longer
	answering                   atomic.Pointer[string]   // the version of the model in the last answer that named one
}

func (s *stats) count(took time.Duration, err error) {
	i := 0
	for i < steps && took > firstStep<<i {
		i++
	}
	s.took[i].Add(1)
	s.nanos.Add(int64(took))
	switch {
	case err == nil:
	case outcomeOf(err) == refused:
		s.refusals.Add(1)
	default:
		s.failures.Add(1)
	}
}

// answers notes the version that an answer names.
func (s *stats) answers(version string) {
	if version == "" {
		return
	}
	if last := s.answering.Load(); last == nil || *last != version {
		s.answering.Store(&version)
	}
}

// Statistics are what a Scorer has done since it was loaded.
type Statistics struct {
	Requests, Retries  int64
	Refusals, Failures int64 // requests that the server did not take, or that got no answer or none that makes sense
	Circuit            State
	Buckets            map[float64]uint64 // by upper bound in seconds, how many requests took at most that
	Seconds            float64            // that all took together
}

func (c *caller) statistics() Statistics {
	s := Statistics{
		Retries: c.stats.retries.Load(), Refusals: c.stats.refusals.Load(), Failures: c.stats.failures.Load(), Circuit: c.breaker.state(),
		Buckets: make(map[float64]uint64, steps), Seconds: time.Duration(c.stats.nanos.Load()).Seconds(),
	}
	for i := range c.stats.took {
		s.Requests += int64(c.stats.took[i].Load())
		if i < steps {
			s.Buckets[(firstStep << i).Seconds()] = uint64(s.Requests)
		}
	}
	return s
}
