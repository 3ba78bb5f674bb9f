package changelog_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
	"github.com/millrace/millrace/state/changelog"
)

// log is a changelog with offsets from start on; a record without a key is a marker, or was compacted away.
type log struct {
	start   int64
	records []changelog.Record
	fail    int // Read fails behind so many batches; 0: never
}

func (l *log) Bounds(context.Context, string, int32) (start, end int64, err error) {
	return l.start, l.start + int64(len(l.records)), nil
}

var errRead = errors.New("connection lost")

func (l *log) Read(_ context.Context, _ string, _ int32, from, end int64, yield func([]changelog.Record, int64) error) error {
	for batch := 1; from < end; batch++ {
		var records []changelog.Record
		if r := l.records[from-l.start]; r.Key != nil {
			records = append(records, r)
		}
		from++
		if err := yield(records, from); err != nil {
			return err
		}
		if batch == l.fail {
			return errRead
		}
	}
	return nil
}

func put(key, value string) changelog.Record {
	return changelog.Record{Key: []byte(key), Value: []byte(value)}
}
func del(key string) changelog.Record { return changelog.Record{Key: []byte(key)} }

type rig struct {
	*testing.T
	db  *badger.DB
	log *log
	now time.Time
}

func newRig(t *testing.T, records ...changelog.Record) *rig {
	db, err := badger.Open(t.TempDir(), badger.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &rig{T: t, db: db, log: &log{records: records}, now: time.UnixMilli(1_700_000_000_000)}
}

func (r *rig) restore(committed int64) (int64, []changelog.Progress, error) {
	var progress []changelog.Progress
	at, err := (&changelog.Restore{
		Log: r.log, Durable: r.db, Spec: state.Spec{ID: "s", Kind: state.KeyValue}, Store: "q/s", Topic: "c", Committed: committed,
		DeleteRetention: time.Hour, Now: func() time.Time { return r.now },
		Progress: func(p changelog.Progress) { progress = append(progress, p) },
	}).Run(r.Context())
	return at, progress, err
}

func (r *rig) content() (text string) {
	r.Helper()
	p, err := r.db.Partition("q/s", 0)
	if err != nil {
		r.Fatal(err)
	}
	s := p.Snapshot()
	defer s.Close()
	it, more, err := s.Iterate(nil)
	for ; more && err == nil; more, err = it.Next() {
		v, verr := it.Value()
		if verr != nil {
			r.Fatal(verr)
		}
		text += fmt.Sprintf("%s=%s ", it.Key(), v)
	}
	it.Close()
	if err != nil {
		r.Fatal(err)
	}
	return text
}

func (r *rig) must(committed, want int64, content string) []changelog.Progress {
	r.Helper()
	at, progress, err := r.restore(committed)
	if err != nil || at != want {
		r.Fatalf("restored to %d, %v; want %d", at, err, want)
	}
	if got := r.content(); got != content {
		r.Fatalf("store holds %q, want %q", got, content)
	}
	return progress
}

func TestLastValueWins(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "1"), changelog.Record{}, put("a", "2"), del("b"), changelog.Record{})
	p := r.must(5, 6, "a=2 ")
	if first := p[0]; !first.Rebuild || first.At != 0 || first.Remaining() != 6 || first.Done() != 0 {
		t.Errorf("progress before the first record %+v", first)
	}
	if last := p[len(p)-1]; last.At != 6 || last.Records != 4 || last.Bytes != 7 || last.Remaining() != 0 || last.Done() != 1 {
		t.Errorf("progress at the end %+v", last)
	}
	r.log.records = append(r.log.records, put("c", "3"))
	if p = r.must(7, 7, "a=2 c=3 "); p[0].Rebuild || p[0].From != 6 {
		t.Errorf("progress of the second restore %+v", p)
	}
	if p = r.must(7, 7, "a=2 c=3 "); len(p) != 0 {
		t.Errorf("a restore without work reported %+v", p)
	}
}

func TestInterrupted(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "2"), put("c", "3"))
	r.log.fail = 2
	if _, _, err := r.restore(3); !errors.Is(err, errRead) {
		t.Fatalf("restore: %v", err)
	}
	r.log.fail = 0
	r.must(3, 3, "a=1 b=2 c=3 ")
}

