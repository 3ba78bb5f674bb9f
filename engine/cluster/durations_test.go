package cluster

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	var d Durations
	for _, took := range []time.Duration{0, 250 * time.Microsecond, 251 * time.Microsecond, 3 * time.Millisecond, time.Minute} {
		d.Add(took)
	}
	buckets, count, sum := d.Histogram()
	if want := (time.Minute + 3501*time.Microsecond).Seconds(); count != 5 || sum != want {
		t.Errorf("%d samples of %g s, want 5 of %g s", count, sum, want)
	}
	if len(buckets) != steps {
		t.Errorf("%d buckets, want %d", len(buckets), steps)
	}
	for bound, want := range map[float64]uint64{0.00025: 2, 0.000375: 3, 0.002: 3, 0.003: 4, 8.192: 4} {
		if got, ok := buckets[bound]; !ok || got != want {
			t.Errorf("up to %g s: %d samples (%t), want %d", bound, got, ok, want)
		}
	}
	var last uint64
	for _, b := range bounds {
		if n := buckets[b.Seconds()]; n < last {
			t.Fatalf("up to %s there are fewer samples than up to less", b)
		} else {
			last = n
		}
	}
}
