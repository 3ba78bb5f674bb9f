package state_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
	"github.com/millrace/millrace/state/changelog"
	"github.com/millrace/millrace/state/memory"
)

// The metamorphic test drives the layers over Badger and the oracle through one random history: reads, writes, commits, aborts,
// flushes that succeed, fail or tear, process deaths, lost disks. After each step both must show the same.

var specs = []state.Spec{
	{ID: "kv", Kind: state.KeyValue},
	{ID: "window", Kind: state.Window, Retention: state.Retention{Millis: 150_000}},
	{ID: "final", Kind: state.Window, Retention: state.Retention{Millis: 150_000, Final: true}},
	{ID: "session", Kind: state.Session, Retention: state.Retention{Millis: 200_000}},
	{ID: "join", Kind: state.Join, Retention: state.Retention{Millis: 150_000}},
}

// topics is the Kafka of the test: the changelogs' committed records. Each commit also takes an offset for its marker.
type topics [][]changelog.Record

func (l topics) Bounds(_ context.Context, _ string, partition int32) (start, end int64, err error) {
	return 0, int64(len(l[partition])), nil
}

func (l topics) Read(_ context.Context, _ string, partition int32, from, end int64, yield func([]changelog.Record, int64) error) error {
	for from < end {
		next := min(from+7, end)
		var records []changelog.Record
		for _, r := range l[partition][from:next] {
			if r.Key != nil {
				records = append(records, r)
			}
		}
		if err := yield(records, next); err != nil {
			return err
		}
		from = next
	}
	return nil
}

// tearing is a durable store whose next flush breaks in the middle.
type tearing struct {
	*badger.DB
	after int // entries; < 0: whole
}

var errTorn = errors.New("torn")

func (d *tearing) Flush(ctx context.Context, items []state.FlushItem) error {
	if d.after < 0 {
		return d.DB.Flush(ctx, items)
	}
	n := d.after
	for i := range items {
		whole := items[i].Entries
		items[i].Entries = iter.Seq2[[]byte, []byte](func(yield func(k, v []byte) bool) {
			for k, v := range whole {
				if n--; n < 0 || !yield(k, v) {
					return
				}
			}
		})
	}
	// The entries get there, the positions do not: write both to a position that says nothing was flushed.
	for i := range items {
		have, ok, err := items[i].Partition.Position()
		if err != nil {
			return err
		}
		if !ok {
			have = state.Position{Offset: 0, Time: time.Now()}
		}
		items[i].Position = have
	}
	return errors.Join(errTorn, d.DB.Flush(ctx, items))
}

type world struct {
	*testing.T
	r       *rand.Rand
	dir     string
	db      *tearing
	task    *state.Task
	oracle  *memory.Task
	log     topics
	now     int64
	running *state.Flush
	kept    map[string]int64 // by store: from where on entries are to stay
	history []string
}

func TestMetamorphic(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			w := &world{T: t, r: rand.New(rand.NewPCG(uint64(seed), 7)), dir: t.TempDir(), log: make(topics, len(specs)), oracle: memory.New(specs), kept: map[string]int64{}}
			w.open()
			for range 400 {
				w.step()
			}
			w.ok(w.task.Close())
			w.ok(w.db.Close())
		})
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v\nhistory: %v", err, w.history)
	}
}

func (w *world) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

// open restores every store and opens the task, as a slot does.
func (w *world) open() {
	db, err := badger.Open(w.dir, badger.Options{Logger: slog.New(slog.DiscardHandler)})
	w.ok(err)
	w.db = &tearing{db, -1}
	c := state.TaskConfig{Specs: specs, Incarnation: "q", Durable: w.db}
	for i, s := range specs {
		// Each store has a partition number of its own only in the log of this test.
		r := changelog.Restore{
			Log: shifted{w.log, int32(i)}, Durable: w.db, Spec: s, Store: c.StoreName(s), Topic: s.ID,
			Committed: int64(len(w.log[i])), DeleteRetention: time.Hour, Now: time.Now,
		}
		at, err := r.Run(w.Context())
		w.ok(err)
		if at != int64(len(w.log[i])) {
			w.Fatalf("restored to %d of %d", at, len(w.log[i]))
		}
	}
	w.task, err = state.OpenTask(c)
	w.ok(err)
	w.running = nil
	for id, from := range w.kept {
		w.keeper(stores{w.task}, id).Keep(from)
	}
}

