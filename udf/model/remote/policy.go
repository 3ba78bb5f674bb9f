package remote

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// Policy bounds how a server is asked.
type Policy struct {
	Timeout     time.Duration // of one request
	Retries     int           // repetitions of a request that failed in a way that may pass
	Concurrency int           // requests under way at once, from this server's queries together
	MaxRows     int           // in one request
	MaxBytes    int           // of one request's tensors
	Failures    int           // in a row that open the circuit
	Pause       time.Duration // from then until the server is tried again
}

// DefaultPolicy is that of a model that says nothing else.
func DefaultPolicy() Policy {
	return Policy{
		Timeout: time.Second, Retries: 2, Concurrency: 8, MaxRows: 256, MaxBytes: 2 << 20, Failures: 5, Pause: 5 * time.Second,
	}
}

// property is a setting of a model: where it goes and what it may be. Exactly one of number and duration is set.
type property struct {
	number     func(*Policy) *int
	duration   func(*Policy) *time.Duration
	least, top int64
}

var properties = map[string]property{
	"TIMEOUT":          {duration: func(p *Policy) *time.Duration { return &p.Timeout }, least: int64(time.Millisecond), top: int64(model.MaxWait)},
	"RETRIES":          {number: func(p *Policy) *int { return &p.Retries }, least: 0, top: 10},
	"CONCURRENCY":      {number: func(p *Policy) *int { return &p.Concurrency }, least: 1, top: 256},
	"MAX_ROWS":         {number: func(p *Policy) *int { return &p.MaxRows }, least: 1, top: 1 << 16},
	"MAX_BYTES":        {number: func(p *Policy) *int { return &p.MaxBytes }, least: 1 << 10, top: 64 << 20},
	"BREAKER_FAILURES": {number: func(p *Policy) *int { return &p.Failures }, least: 1, top: 1000},
	"BREAKER_PAUSE":    {duration: func(p *Policy) *time.Duration { return &p.Pause }, least: int64(time.Millisecond), top: int64(time.Hour)},
}

// Properties are the names of the settings that Set takes, sorted.
func Properties() []string { return slices.Sorted(maps.Keys(properties)) }

// Set changes one setting. Durations are written as "200 ms" or "2 s".
func (p *Policy) Set(name, value string) error {
	known, ok := properties[name]
	if !ok {
		return fmt.Errorf("there is no setting %s", name)
	}
	if known.duration != nil {
		d, err := time.ParseDuration(strings.ReplaceAll(value, " ", ""))
		if err != nil || int64(d) < known.least || int64(d) > known.top {
			return fmt.Errorf("%s is a duration from %s to %s, like '200 ms', not %q", name, time.Duration(known.least), time.Duration(known.top), value)
		}
		*known.duration(p) = d
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < known.least || n > known.top {
		return fmt.Errorf("%s is a number from %d to %d, not %q", name, known.least, known.top, value)
	}
	*known.number(p) = int(n)
	return nil
}

// check refuses a policy that no Set would have made, as a descriptor that somebody wrote may hold.
func (p Policy) check() error {
	for _, name := range Properties() {
		known, value := properties[name], ""
		if known.duration != nil {
			value = (*known.duration(&p)).String()
		} else {
			value = strconv.Itoa(*known.number(&p))
		}
		if err := p.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// String shows the policy for people.
func (p Policy) String() string {
	return fmt.Sprintf("%s a request, %d retries, %d requests at once of at most %d rows and %d bytes; the circuit opens for %s after %d failures in a row",
		p.Timeout, p.Retries, p.Concurrency, p.MaxRows, p.MaxBytes, p.Pause, p.Failures)
}
