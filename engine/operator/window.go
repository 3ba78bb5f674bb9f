package operator

import "github.com/millrace/millrace/sql/plan"

// timeWindow places rows in TUMBLING and HOPPING windows, in milliseconds. Windows are aligned to the epoch.
type timeWindow struct {
	size, advance, grace int64
	lastClose            int64 // up to where EMIT FINAL has emitted, or owes; noTime: nothing yet
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

// keyWindow is the window of a node's keys, nil if they have none: that of the source whose keys they are, or of the aggregate
// that made them. A join's keys are those of its left side.
func keyWindow(n plan.Node) *plan.WindowInfo {
	if len(positions(n.Columns(), plan.WindowBound)) == 0 {
		return nil
	}
	switch n := n.(type) {
	case *plan.Source:
		return n.Window
	case *plan.Aggregate:
		info := plan.WindowInfo{Kind: n.Window.Kind, Size: n.Window.Size}
		if info.Kind == plan.Session {
			info.Size = 0
		}
		return &info
	}
	return keyWindow(n.Inputs()[0])
}

// windowKey are the positions of the window bounds that tell the keys of a node apart: those that stand in the key's bytes. Time
// windows of different sizes that start together are thus one key, as they are in a topic.
func windowKey(n plan.Node) []int {
	at := positions(n.Columns(), plan.WindowBound)
	if w := keyWindow(n); w != nil && w.Kind != plan.Session {
		return at[:1]
	}
	return at
}