// keeper is a store that keeps entries past their retention.
type keeper interface {
	Shown() int64
	Keep(from int64)
}

func (w *world) keeper(s stores, id string) keeper {
	if id == "session" {
		ses, err := s.Session(id)
		w.ok(err)
		return ses
	}
	win, err := s.Window(id)
	w.ok(err)
	return win
}

// keep lets a store keep what it shows now, or nothing any more.
func (w *world) keep() {
	id := specs[1+w.r.IntN(3)].ID
	k := w.keeper(stores{w.task}, id)
	if _, ok := w.kept[id]; ok {
		w.note("let go of %s", id)
		delete(w.kept, id)
		k.Keep(math.MaxInt64)
		return
	}
	from := k.Shown()
	if from == math.MinInt64 {
		return // nothing was put yet
	}
	w.note("keep %s from %d", id, from)
	w.kept[id] = from
	k.Keep(from)
}

// showKept reads what is kept, from the beginning and from the middle.
func (w *world) showKept(s stores) (text string) {
	for _, spec := range specs[1:4] {
		from, ok := w.kept[spec.ID]
		if !ok {
			continue
		}
		text += fmt.Sprintf(" %s@%d", spec.ID, w.keeper(s, spec.ID).Shown())
		for _, key := range []string{"", "a", "b\x00"} {
			if spec.ID == "session" {
				ses, err := s.Session(spec.ID)
				w.ok(err)
				w.ok(ses.Resume(from, from-10_000, []byte(key), w.now, func(start, end int64, k, v []byte) bool {
					text += fmt.Sprintf(" %q[%d,%d]=%q", k, start, end, v)
					return true
				}))
				continue
			}
			win, err := s.Window(spec.ID)
			w.ok(err)
			w.ok(win.Resume(from, []byte(key), w.now, func(start int64, k, v []byte) bool {
				text += fmt.Sprintf(" %d %q=%q", start, k, v)
				return true
			}))
		}
	}
	return text
}

// shifted reads log number i as partition 0.
type shifted struct {
	topics
	i int32
}

func (s shifted) Bounds(ctx context.Context, topic string, _ int32) (int64, int64, error) {
	return s.topics.Bounds(ctx, topic, s.i)
}

func (s shifted) Read(ctx context.Context, topic string, _ int32, from, end int64, yield func([]changelog.Record, int64) error) error {
	return s.topics.Read(ctx, topic, s.i, from, end, yield)
}

func (w *world) step() {
	switch n := w.r.IntN(100); {
	case n < 60:
		for range 1 + w.r.IntN(20) {
			w.write()
		}
	case n < 80:
		w.commit()
	case n < 85:
		w.note("abort")
		w.task.Abort()
		w.oracle.Abort()
	case n < 88:
		w.keep()
	case n < 92:
		w.flush(-1)
	case n < 94:
		w.flush(w.r.IntN(40))
	default:
		w.die(n == 99)
	}
	w.compare(stores{w.task}, stores{w.oracle})
}

func (w *world) commit() {
	w.note("commit")
	w.ok(w.task.Prepare())
	positions := make([]int64, len(specs))
	for i := range specs {
		for _, r := range changelog.Collect(nil, w.task, i) {
			r.Key = append([]byte{}, r.Key...)
			if r.Value != nil {
				r.Value = append([]byte{}, r.Value...)
			}
			w.log[i] = append(w.log[i], r)
		}
		positions[i] = int64(len(w.log[i]))
		w.log[i] = append(w.log[i], changelog.Record{})
	}
	w.task.Commit(positions, time.Now())
	w.oracle.Commit()
	w.compareViews()
}

