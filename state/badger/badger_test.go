package badger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/millrace/millrace/state"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	d, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func fill(t *testing.T, d *DB, store string, n int) state.Partition {
	t.Helper()
	p, err := d.Partition(store, 3)
	if err != nil {
		t.Fatal(err)
	}
	entries := func(yield func(k, v []byte) bool) {
		for i := range n {
			if !yield(fmt.Appendf(nil, "%06d", i), fmt.Append(nil, i)) {
				return
			}
		}
	}
	item := state.FlushItem{Partition: p, Entries: iter.Seq2[[]byte, []byte](entries), Position: state.Position{Offset: int64(n), Time: time.UnixMilli(5)}}
	if err := d.Flush(context.Background(), []state.FlushItem{item}); err != nil {
		t.Fatal(err)
	}
	return p
}

func count(t *testing.T, d *DB) (n int) {
	t.Helper()
	err := d.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFlushAndReopen(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	fill(t, d, "a", 100)
	fill(t, d, "b", 7)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, dir)
	p, err := d.Partition("b", 3)
	if err != nil {
		t.Fatal(err)
	}
	pos, ok, err := p.Position()
	if err != nil || !ok || pos.Offset != 7 || pos.Time.UnixMilli() != 5 {
		t.Errorf("position %v %v %v", pos, ok, err)
	}
	s := p.Snapshot()
	defer s.Close()
	if v, ok, err := s.Get([]byte("000006"), []byte("x")); err != nil || !ok || string(v) != "x6" {
		t.Errorf("get: %q %v %v", v, ok, err)
	}
	if _, ok, err := s.Get([]byte("000007"), nil); err != nil || ok {
		t.Errorf("get of another store's key: %v %v", ok, err)
	}
}

func TestDropAndSweep(t *testing.T) {
	d := open(t, t.TempDir())
	base := count(t, d)
	fill(t, d, "gone", 2500)
	fill(t, d, "kept", 10)
	if err := d.Drop("gone"); err != nil {
		t.Fatal(err)
	}
	// A store of the same name is another one from now on, also before the old data is gone.
	p, err := d.Partition("gone", 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Position(); err != nil || ok {
		t.Errorf("a new store has the position of the dropped one: %v", err)
	}
	steps := 0
	for more := true; more; steps++ {
		if more, err = d.Sweep(); err != nil {
			t.Fatal(err)
		}
	}
	if steps < 3 {
		t.Errorf("2500 entries went in %d steps", steps)
	}
	if got, want := count(t, d), base+2+1+10; got != want {
		t.Errorf("%d entries left, want %d: two names, a position, ten of data", got, want)
	}
}

func TestClear(t *testing.T) {
	d := open(t, t.TempDir())
	p := fill(t, d, "a", 2500)
	if err := p.Clear(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := p.Snapshot()
	defer s.Close()
	it, more, err := s.Iterate(nil)
	if err != nil || more {
		t.Errorf("entries after clear: %v %v", more, err)
	}
	it.Close()
	if _, ok, _ := p.Position(); ok {
		t.Error("a position after clear")
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Errorf("second open: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("the superuser may write anywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, Options{})
	var ro *ReadOnlyError
	if !errors.As(err, &ro) {
		t.Errorf("open of a read-only folder: %v", err)
	}
}

func TestCorrupt(t *testing.T) {
	for name, breakIt := range map[string]func(dir string) error{
		"manifest": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("not a manifest at all"), 0o600)
		},
		"flipped byte": func(dir string) error {
			tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
			if err != nil || len(tables) == 0 {
				return errors.Join(err, errors.New("no table to damage"))
			}
			b, err := os.ReadFile(tables[0])
			if err != nil {
				return err
			}
			b[100] ^= 0x10
			return os.WriteFile(tables[0], b, 0o600)
		},
		"missing table": func(dir string) error {
			tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
			if err == nil && len(tables) == 0 {
				err = errors.New("no table to remove")
			}
			return errors.Join(err, os.Remove(tables[0]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			fill(t, d, "a", 100)
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if err := breakIt(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
			if !errors.Is(err, state.ErrCorrupt) {
				t.Fatalf("open: %v", err)
			}
			if err := Destroy(dir); err != nil {
				t.Fatal(err)
			}
			if got := len(open(t, dir).Stores()); got != 0 {
				t.Errorf("%d stores after destroying", got)
			}
		})
	}
}

func TestFormatVersion(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	write := func(version byte) error {
		err := d.db.Update(func(txn *badger.Txn) error { return txn.Set([]byte{prefixFormat}, []byte{version}) })
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = Open(dir, Options{Logger: slog.New(slog.DiscardHandler)})
		return err
	}
	// What a later release wrote is its to go on with; what an earlier one wrote is rebuilt.
	var format *FormatError
	if err := write(formatVersion + 1); !errors.As(err, &format) || errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), "hint: run that release") {
		t.Errorf("open of a later format: %v", err)
	}
	if err := Destroy(dir); err != nil {
		t.Fatal(err)
	}
	d = open(t, dir)
	if err := write(formatVersion - 1); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("open of an earlier format: %v", err)
	}
}

