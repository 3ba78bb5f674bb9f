package cluster

import (
	"math"
	"testing"
	"time"
)

// TestMeter: a steady stream is told as it is at any time, whatever its portions; when it ends it fades.
func TestMeter(t *testing.T) {
	for _, portion := range []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, time.Minute} {
		var m meter
		now := time.UnixMilli(1)
		if m.read(now) != 0 {
			t.Error("a meter that was told nothing has a rate")
		}
		m.add(now, 12345) // it cannot know since when they came
		for range 50 {
			now = now.Add(portion)
			m.add(now, 1000*portion.Milliseconds())
			if got := m.read(now); math.Abs(got-1e6) > 1 {
				t.Fatalf("a million a second in portions of %s are told as %v", portion, got)
			}
		}
		last := m.read(now)
		for range 20 {
			now = now.Add(meterSpan)
			got := m.read(now)
			if got >= last {
				t.Errorf("the rate goes from %v to %v when nothing comes", last, got)
			}
			last = got
		}
		if last > 1 {
			t.Errorf("long after the end the rate is %v", last)
		}
	}
}