// flush begins a flush, or ends the one that runs, so that commits and aborts fall in between.
func (w *world) flush(tear int) {
	w.note("flush %d", tear)
	if w.running == nil {
		w.running = w.task.BeginFlush(time.Now())
		return
	}
	w.db.after = tear
	err := w.running.Run(w.Context())
	w.db.after = -1
	if (tear >= 0) != errors.Is(err, errTorn) {
		w.ok(err)
	}
	w.task.EndFlush(w.running, err)
	w.running = nil
}

// die ends the process without a word; lost says that the disk is gone too.
func (w *world) die(lost bool) {
	w.note("die %v", lost)
	w.ok(w.task.Close())
	w.ok(w.db.Close())
	if lost {
		w.ok(os.RemoveAll(w.dir))
	}
	w.oracle.Abort()
	w.open()
}

func (w *world) key() []byte { return []byte{byte('a' + w.r.IntN(3)), byte(w.r.IntN(3))}[:w.r.IntN(3)] }

func (w *world) time() int64 {
	w.now += w.r.Int64N(3000)
	return (w.now - w.r.Int64N(250_000)*w.r.Int64N(2)) / 2000 * 2000
}

func (w *world) write() {
	key, value := w.key(), fmt.Append(nil, w.r.IntN(1000))[:w.r.IntN(2)]
	at := w.time()
	span := w.r.Int64N(2) * w.r.Int64N(50_000)
	kind, remove := w.r.IntN(len(specs)), w.r.IntN(4) == 0
	w.note("write %s %q=%q @%d -%d remove %v", specs[kind].ID, key, value, at, span, remove)
	a, errA := (stores{w.task}).write(kind, key, value, at, span, remove)
	b, errB := (stores{w.oracle}).write(kind, key, value, at, span, remove)
	w.ok(errors.Join(errA, errB))
	if a != b {
		w.Fatalf("put: %v, oracle %v\nhistory: %v", a, b, w.history)
	}
}

// stores asks either implementation.
type stores struct{ state.Stores }

func (s stores) write(kind int, key, value []byte, at, span int64, remove bool) (bool, error) {
	id := specs[kind].ID
	switch specs[kind].Kind {
	case state.KeyValue:
		kv, err := s.KeyValue(id)
		if err != nil || remove {
			return false, errors.Join(err, kv.Delete(key))
		}
		return true, kv.Put(key, value)
	case state.Window:
		win, err := s.Window(id)
		if err != nil || remove {
			return false, errors.Join(err, win.Delete(at/10_000*10_000, key))
		}
		return win.Put(at/10_000*10_000, key, value)
	case state.Session:
		ses, err := s.Session(id)
		if err != nil || remove {
			return false, errors.Join(err, ses.Remove(key, at-span, at))
		}
		return ses.Put(key, at-span, at, value)
	}
	j, err := s.Join(id)
	if err != nil {
		return false, err
	}
	return j.Put(at, key, value)
}

func (w *world) compare(a, b stores) {
	w.Helper()
	x, y := w.show(a), w.show(b)
	for i := range x {
		if x[i] != y[i] {
			w.Fatalf("read %d: %s\noracle: %s\nhistory: %v", i, x[i], y[i], w.history)
		}
	}
}

// compareViews reads as a pull query does, behind a commit.
func (w *world) compareViews() {
	w.Helper()
	for i, s := range specs[:4] {
		v, err := w.task.View(s.ID)
		w.ok(err)
		got, want := w.showOne(viewed{v}, i), w.showOne(stores{w.oracle}.reader(), i)
		v.Close()
		if got != want {
			w.Fatalf("view of %s: %s\noracle: %s\nhistory: %v", s.ID, got, want, w.history)
		}
	}
}

// readers are what both stores and views can do.
type readers interface {
	KeyValue(id string) (state.KeyValueReader, error)
	Window(id string) (state.WindowReader, error)
	Session(id string) (state.SessionReader, error)
}

