//go:build linux || darwin

package badger

import (
	"os"
	"syscall"
)

// lockDir takes the lock that Badger takes on a folder; free is false if another database has it.
func lockDir(dir string) (release func(), free bool) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, false
	}
	release = func() { _ = f.Close() } // and with it goes the lock
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		release()
		return nil, false
	}
	return release, true
}
