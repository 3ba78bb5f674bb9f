package cluster

import (
	"sync/atomic"
	"time"
)

// Durations counts how often something took how long. It is safe for concurrent use; its zero value is ready.
type Durations struct {
	counts [steps + 1]atomic.Uint64 // the last is of what took longer than all bounds
	nanos  atomic.Int64
}

// steps is the number of bounds: two to an octave, which tells a quantile to within a fifth, from a quarter of a millisecond to 11 seconds.
const steps = 32

// bounds are 1 and 1.5 times the powers of two of firstBound.
var bounds = func() (b [steps]time.Duration) {
	const firstBound = 250 * time.Microsecond
	for i := range b {
		b[i] = firstBound << (i / 2) * time.Duration(2+i%2) / 2
	}
	return b
}()

// Add counts one.
func (d *Durations) Add(took time.Duration) {
	i := 0
	for i < steps && took > bounds[i] {
		i++
	}
	d.counts[i].Add(1)
	d.nanos.Add(int64(took))
}

// Histogram sums up in Prometheus' form: by upper bound in seconds, how many took at most that long; how many there were; and
// their sum in seconds.
func (d *Durations) Histogram() (buckets map[float64]uint64, count uint64, sum float64) {
	sum = time.Duration(d.nanos.Load()).Seconds()
	buckets = make(map[float64]uint64, steps)
	for i, b := range bounds {
		count += d.counts[i].Load()
		buckets[b.Seconds()] = count
	}
	return buckets, count + d.counts[steps].Load(), sum
}