type viewed struct{ v *state.View }

func (v viewed) KeyValue(string) (state.KeyValueReader, error) { return v.v.KeyValue() }
func (v viewed) Window(string) (state.WindowReader, error)     { return v.v.Window() }
func (v viewed) Session(string) (state.SessionReader, error)   { return v.v.Session() }

type reading struct{ s stores }

func (s stores) reader() readers { return reading{s} }

func (r reading) KeyValue(id string) (state.KeyValueReader, error) { return r.s.KeyValue(id) }
func (r reading) Window(id string) (state.WindowReader, error)     { return r.s.Window(id) }
func (r reading) Session(id string) (state.SessionReader, error)   { return r.s.Session(id) }

func (w *world) show(s stores) []string {
	var out []string
	for i := range specs[:4] {
		out = append(out, w.showOne(s.reader(), i))
	}
	j, err := s.Join("join")
	w.ok(err)
	text := fmt.Sprintf("join@%d", j.StreamTime())
	for _, k := range []string{"", "a", "b\x00", "c\x01"} {
		for _, from := range []int64{math.MinInt64, w.now - 100_000} {
			w.ok(j.Fetch([]byte(k), from, w.now-1000, func(at int64, v []byte) bool {
				text += fmt.Sprintf(" %q@%d=%q", k, at, v)
				return true
			}))
		}
	}
	return append(out, text, w.showKept(s))
}

func (w *world) showOne(s readers, i int) (text string) {
	id := specs[i].ID
	switch specs[i].Kind {
	case state.KeyValue:
		return w.showKeyValue(s, id)
	case state.Window:
		return w.showWindow(s, id)
	}
	ses, err := s.Session(id)
	w.ok(err)
	text = fmt.Sprintf("%s@%d", id, ses.StreamTime())
	for _, k := range []string{"", "a", "b\x00", "c\x01"} {
		w.ok(ses.Fetch([]byte(k), w.now-80_000, w.now, func(start, end int64, v []byte) bool {
			text += fmt.Sprintf(" %q[%d,%d]=%q", k, start, end, v)
			return true
		}))
	}
	w.ok(ses.Scan(math.MinInt64, math.MaxInt64, func(start, end int64, k, v []byte) bool {
		text += fmt.Sprintf(" scan %q[%d,%d]=%q", k, start, end, v)
		return true
	}))
	return text
}

func (w *world) showKeyValue(s readers, id string) (text string) {
	kv, err := s.KeyValue(id)
	w.ok(err)
	keys := [][]byte{{}, []byte("a"), []byte("b\x00"), []byte("c\x01"), []byte("zz")}
	values := make([][]byte, len(keys))
	w.ok(kv.GetMany(keys, values))
	text = fmt.Sprintf("many %q", values)
	w.ok(kv.Range([]byte("a"), []byte("c"), func(k, v []byte) bool {
		got, err := kv.Get(k)
		w.ok(err)
		text += fmt.Sprintf(" %q=%q=%q", k, v, got)
		return true
	}))
	w.ok(kv.Range(nil, nil, func(k, _ []byte) bool {
		text += fmt.Sprintf(" first %q", k)
		return false
	}))
	return text
}

func (w *world) showWindow(s readers, id string) (text string) {
	win, err := s.Window(id)
	w.ok(err)
	text = fmt.Sprintf("%s@%d", id, win.StreamTime())
	for _, k := range []string{"", "a", "b\x00"} {
		w.ok(win.Fetch([]byte(k), w.now-100_000, w.now, func(start int64, v []byte) bool {
			text += fmt.Sprintf(" %q@%d=%q", k, start, v)
			return true
		}))
	}
	w.ok(win.Scan(math.MinInt64, math.MaxInt64, func(start int64, k, v []byte) bool {
		got, err := win.Get(start, k)
		w.ok(err)
		text += fmt.Sprintf(" scan %d %q=%q=%q", start, k, v, got)
		return true
	}))
	return text
}
