package badger

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/state"
)

// TestDamagedTable damages a table at many places. Badger would end the process for some of them, so each must be found before.
func TestDamagedTable(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	fill(t, d, "a", 300)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v: %v", tables, err)
	}
	whole, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	damage := func(what string, at int, b []byte) {
		t.Helper()
		if err := os.WriteFile(tables[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)}); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("open with a table of %d bytes %s at %d: %v", len(whole), what, at, err)
		}
	}
	for at := 0; at < len(whole); at += 61 {
		damage("cut", at, whole[:at])
		b := append([]byte(nil), whole...)
		b[at] ^= 0xff
		damage("flipped", at, b)
		clear(b[at:min(at+64, len(b))])
		damage("overwritten", at, b)
	}
	for at := max(len(whole)-64, 0); at < len(whole); at++ { // the lengths
		b := append([]byte(nil), whole...)
		b[at] ^= 0x40
		damage("flipped", at, b)
	}
	if err := os.WriteFile(tables[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := len(open(t, dir).Stores()); got != 1 {
		t.Errorf("the table that is whole again has %d stores", got)
	}
}

// TestManifestGone takes the manifest away from a database that was killed: what is in its log is not all that there was.
func TestManifestGone(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	fill(t, d, "a", 10)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(copied, "MANIFEST")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(copied, Options{Logger: slog.New(slog.DiscardHandler)}); !errors.Is(err, state.ErrCorrupt) {
		t.Fatalf("open: %v", err)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	var locked *LockedError
	if _, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)}); !errors.As(err, &locked) {
		t.Fatalf("open of a database that is open: %v", err)
	}
}
