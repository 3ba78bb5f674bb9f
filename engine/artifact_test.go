package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestArtifactsAreCachedAtOnce: two statements that bring the same model do not get into each other's way, and what a writer left that died
// goes with the next start.
func TestArtifactsAreCachedAtOnce(t *testing.T) {
	a := &artifacts{dir: t.TempDir()}
	b := bytes.Repeat([]byte("model"), 1<<16)
	sum := sha256.Sum256(b)
	sha := hex.EncodeToString(sum[:])
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := a.cache(sha, b); err != nil {
					t.Error(err)
				}
				if got, err := os.ReadFile(a.path(sha)); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%d bytes are there, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	if err := os.WriteFile(filepath.Join(a.dir, sha+".1"+torn), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sweepCache(a.dir); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(a.dir); err != nil || len(files) != 1 || files[0].Name() != sha {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}
