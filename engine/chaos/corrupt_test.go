package chaos

import (
	"io/fs"
	"os"
	"path/filepath"
)

// corrupt overwrites a piece of one of the store's files, or cuts it off.
func (s *storm) corrupt(dir string) {
	var files []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(path) != "LOCK" {
			if info, err := d.Info(); err == nil && info.Size() > 0 {
				files = append(files, path)
			}
		}
		return nil
	})
	if len(files) == 0 {
		return
	}
	path := files[s.rng.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	size, at := len(text), s.rng.IntN(min(len(text), 1<<20)) // logs are mapped large, and empty behind
	if s.rng.IntN(3) == 0 {
		text = text[:at]
	} else {
		for i := at; i < min(at+64, len(text)); i++ {
			text[i] ^= byte(1 + s.rng.IntN(255))
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("corrupted %s (%d bytes, now %d) at %d", filepath.Base(path), size, len(text), at)
}
