package operator

import "github.com/millrace/millrace/sql/plan"

// timeWindow places rows in TUMBLING and HOPPING windows, in milliseconds. Windows are aligned to the epoch.
type timeWindow struct {
	size, advance, grace int64
	lastClose            int64 // up to where EMIT FINAL has emitted; noTime: nothing yet
}

func newTimeWindow(w *plan.Window) *timeWindow {
	t := &timeWindow{size: w.Size.Milliseconds(), advance: w.Advance.Milliseconds(), grace: w.Grace.Milliseconds(), lastClose: noTime}
	if w.Kind == plan.Tumbling || t.advance <= 0 {
		t.advance = t.size
	}
	return t
}

// first is the start of the earliest window that holds t; the others follow at every advance up to t.
func (w *timeWindow) first(t int64) int64 {
	return max(0, t-w.size+w.advance) / w.advance * w.advance
}