func TestOldPositionForcesRebuild(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "2"))
	r.must(2, 2, "a=1 b=2 ")
	// The deletion of a was compacted away together with its tombstone while this store slept.
	r.log.records = []changelog.Record{{}, put("b", "2"), {}, put("c", "3")}
	r.now = r.now.Add(2 * time.Hour)
	if p := r.must(4, 4, "b=2 c=3 "); !p[0].Rebuild {
		t.Errorf("progress %+v", p)
	}
}

func TestTruncatedLogForcesRebuild(t *testing.T) {
	r := newRig(t, put("a", "1"))
	r.must(1, 1, "a=1 ")
	r.log.start, r.log.records = 5, []changelog.Record{put("b", "2")}
	r.must(6, 6, "b=2 ")
}

func TestPositionBehindTheEndForcesRebuild(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "2"))
	r.must(2, 2, "a=1 b=2 ")
	r.log.records = []changelog.Record{put("z", "9")}
	r.must(1, 1, "z=9 ")
}

func TestLost(t *testing.T) {
	r := newRig(t, put("a", "1"))
	var lost *changelog.LostError
	if _, _, err := r.restore(2); !errors.As(err, &lost) || lost.End != 1 || lost.Committed != 2 {
		t.Errorf("restore: %v", err)
	}
}

func TestNeverCommitted(t *testing.T) {
	r := newRig(t, changelog.Record{}, changelog.Record{}) // two aborted transactions
	r.must(changelog.NoPosition, 2, "")
	r.log.records[0] = put("a", "1")
	var foreign *changelog.ForeignError
	if _, _, err := r.restore(changelog.NoPosition); !errors.As(err, &foreign) {
		t.Errorf("restore: %v", err)
	}
}

func TestTornFlushIsHealed(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "1"))
	r.must(2, 2, "a=1 b=1 ")
	r.log.records = append(r.log.records, put("a", "2"), del("b"))
	// A flush of the last two died behind its first entry: the data is there, the position is not.
	p, err := r.db.Partition("q/s", 0)
	if err != nil {
		t.Fatal(err)
	}
	pos, _, err := p.Position()
	if err != nil {
		t.Fatal(err)
	}
	torn := iter.Seq2[[]byte, []byte](func(yield func(k, v []byte) bool) { yield([]byte("a"), []byte("2")) })
	if err := r.db.Flush(t.Context(), []state.FlushItem{{Partition: p, Entries: torn, Position: pos}}); err != nil {
		t.Fatal(err)
	}
	r.must(4, 4, "a=2 ")
}

// TestSlowCopyKeepsItsAge: a copy that was slow to read is as old as what it has yet to read, however late it was written: a deletion in there
// may be compacted away.
func TestSlowCopyKeepsItsAge(t *testing.T) {
	r := newRig(t, put("a", "1"), put("b", "2"))
	r.must(2, 2, "a=1 b=2 ")
	p, err := r.db.Partition("q/s", 0)
	if err != nil {
		t.Fatal(err)
	}
	open := func(end int64) *changelog.Copy {
		c, err := changelog.OpenCopy(t.Context(), changelog.CopyConfig{
			Partition: p, Spec: state.Spec{ID: "s", Kind: state.KeyValue}, End: end, DeleteRetention: time.Hour, Now: func() time.Time { return r.now },
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	flush := func(c *changelog.Copy) {
		if err := changelog.Flush(t.Context(), r.db, c); err != nil {
			t.Fatal(err)
		}
	}
	c := open(6) // b was put again, a was deleted, and more
	r.now = r.now.Add(40 * time.Minute)
	c.Add([]changelog.Record{put("b", "3")}, 3)
	flush(c)
	if c.Expired() {
		t.Error("a copy is too old before its time")
	}
	r.now = r.now.Add(40 * time.Minute)
	if !c.Expired() {
		t.Error("a copy that waited for longer than deletions are kept goes on")
	}
	if c = open(6); !c.Rebuilt {
		t.Error("a copy goes on behind deletions that may be gone")
	}
	c.Add([]changelog.Record{put("b", "3"), del("a")}, 6)
	r.now = r.now.Add(50 * time.Minute)
	c.Current()
	flush(c)
	r.now = r.now.Add(50 * time.Minute)
	if c = open(7); c.Rebuilt || c.Expired() || r.content() != "b=3 " {
		t.Errorf("a copy that had all less than an hour ago is not used: %q", r.content())
	}
}
