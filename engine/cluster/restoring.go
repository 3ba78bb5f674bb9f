package cluster

import (
	"log/slog"
	"sync"
	"time"

	"github.com/millrace/millrace/state/changelog"
)

// tellEvery is how often the log tells how far restores are.
const tellEvery = 5 * time.Second

// restoring tells the log of all restores of a server together, since a server may have hundreds: a line when the first reads a record, one
// every few seconds, and one when the last has ended. Restores that have nothing to read leave no trace.
type restoring struct {
	log *slog.Logger

	mu             sync.Mutex
	tasks          int // that wait for their restore or are in it
	began, told    time.Time
	records, bytes int64 // since began
	rebuilds       int   // from the start of a changelog
}

func (r *restoring) enter(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks++; r.tasks == 1 {
		r.began, r.told, r.records, r.bytes, r.rebuilds = now, time.Time{}, 0, 0, 0
	}
}

// moved counts what one restore has read.
func (r *restoring) moved(now time.Time, records, bytes int64, p changelog.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records, r.bytes = r.records+records, r.bytes+bytes
	if p.At == p.From && p.Rebuild {
		r.rebuilds++
	}
	if r.told.IsZero() && r.records > 0 {
		r.told = now
		r.log.Info("state is being restored from its changelogs", "tasks", r.tasks)
	}
}

// tick tells how far the restores are, if it is time to. Remaining says what they are known to have before them.
func (r *restoring) tick(now time.Time, remaining func() int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.told
	if last.IsZero() {
		last = r.began
	}
	if r.tasks == 0 || now.Sub(last) < tellEvery {
		return
	}
	r.told = now
	r.log.Info("state is being restored", "tasks", r.tasks, "records", r.records, "remaining", remaining(), "bytes", r.bytes,
		"records_per_second", r.rate(now), "for", now.Sub(r.began).Round(time.Second))
}

func (r *restoring) leave(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tasks--; r.tasks > 0 || r.told.IsZero() {
		return
	}
	r.log.Info("restores have ended", "records", r.records, "bytes", r.bytes, "records_per_second", r.rate(now),
		"from_the_start", r.rebuilds, "took", now.Sub(r.began).Round(time.Millisecond))
}

func (r *restoring) rate(now time.Time) int64 {
	return int64(float64(r.records) / max(now.Sub(r.began).Seconds(), 0.001))
}