func TestGuard(t *testing.T) {
	g := Guard{Dir: t.TempDir(), Reserve: 1}
	if err := g.Check(); err != nil {
		t.Errorf("with a byte of reserve: %v", err)
	}
	g.Reserve = 1 << 62
	var low *LowSpaceError
	if err := g.Check(); !errors.As(err, &low) {
		t.Errorf("with an absurd reserve: %v", err)
	}
}

func BenchmarkFlush(b *testing.B) {
	d, err := Open(b.TempDir(), Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	p, err := d.Partition("a", 0)
	if err != nil {
		b.Fatal(err)
	}
	const n = 100_000
	chunk := state.NewChunk()
	for i := range n {
		chunk.Set(fmt.Appendf(nil, "%012d", i*7919%n), make([]byte, 24))
	}
	for range b.N {
		item := state.FlushItem{Partition: p, Entries: chunk.Entries(), Position: state.Position{Offset: 1, Time: time.Now()}}
		if err := d.Flush(context.Background(), []state.FlushItem{item}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}

// BenchmarkFetch is what a join of streams reads per row where the other side's rows are on disk.
func BenchmarkFetch(b *testing.B) {
	d, err := Open(b.TempDir(), Options{Logger: slog.New(slog.DiscardHandler), Memory: 16 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	task, err := state.OpenTask(state.TaskConfig{
		Specs: []state.Spec{{ID: "j", Kind: state.Join, Retention: state.Retention{Millis: 10_000_000}}}, Durable: d, Incarnation: "q",
	})
	if err != nil {
		b.Fatal(err)
	}
	defer task.Close()
	rows, err := task.Join("j")
	if err != nil {
		b.Fatal(err)
	}
	const n, parts = 200_000, 10
	key := func(i int) []byte { return fmt.Appendf(nil, "%012d", i*7919%n) }
	for part := range parts {
		for i := part * n / parts; i < (part+1)*n/parts; i++ {
			if _, err := rows.Put(int64(i), key(i), make([]byte, 24)); err != nil {
				b.Fatal(err)
			}
		}
		if err := task.Prepare(); err != nil {
			b.Fatal(err)
		}
		task.Commit([]int64{int64(part)}, time.Now())
		f := task.BeginFlush(time.Now())
		err := f.Run(b.Context())
		if task.EndFlush(f, err); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		found := 0
		if err := rows.Fetch(key(i), 0, n, func(int64, []byte) bool { found++; return true }); err != nil || found != 1 {
			b.Fatal(found, err)
		}
	}
}

// TestLessMemoryAfterACrash: a log that was written for a large table in memory is read by a server that was given less.
func TestLessMemoryAfterACrash(t *testing.T) {
	dir, died := t.TempDir(), t.TempDir()
	d := open(t, dir) // tables of 16 MiB
	const n = 150_000
	fill(t, d, "a", n)
	if err := os.CopyFS(died, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if size, err := largestLog(died); err != nil || size <= 8<<20 {
		t.Fatalf("the log has %d bytes, %v: too few to be a problem for a table of 4 MiB", size, err)
	}
	less, err := Open(died, Options{Logger: slog.New(slog.DiscardHandler), Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer less.Close()
	if got, want := count(t, less), count(t, d); got != want || got < n {
		t.Errorf("%d of %d entries are left", got, want)
	}
}

// TestLeastMemory: a store takes rows whatever little memory it has, where Badger wants a batch to hold the largest value.
func TestLeastMemory(t *testing.T) {
	d, err := Open(t.TempDir(), Options{Logger: slog.New(slog.DiscardHandler), Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fill(t, d, "a", 100)
	txn := d.db.NewTransaction(true)
	defer txn.Discard()
	if err := txn.Set([]byte("large"), make([]byte, 3<<20)); err != nil {
		t.Error(err)
	}
}
