package state

import "testing"

func TestRetention(t *testing.T) {
	// A session of gap 30 s with a minute of grace, after an event at 100010.
	r := Retention{Millis: 90_000}
	if got := r.MinVisible(100_010); got != 10_011 {
		t.Errorf("visible from %d, want 10011", got)
	}
	if got := r.MinLive(100_010); got != 0 {
		t.Errorf("live from %d, want 0: the segment is a minute long", got)
	}
	if got := r.MinLive(150_000); got != 60_000 {
		t.Errorf("live from %d, want 60000", got)
	}
	if got := r.MinLive(1000); got != -120_000 {
		t.Errorf("live from %d, want -120000: segments of negative times round down", got)
	}
	// EMIT FINAL of 2 ms windows with 1 ms grace: at 4, the window of 0 is hidden, that of 1 is not.
	final := Retention{Millis: 3, Final: true}
	if got := final.MinVisible(4); got != 1 {
		t.Errorf("final visible from %d, want 1", got)
	}
	if got := r.MinVisible(noTime); got != noTime {
		t.Errorf("an empty store hides below %d", got)
	}
}
