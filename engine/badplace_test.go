package engine_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

func TestDataDirectories(t *testing.T) {
	r := newRig(t)
	_, err := openEngine(t, engine.Options{DataDir: r.dir})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second engine on the directory: %v", err)
	}
	r.works()

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openEngine(t, engine.Options{DataDir: filepath.Join(file, "data")}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory that cannot be made: %v", err)
	}
	if os.Getuid() == 0 {
		return // who is root can write anywhere
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := openEngine(t, engine.Options{DataDir: closed}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a read-only directory: %v", err)
	}
}

func TestBrokerThatIsNotThere(t *testing.T) {
	start := time.Now()
	_, err := openEngine(t, engine.Options{DataDir: t.TempDir(), Bootstrap: []string{"127.0.0.1:1"}})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("the error does not name the broker: %v", err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestNearlyFullDisk(t *testing.T) {
	r := newRig(t)
	r.works()
	closeEngine(t, r.Engine)
	var err error
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir, DiskReserve: 1 << 60}); err != nil {
		t.Fatal(err)
	}
	if h := r.Health(); h.Healthy || h.Checks["disk"] {
		t.Errorf("a nearly full disk is healthy: %+v", h)
	}
	if s := r.Info().Status; s != "DEGRADED" {
		t.Errorf("the server is %s", s)
	}
	r.must("SHOW STREAMS; SHOW QUERIES;") // it answers, and its queries wait
	closeEngine(t, r.Engine)
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
	r.works()
}

// TestLocalStateIsACache removes, then breaks, what is only a copy of what Kafka has.
func TestLocalStateIsACache(t *testing.T) {
	r := newRig(t)
	r.works()
	for _, harm := range []func(path string) error{
		os.RemoveAll,
		func(path string) error {
			return filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				return os.WriteFile(p, []byte("no longer what it was"), 0o600)
			})
		},
	} {
		closeEngine(t, r.Engine)
		for _, part := range []string{"state", "artifacts"} {
			if err := harm(filepath.Join(r.dir, part)); err != nil {
				t.Fatal(err)
			}
		}
		e, err := openEngine(t, engine.Options{DataDir: r.dir})
		if err != nil {
			t.Fatal(err)
		}
		r.Engine = e
		r.works()
		r.must("DESCRIBE MODEL cancer;")
	}
}

func TestOtherSlots(t *testing.T) {
	r := newRig(t)
	closeEngine(t, r.Engine)
	_, err := engine.Open(t.Context(), engine.Options{DataDir: r.dir, Slots: 5, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err == nil || !strings.Contains(err.Error(), "has 4 slots") {
		t.Errorf("a server with other slots: %v", err)
	}
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
	r.works()
}
